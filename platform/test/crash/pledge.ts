/** One video as its uploader remembers it: what the platform has acknowledged, and what it was asked without an answer. */
import type { Video } from '@kinora/contracts';
import type { Client } from '../client.ts';
import { attempt, expectStatus, Finding, type Answer } from './attempt.ts';
import type { Clip } from './clips.ts';

/** A title sent with If-Match, never answered: it may have been taken. */
interface Wish {
  readonly title: string;
  readonly edition: number;
}

export interface Pledge {
  readonly videoId: string;
  readonly clip: Clip;
  /** Whose it is. */
  readonly owner: Client;
  uploadUrl: string | undefined;
  acknowledgedBytes: number;
  isComplete: boolean;
  /** Playbacks that the bus has taken. */
  playbacks: number;
  title: string;
  /** As in the ETag: grows with each change of the title. */
  edition: number;
  wishes: readonly Wish[];
  /** `asked`: may be gone. `leaving`: goes with its owner's account. `done`: is gone. */
  removal: 'none' | 'asked' | 'leaving' | 'done';
  /** Some actor works with it. */
  isBusy: boolean;
  /** Every frame of it has been seen. */
  isPlayed: boolean;
}

export const isKept = ({ removal }: Pledge): boolean => removal === 'none';

const editionOf = ({ headers }: Answer): number => Number(/\d+/.exec(headers.get('etag') ?? '')?.[0]);

/** A new video; undefined when the platform does not say that it is there. */
export async function createPledge(owner: Client, clip: Clip): Promise<Pledge | undefined> {
  const answer = await attempt(owner, 'POST', '/api/videos', { body: { title: clip.name } });
  if (!answer) return undefined;
  const { videoId, title } = expectStatus('creating a video', answer, 201).body as Video;
  const blank = { uploadUrl: undefined, acknowledgedBytes: 0, isComplete: false, playbacks: 0 };
  return { videoId, clip, owner, title, edition: editionOf(answer), wishes: [], removal: 'none', isBusy: false, isPlayed: false, ...blank };
}

/** Reads the video and compares it with what is known of it; undefined when nobody answers. @throws {Finding} */
export async function readPledge(pledge: Pledge): Promise<Video | undefined> {
  const answer = await attempt(pledge.owner, 'GET', `/api/videos/${pledge.videoId}`);
  if (!answer) return undefined;
  const video = expectStatus(`video ${pledge.videoId}`, answer, 200).body as Video;
  const edition = editionOf(answer);
  const isAcknowledged = edition === pledge.edition && video.title === pledge.title;
  const wish = pledge.wishes.find((candidate) => candidate.edition + 1 === edition && candidate.title === video.title);
  if (!isAcknowledged && !wish)
    throw new Finding(
      `${pledge.videoId} has edition ${edition} "${video.title}"; known is ${pledge.edition} "${pledge.title}", asked ${JSON.stringify(pledge.wishes)}`,
    );
  if (wish) noteTitle(pledge, video.title, edition);
  return video;
}

function noteTitle(pledge: Pledge, title: string, edition: number): void {
  Object.assign(pledge, { title, edition, wishes: pledge.wishes.filter((wish) => wish.edition >= edition) });
}

/** Gives the video another title, seen from the edition that is known. @throws {Finding} */
export async function retitle(pledge: Pledge, title: string): Promise<void> {
  if (!(await readPledge(pledge))) return;
  const { edition } = pledge;
  pledge.wishes = [...pledge.wishes, { title, edition }];
  const answer = await attempt(pledge.owner, 'PATCH', `/api/videos/${pledge.videoId}`, {
    body: { title },
    headers: { 'if-match': `"${edition}"` },
  });
  if (!answer) return;
  // 412: an earlier wish came true after it had been given up.
  if (expectStatus(`retitling ${pledge.videoId}`, answer, 200, 412).status === 412) return void (await readPledge(pledge));
  noteTitle(pledge, title, editionOf(answer));
}

