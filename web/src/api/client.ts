import { slugOf, type ProblemBody, type ProblemSlug } from '@kinora/contracts';

const deadlineMs = 20_000;

/** A request that did not succeed: with `slug` when the server said why, without `status` when it could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number | undefined;
  readonly slug: ProblemSlug | undefined;
  readonly requestId: string | undefined;
  readonly body: ProblemBody | undefined;
  constructor(status: number | undefined, body: ProblemBody | undefined, requestId: string | undefined, cause?: unknown) {
    super(body?.detail ?? body?.title ?? (status === undefined ? 'unreachable' : `HTTP ${status}`), { cause });
    this.status = status;
    this.slug = body === undefined ? undefined : slugOf(body);
    this.requestId = body?.instance ?? requestId;
    this.body = body;
  }
}

/** True for an `ApiError` with this slug. */
export const isProblem = (error: unknown, slug: ProblemSlug): boolean => error instanceof ApiError && error.slug === slug;

/** The problem in the text of an answer, or undefined when it holds none. */
export function parseProblem(text: string): ProblemBody | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && typeof (body as ProblemBody).type === 'string') return body as ProblemBody;
  } catch {
    return undefined; // An answer of something between us and the server.
  }
  return undefined;
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

function address(path: string, query: Call['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size > 0 ? `${path}?${parameters.toString()}` : path;
}

/** Sends a request to our own API and returns the JSON of the answer, undefined when it has none, with its entity tag. @throws {ApiError} for every answer but 2xx and when there is none within 20 s. */
export async function callTagged<T>(
  path: string,
  { method = 'GET', body, query, headers, signal }: Call = {},
): Promise<{ readonly data: T; readonly etag: string | undefined }> {
  const deadline = AbortSignal.timeout(deadlineMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(undefined, undefined, undefined, error);
  }
  if (!response.ok) throw new ApiError(response.status, parseProblem(text), response.headers.get('x-request-id') ?? undefined);
  return { data: (text === '' ? undefined : JSON.parse(text)) as T, etag: response.headers.get('etag') ?? undefined };
}

/** `callTagged` without the entity tag. */
export const call = async <T>(path: string, options: Call = {}): Promise<T> => (await callTagged<T>(path, options)).data;
