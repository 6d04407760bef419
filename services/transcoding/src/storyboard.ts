/** Sprite sheets of small pictures for seeking, and the WebVTT that says where each is. */

export interface StoryboardPlan {
  readonly intervalSeconds: number;
  readonly tileWidthPx: number;
  readonly tileHeightPx: number;
  readonly columns: number;
  readonly rows: number;
  readonly tiles: number;
}

/** Tiles for a film of `durationSeconds`: one a second for short ones, at most every ten seconds; fitting 160 × 160 px, even. */
export function planStoryboard(durationSeconds: number, widthPx: number, heightPx: number): StoryboardPlan {
  const intervalSeconds = Math.min(10, Math.max(1, Math.ceil(durationSeconds / 100)));
  const scale = 160 / Math.max(widthPx, heightPx);
  const even = (px: number): number => Math.max(2, Math.round((px * scale) / 2) * 2);
  return {
    intervalSeconds,
    tileWidthPx: even(widthPx),
    tileHeightPx: even(heightPx),
    columns: 10,
    rows: 10,
    tiles: Math.max(1, Math.ceil(durationSeconds / intervalSeconds)),
  };
}

const timestamp = (seconds: number): string => {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = Math.min(999, Math.round((seconds - whole) * 1000));
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${String(ms).padStart(3, '0')}`;
};

/** File name of sheet `sheet`, beside the WebVTT file. */
export const sheetFile = (sheet: number): string => `storyboard-${sheet}.jpg`;

/** WebVTT whose cues name a rectangle of a sheet (Media Fragments, `#xywh`), for as many sheets as there are. */
export function storyboardVtt(plan: StoryboardPlan, durationSeconds: number, sheets: number): string {
  const perSheet = plan.columns * plan.rows;
  const cues = Array.from({ length: Math.min(plan.tiles, sheets * perSheet) }, (_, tile) => {
    const place = tile % perSheet;
    const x = (place % plan.columns) * plan.tileWidthPx;
    const y = Math.floor(place / plan.columns) * plan.tileHeightPx;
    const from = tile * plan.intervalSeconds;
    const to = Math.min(durationSeconds, from + plan.intervalSeconds);
    return `${timestamp(from)} --> ${timestamp(to)}\n${sheetFile(Math.floor(tile / perSheet))}#xywh=${x},${y},${plan.tileWidthPx},${plan.tileHeightPx}\n`;
  });
  return `WEBVTT\n\n${cues.join('\n')}`;
}

const end = Buffer.from([0xff, 0xd9]);

/** The JPEG pictures that ffmpeg wrote one after the other: each ends in EOI, which cannot occur inside one (T.81 §B.1.1.5). */
export function splitPictures(bytes: Buffer): readonly Buffer[] {
  const pictures: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const at = bytes.indexOf(end, start);
    if (at < 0) break;
    pictures.push(bytes.subarray(start, at + end.length));
    start = at + end.length;
  }
  return pictures;
}
