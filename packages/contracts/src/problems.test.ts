import { describe, expect, it } from '@jest/globals';
import { Problem, problems, slugOf, type ProblemSlug } from './problems.ts';

describe('problems', () => {
  it('keep their slug, status and title, and carry detail and extensions', () => {
    for (const [slug, { status, title }] of Object.entries(problems)) {
      const body = new Problem(slug as ProblemSlug, { detail: 'Why.', storedOffset: 5 }).toBody('request-1');
      expect(body).toEqual({
        type: `https://kinora.video/problems/${slug}`,
        title,
        status,
        detail: 'Why.',
        instance: 'request-1',
        storedOffset: 5,
      });
      expect(slugOf(body)).toBe(slug);
    }
  });

  it('never show their cause', () => {
    const problem = new Problem('internal-error', { cause: new Error('inner text') });
    expect(JSON.stringify(problem.toBody())).not.toContain('inner text');
    expect(problem.cause).toBeInstanceOf(Error);
  });

  it('are not mistaken for foreign ones', () => {
    for (const type of [undefined, 5, 'about:blank', 'https://kinora.video/problems/toString', 'https://kinora.video/problems/'])
      expect(slugOf({ type })).toBeUndefined();
  });
});
