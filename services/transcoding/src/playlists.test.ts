import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import HLS from 'hls-parser';
import { addSegment, joinOutputs, secondsOf, type Output } from './output.ts';
import { mediaPlaylist, multivariantPlaylist, type PlayableRendition } from './playlists.ts';

const empty: Output = { timescale: 1000, codecs: 'avc1.64001f', runs: [], segments: 0, bytes: 0, peakBps: 0 };
const outputs = fc
  .array(fc.tuple(fc.constantFrom(4000, 4004, 2500, 11_000), fc.integer({ min: 1, max: 9_000_000 })), { minLength: 1, maxLength: 60 })
  .map((segments) => segments.reduce((output, [ticks, bytes]) => addSegment(output, ticks, bytes), empty));
const video = (output: Output, isComplete = false): PlayableRendition => ({
  renditionId: 'v240',
  kind: 'video',
  widthPx: 426,
  heightPx: 240,
  fps: 30_000 / 1001,
  ceilingBps: 500_000,
  output,
  isComplete,
});
const audio = (output: Output): PlayableRendition => ({
  renditionId: 'audio',
  kind: 'audio',
  ceilingBps: 128_000,
  channels: 2,
  language: 'ko',
  output: { ...output, codecs: 'mp4a.40.2' },
  isComplete: true,
});

describe('mediaPlaylist', () => {
  it('reads back as the segments it was made of, within the target duration', () => {
    fc.assert(
      fc.property(outputs, fc.boolean(), (output, isComplete) => {
        const playlist = HLS.parse(mediaPlaylist(output, 12, isComplete));
        if (playlist.isMasterPlaylist) throw new Error('not a media playlist');
        const { segments, endlist, targetDuration, playlistType } = playlist as unknown as {
          segments: { uri: string; duration: number; map: { uri: string } }[];
          endlist: boolean;
          targetDuration: number;
          playlistType: string;
        };
        expect([endlist, targetDuration, playlistType]).toEqual([isComplete, 12, 'EVENT']);
        expect(segments.map(({ uri }) => uri)).toEqual(Array.from({ length: output.segments }, (_, at) => `${at}.m4s`));
        expect(segments.reduce((sum, { duration }) => sum + duration, 0)).toBeCloseTo(secondsOf(output), 3);
        expect(segments.every(({ duration, map }) => Math.round(duration) <= 12 && map.uri === 'init.mp4')).toBe(true);
      }),
    );
  });
  it('only grows at its end', () => {
    fc.assert(
      fc.property(outputs, outputs, (first, next) => {
        expect(mediaPlaylist(joinOutputs(first, next), 12, true).startsWith(mediaPlaylist(first, 12, false))).toBe(true);
      }),
    );
  });
});

describe('multivariantPlaylist', () => {
  it('names each video rendition with its codecs, size, rate and the audio it goes with', () => {
    fc.assert(
      fc.property(outputs, outputs, (picture, sound) => {
        const { variants } = HLS.parse(multivariantPlaylist([video(picture), audio(sound)])) as unknown as {
          variants: Record<string, unknown>[];
        };
        expect(variants).toHaveLength(1);
        expect(variants[0]).toMatchObject({
          uri: 'v240/main.m3u8',
          codecs: 'avc1.64001f,mp4a.40.2',
          resolution: { width: 426, height: 240 },
          frameRate: 29.97,
        });
        expect(variants[0]?.['audio']).toMatchObject([
          { groupId: 'audio', uri: 'audio/main.m3u8', language: 'ko', isDefault: true, channels: '2' },
        ]);
        expect(Number(variants[0]?.['bandwidth'])).toBeGreaterThanOrEqual(Number(variants[0]?.['averageBandwidth']));
      }),
    );
  });
  it('names no audio when there is none', () => {
    expect(multivariantPlaylist([video(addSegment(empty, 4000, 1000), true)])).not.toContain('AUDIO');
  });
});
