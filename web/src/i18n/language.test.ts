import { describe, expect, it } from '@jest/globals';
import { en } from './en.ts';
import { ko } from './ko.ts';
import { chooseLanguage } from './language.ts';

describe('chooseLanguage', () => {
  it('keeps the stored choice whatever the browser prefers', () => {
    expect(chooseLanguage('en', ['ko-KR'])).toBe('en');
  });
  it('takes the first preferred language that is spoken', () => {
    expect(chooseLanguage(null, ['fr-FR', 'ko-KR', 'en'])).toBe('ko');
  });
  it('falls back to English', () => {
    expect(chooseLanguage('xx', ['fr'])).toBe('en');
    expect(chooseLanguage(null, [])).toBe('en');
  });
});

describe('the dictionaries', () => {
  const sentences = (value: object): string[] =>
    Object.values(value).flatMap((entry: unknown) =>
      typeof entry === 'string' ? [entry] : typeof entry === 'object' && entry !== null ? sentences(entry) : [],
    );
  it('leave no text empty and use no exclamation marks', () => {
    for (const text of [...sentences(en), ...sentences(ko)]) expect(text).toMatch(/^[^!]*\S[^!]*$/);
  });
  it('say processing as the style asks', () => {
    expect(en.progress.preparing('2 min')).toBe('Preparing qualities, about 2 min left. You can already watch and share it.');
    expect(ko.progress.preparing('2분')).toBe('화질을 준비하고 있어요. 2분쯤 남았어요. 지금 바로 보고 공유할 수 있어요.');
  });
});