/** Deletes the video, or goes on with it; true once it is known to be gone. @throws {Finding} */
export async function removePledge(pledge: Pledge): Promise<boolean> {
  const isAgain = pledge.removal === 'asked';
  pledge.removal = 'asked';
  const answer = await attempt(pledge.owner, 'DELETE', `/api/videos/${pledge.videoId}`);
  if (!answer) return false;
  expectStatus(`deleting ${pledge.videoId}`, answer, 204, ...(isAgain ? [404] : []));
  pledge.removal = 'done';
  return true;
}

/** True when `asker`, an admin, does not find the video; undefined when nobody answers. */
export async function isGone(pledge: Pledge, asker: Client): Promise<boolean | undefined> {
  const answer = await attempt(asker, 'GET', `/api/videos/${pledge.videoId}`);
  return answer && expectStatus(`the removed video ${pledge.videoId}`, answer, 200, 404).status === 404;
}

const stallMs = 8_000;

interface Rejection {
  readonly originalResponse?: { getStatus(): number; getBody(): string } | null;
}

/** Failures of an upload that settle nothing: no answer, "not now", or bytes that arrived although nobody said so. */
function isPassing(error: unknown, pledge: Pledge): boolean {
  const status = (error as Rejection).originalResponse?.getStatus() ?? 0;
  const isOffset = status === 409 && /upload-offset-conflict/.test((error as Rejection).originalResponse?.getBody() ?? '');
  return status < 400 || status >= 500 || [408, 423, 429].includes(status) || isOffset || !isKept(pledge);
}

/** Begins or goes on with the upload of `pledge`, at most up to `untilBytes`; gives up when the platform does not go along. @throws {Finding} */
export async function goOn(pledge: Pledge, url: string, untilBytes = Number.POSITIVE_INFINITY): Promise<void> {
  const chunkSize = Math.max(1024, Math.ceil(pledge.clip.bytes.length / 4));
  let heardAt = performance.now();
  const heard = (): void => void (heardAt = performance.now());
  const { upload, done } = pledge.owner.upload(pledge.videoId, pledge.clip.bytes, {
    filename: pledge.clip.name,
    chunkSize,
    // Without an endpoint the client cannot begin again when it finds that its upload is lost.
    ...(pledge.uploadUrl ? { uploadUrl: new URL(pledge.uploadUrl, url).href, endpoint: null } : {}),
    onProgress: heard,
    onChunkComplete(_size, accepted) {
      heard();
      pledge.acknowledgedBytes = Math.max(pledge.acknowledgedBytes, accepted);
      if (accepted >= untilBytes) giveUp();
    },
    onUploadUrlAvailable: () => void (pledge.uploadUrl = upload.url ? new URL(upload.url, url).pathname : undefined),
  });
  const { promise: givenUp, resolve } = Promise.withResolvers<'given up'>();
  const giveUp = (): void => {
    void upload.abort();
    resolve('given up');
  };
  const watch = setInterval(() => performance.now() - heardAt > stallMs && giveUp(), 500);
  upload.start();
  try {
    if ((await Promise.race([done, givenUp])) !== 'given up') pledge.isComplete = true;
  } catch (error) {
    if (!isPassing(error, pledge)) throw new Finding(`the upload of ${pledge.videoId} to ${pledge.uploadUrl}`, { cause: error });
  } finally {
    clearInterval(watch);
  }
}

/** Asks how far the upload is; undefined when nobody answers. @throws {Finding} when fewer bytes are there than were acknowledged */
export async function checkOffset(pledge: Pledge): Promise<number | undefined> {
  if (!pledge.uploadUrl) return undefined;
  const answer = await attempt(pledge.owner, 'HEAD', pledge.uploadUrl, { headers: { 'tus-resumable': '1.0.0' } });
  if (!answer) return undefined;
  const offset = Number(answer.headers.get('upload-offset') ?? Number.NaN);
  if (offset >= pledge.acknowledgedBytes) return offset;
  throw new Finding(
    `${pledge.uploadUrl}: ${pledge.acknowledgedBytes} bytes were acknowledged, ${offset} are there (status ${answer.status})`,
  );
}
