import { describe, expect, it } from '@jest/globals';
import { openLimit } from './limit.ts';

describe('openLimit', () => {
  const clock = { ms: 0 };
  const now = (): Date => new Date(clock.ms);

  it('allows as many uses as its maximum in a window and says when the next is allowed', () => {
    const limit = openLimit({ max: 2, windowSeconds: 60, now });
    expect([limit.take('a'), limit.take('a')]).toEqual([undefined, undefined]);
    clock.ms += 15_500;
    expect(limit.take('a')).toBe(45);
    expect(limit.take('b')).toBeUndefined();
    clock.ms += 44_500;
    expect(limit.take('a')).toBeUndefined();
  });

  it('forgets a use that is given back', () => {
    const limit = openLimit({ max: 1, windowSeconds: 60, now });
    limit.take('a');
    limit.giveBack('a');
    expect(limit.take('a')).toBeUndefined();
  });

  it('never refuses with a maximum of 0', () => {
    const limit = openLimit({ max: 0, windowSeconds: 60, now });
    for (let use = 0; use < 100; use += 1) expect(limit.take('a')).toBeUndefined();
  });

  it('remembers only the keys it has room for', () => {
    const limit = openLimit({ max: 1, windowSeconds: 60, now, keys: 2 });
    for (const key of ['a', 'b', 'c']) limit.take(key);
    expect(limit.take('a')).toBeUndefined();
    expect(limit.take('c')).toBeGreaterThan(0);
  });
});
