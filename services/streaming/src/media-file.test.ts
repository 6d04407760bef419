import { describe, expect, it } from '@jest/globals';
import { normalize } from 'node:path/posix';
import fc from 'fast-check';
import { newId } from '@kinora/contracts';
import { immutableCacheControl, mediaFile, playlistCacheControl } from './media-file.ts';

const assetId = newId();

describe('mediaFile', () => {
  it.each([
    ['main.m3u8', 'application/vnd.apple.mpegurl', true],
    ['v720/main.m3u8', 'application/vnd.apple.mpegurl', true],
    ['v720/init.mp4', 'video/mp4', false],
    ['audio/12.m4s', 'video/mp4', false],
    ['poster.jpg', 'image/jpeg', false],
    ['storyboard.vtt', 'text/vtt; charset=utf-8', false],
  ])('knows %s', (path, contentType, isPlaylist) => {
    expect(mediaFile(assetId, path)).toEqual({ key: `assets/${assetId}/${path}`, contentType, isPlaylist });
  });

  it.each([
    '',
    '/',
    'main',
    'plan.json',
    '../x.mp4',
    'a/../../x.mp4',
    './x.mp4',
    '.x.mp4',
    'a//x.mp4',
    'a\\x.mp4',
    '%2e%2e/x.mp4',
    'x.mp4/',
    'x.mp4\n',
    'x.MP4',
  ])('takes %j for no file', (path) => {
    expect(mediaFile(assetId, path)).toBeUndefined();
  });

  it('never leads out of the asset, whatever the path is made of', () => {
    const part = fc.constantFrom('..', '.', '', '/', 'a', '%2e', '\\', '\0', 'x.mp4', '.jpg', 'main.m3u8');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('', '/'), (parts, glue) => {
        const file = mediaFile(assetId, parts.join(glue));
        if (file) expect(normalize(file.key)).toBe(`assets/${assetId}/${parts.join(glue)}`);
      }),
    );
  });

  it('refuses what is no asset id', () => {
    for (const id of ['..', '', 'x', `${assetId}/`, assetId.toUpperCase()]) expect(mediaFile(id, 'main.m3u8')).toBeUndefined();
  });
});

describe('cache-control', () => {
  it('lasts as long as the token, at most a year', () => {
    expect(immutableCacheControl(7200)).toBe('public, max-age=7200, immutable');
    expect(immutableCacheControl(1e9)).toBe('public, max-age=31536000, immutable');
  });

  it('lets only complete media playlists be kept', () => {
    expect(playlistCacheControl('#EXTM3U\n#EXT-X-ENDLIST\n')).toBe('public, max-age=10');
    expect(playlistCacheControl('#EXTM3U\n')).toBe('no-cache');
  });
});
