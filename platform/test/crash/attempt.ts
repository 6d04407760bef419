/** Requests to a platform that is being killed: answers that settle something, and failures that settle nothing. */

/** What the test is looking for: the platform broke a promise. Everything else that fails is the weather. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Statuses that say "not now": the request may or may not have had its effect. */
const isUnsettled = (status: number): boolean => status >= 500 || [408, 423, 429].includes(status);

const requestMs = 8_000;

/** What a request came to; `body` is read as JSON where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface Sender {
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Sends JSON; undefined when nothing was settled: no answer, none in time, or one that says "not now". */
export async function attempt(
  client: Sender,
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: object; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer | undefined> {
  try {
    const response = await client.fetch(path, {
      method,
      signal: AbortSignal.timeout(requestMs),
      headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (isUnsettled(response.status)) return undefined;
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
  } catch {
    return undefined;
  }
}

/** `answer` as it should be. @throws {Finding} for another status than `expected` */
export function expectStatus(what: string, answer: Answer, ...expected: readonly number[]): Answer {
  if (expected.includes(answer.status)) return answer;
  throw new Finding(`${what} answered ${answer.status}, not ${expected.join(' or ')}: ${JSON.stringify(answer.body)}`);
}

/** Resolves after `ms`. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
