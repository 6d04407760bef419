import { Problem } from '@kinora/contracts';

/** Algorithms for Upload-Checksum, best known to clients first. */
export const checksumAlgorithms = ['sha1', 'sha256', 'md5'] as const;

export interface Checksum {
  readonly algorithm: (typeof checksumAlgorithms)[number];
  readonly digest: Buffer;
}

const digestBytes: Readonly<Record<Checksum['algorithm'], number>> = { sha1: 20, sha256: 32, md5: 16 };

/** Reads an Upload-Checksum header (tus 1.0.0, checksum extension): algorithm, space, Base64 digest. @throws {Problem} invalid-upload */
export function readChecksum(header: string | undefined): Checksum | undefined {
  if (header === undefined) return undefined;
  const [name = '', encoded = '', ...rest] = header.split(' ');
  const algorithm = checksumAlgorithms.find((candidate) => candidate === name);
  if (!algorithm) throw new Problem('invalid-upload', { detail: `Upload-Checksum takes ${checksumAlgorithms.join(', ')}.` });
  const digest = Buffer.from(encoded, 'base64');
  if (rest.length > 0 || digest.length !== digestBytes[algorithm] || digest.toString('base64') !== encoded)
    throw new Problem('invalid-upload', { detail: `Upload-Checksum needs the Base64 of a ${algorithm} digest.` });
  return { algorithm, digest };
}
