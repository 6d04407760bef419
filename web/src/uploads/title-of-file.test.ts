import { describe, expect, it } from '@jest/globals';
import { titleOfFile } from './title-of-file.ts';

describe('titleOfFile', () => {
  it('drops the extension and sets words apart', () => {
    expect(titleOfFile('summer_trip.2026_final.mp4')).toBe('summer trip 2026 final');
  });
  it('keeps hyphens, which belong to words and dates', () => {
    expect(titleOfFile('2026-11-23 well-known.MOV')).toBe('2026-11-23 well-known');
  });
  it('composes Hangul that the file system took apart', () => {
    expect(titleOfFile('한글 영상.mp4'.normalize('NFD'))).toBe('한글 영상');
  });
  it('falls back to the whole name and never is empty', () => {
    expect(titleOfFile('.mp4')).toBe('.mp4');
    expect(titleOfFile('')).toBe('Video');
  });
  it('fits into a title whatever the name', () => {
    expect([...titleOfFile('🎬'.repeat(500))]).toHaveLength(200);
  });
});
