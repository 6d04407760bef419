import { Problem } from '@kinora/contracts';

/** Entity tag of an edition, quoted as in the header. */
export const etagOf = (edition: number): string => `"${edition}"`;

/** Checks If-Match (RFC 9110 §13.1.1): `*` or a list of tags, of which weak ones never match. @throws {Problem} precondition-required, precondition-failed */
export function checkIfMatch(header: string | undefined, edition: number): void {
  if (header === undefined) throw new Problem('precondition-required', { detail: 'Send the ETag of the video you have seen as If-Match.' });
  const tags = header.split(',').map((tag) => tag.trim());
  if (!tags.includes('*') && !tags.includes(etagOf(edition)))
    throw new Problem('precondition-failed', { detail: 'Somebody has changed the video since you read it.' });
}
