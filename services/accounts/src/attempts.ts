import { Problem } from '@kinora/contracts';
import { openLimit } from '@kinora/service';
import type { Config } from './config.ts';

/** Limits guessing, per client address and per e-mail. */
export interface Attempts {
  /** Runs `attempt`, which counts against the limits unless it succeeds. @throws {Problem} too-many-requests, or what `attempt` throws */
  guard<T>(address: string, email: string | undefined, attempt: () => Promise<T>): Promise<T>;
  /** Counts one use that is limited even when it succeeds. @throws {Problem} too-many-requests */
  count(address: string): void;
}

/** Limits as the settings say, in bounded memory. */
export function openAttempts(
  { attemptsPerAddress, attemptsPerEmail, attemptsWindowSeconds: windowSeconds }: Config,
  now: () => Date,
): Attempts {
  const perAddress = openLimit({ max: attemptsPerAddress, windowSeconds, now });
  const perEmail = openLimit({ max: attemptsPerEmail, windowSeconds, now });
  const refuse = (retryAfterSeconds: number | undefined): void => {
    if (retryAfterSeconds !== undefined)
      throw new Problem('too-many-requests', { detail: `Try again in ${retryAfterSeconds} seconds.`, retryAfterSeconds });
  };
  return {
    async guard(address, email, attempt) {
      refuse(perAddress.take(address));
      const key = email?.toLowerCase();
      if (key !== undefined) refuse(perEmail.take(key));
      const result = await attempt();
      perAddress.giveBack(address);
      if (key !== undefined) perEmail.giveBack(key);
      return result;
    },
    count: (address) => refuse(perAddress.take(address)),
  };
}
