import { describe, expect, it } from '@jest/globals';
import { problemTypeBase } from '@kinora/contracts';
import { en } from '../i18n/en.ts';
import { ApiError, isProblem, parseProblem } from './client.ts';
import { requestIdOf, sentenceOf } from './sentence.ts';

const problem = { type: `${problemTypeBase}quota-exceeded`, title: 'The account has no space left', status: 413, instance: 'r1' };

describe('sentenceOf', () => {
  it('has a sentence for the slug of a problem', () => {
    const error = new ApiError(413, parseProblem(JSON.stringify(problem)), undefined);
    expect(sentenceOf(error, en)).toBe(en.problems['quota-exceeded']);
    expect(isProblem(error, 'quota-exceeded')).toBe(true);
    expect(requestIdOf(error)).toBe('r1');
  });
  it('says that the server cannot be reached when there was no answer', () => {
    expect(sentenceOf(new ApiError(undefined, undefined, undefined), en)).toBe(en.common.unreachable);
  });
  it('takes the answer of a proxy as a part that is not available', () => {
    expect(sentenceOf(new ApiError(502, parseProblem('<html>Bad gateway</html>'), undefined), en)).toBe(en.problems['service-unavailable']);
  });
  it('says the general sentence for problems of others and for errors of our own', () => {
    expect(sentenceOf(new ApiError(418, parseProblem('{"type":"about:blank"}'), 'r2'), en)).toBe(en.problems['internal-error']);
    expect(sentenceOf(new TypeError('x'), en)).toBe(en.problems['internal-error']);
  });
});
