import { Type, type Static } from 'typebox';

/** Every error a client can meet: slug → status and title (RFC 9457). docs/problems.md lists the same. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-json': { status: 400, title: 'The body is not valid JSON' },
  'invalid-upload': { status: 400, title: 'The upload request is not valid' },
  'not-signed-in': { status: 401, title: 'Sign in to do this' },
  'wrong-credentials': { status: 401, title: 'E-mail or password is wrong' },
  'invalid-token': { status: 401, title: 'The token is not valid or has expired' },
  forbidden: { status: 403, title: 'This account may not do this' },
  'cross-site-request': { status: 403, title: 'The request came from another site' },
  'sign-up-closed': { status: 403, title: 'New accounts are not open on this installation' },
  'wrong-setup-code': { status: 403, title: 'The set-up code is wrong' },
  'invalid-playback-token': { status: 403, title: 'The playback address is not valid or has expired' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'route-not-found': { status: 404, title: 'There is no such route' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'The request does not fit the present state' },
  'email-taken': { status: 409, title: 'An account with this e-mail exists' },
  'already-set-up': { status: 409, title: 'This installation is set up already' },
  'not-watchable': { status: 409, title: 'The video cannot be watched yet' },
  'upload-offset-conflict': { status: 409, title: 'The offset differs from the bytes stored' },
  'upload-gone': { status: 410, title: 'The upload is over or has expired' },
  'precondition-failed': { status: 412, title: 'The resource has changed' },
  'unsupported-tus-version': { status: 412, title: 'The tus version is not supported' },
  'payload-too-large': { status: 413, title: 'The request is too large' },
  'upload-too-large': { status: 413, title: 'The file is larger than this installation takes' },
  'quota-exceeded': { status: 413, title: 'The account has no space left' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'range-not-satisfiable': { status: 416, title: 'The range is outside the file' },
  'unprocessable-request': { status: 422, title: 'The request cannot be processed' },
  'upload-locked': { status: 423, title: 'The upload is in use' },
  'precondition-required': { status: 428, title: 'An If-Match header is needed' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The request headers are too large' },
  'checksum-mismatch': { status: 460, title: 'The bytes do not match their checksum' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  'service-unavailable': { status: 503, title: 'This part of Kinora is not available now' },
  'deadline-exceeded': { status: 504, title: 'The answer took too long' },
  'storage-full': { status: 507, title: 'The storage is full' },
} as const;

export type ProblemSlug = keyof typeof problems;

/** First part of every problem's `type`; what follows is the slug. */
export const problemTypeBase = 'https://kinora.video/problems/';

/** What `application/problem+json` holds. */
export const ProblemBody = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String({ description: 'Id of the request' })),
  },
  { additionalProperties: true },
);
export type ProblemBody = Static<typeof ProblemBody>;

/** An error that a client is told about. Throw it anywhere; only the HTTP edge writes it. `detail` is a sentence for the reader, other fields are camelCase extensions. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly slug: ProblemSlug;
  readonly status: number;
  readonly extensions: Readonly<Record<string, unknown>>;
  constructor(slug: ProblemSlug, extensions: Readonly<Record<string, unknown>> & { detail?: string; cause?: unknown } = {}) {
    const { cause, ...rest } = extensions;
    super(rest.detail ?? problems[slug].title, cause === undefined ? undefined : { cause });
    this.slug = slug;
    this.status = problems[slug].status;
    this.extensions = rest;
  }

  /** The body for a request id. */
  toBody(instance?: string): ProblemBody {
    const { title, status } = problems[this.slug];
    return { type: problemTypeBase + this.slug, title, status, ...(instance === undefined ? {} : { instance }), ...this.extensions };
  }
}

/** Slug of a problem body, or undefined when it is not one of ours. */
export function slugOf(body: { readonly type?: unknown }): ProblemSlug | undefined {
  if (typeof body.type !== 'string' || !body.type.startsWith(problemTypeBase)) return undefined;
  const slug = body.type.slice(problemTypeBase.length);
  return Object.hasOwn(problems, slug) ? (slug as ProblemSlug) : undefined;
}
