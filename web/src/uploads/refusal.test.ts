import { describe, expect, it } from '@jest/globals';
import { isSameFile, refusalOf } from './refusal.ts';

describe('refusalOf', () => {
  it('lets videos pass by type or by name', () => {
    expect(refusalOf({ name: 'a.mp4', type: 'video/mp4', size: 1 })).toBeUndefined();
    expect(refusalOf({ name: 'a.mkv', type: '', size: 1 })).toBeUndefined();
    expect(refusalOf({ name: 'a.ts', type: 'text/vnd.trolltech.linguist', size: 1 })).toBeUndefined();
  });
  it('refuses an empty file', () => {
    expect(refusalOf({ name: 'a.mp4', type: 'video/mp4', size: 0 })).toBe('empty');
  });
  it('refuses what is certainly something else', () => {
    expect(refusalOf({ name: 'a.png', type: 'image/png', size: 1 })).toBe('notVideo');
    expect(refusalOf({ name: 'a.pdf', type: 'application/pdf', size: 1 })).toBe('notVideo');
  });
  it('leaves what it does not know to the server', () => {
    expect(refusalOf({ name: 'clip', type: 'application/x-unknown', size: 1 })).toBeUndefined();
  });
});

describe('isSameFile', () => {
  it('compares size and composed name', () => {
    expect(isSameFile({ name: '영상.mp4'.normalize('NFD'), size: 5 }, { filename: '영상.mp4', bytesTotal: 5 })).toBe(true);
    expect(isSameFile({ name: 'a.mp4', size: 5 }, { filename: 'a.mp4', bytesTotal: 6 })).toBe(false);
  });
});
