import { parseEndpoint, parseObjectUrl } from './object-url.ts';

/** Where blobs lie in an S3-compatible store. */
export interface S3Location {
  readonly bucket: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  /** Undefined for AWS. */
  readonly endpoint: string | undefined;
  /** Undefined: AWS_REGION or the usual files say it. */
  readonly region: string | undefined;
  /** `http://host/bucket/key` instead of `http://bucket.host/key`. */
  readonly isPathStyle: boolean;
}

const form = 's3://BUCKET[/PREFIX][?endpoint=https://host&region=REGION&style=path|virtual]';

/** Reads an `s3:` BLOBS_URL. @throws {Error} a sentence without secrets */
export function parseS3Url(url: string): S3Location {
  const { name, prefix, options } = parseObjectUrl(url, form, ['endpoint', 'region', 'style']);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
    throw new Error('BLOBS_URL has no valid bucket: 3–63 lower-case letters, digits, "." and "-"');
  const style = options.get('style');
  if (style !== undefined && style !== 'path' && style !== 'virtual') throw new Error('BLOBS_URL has another style than path or virtual');
  const region = options.get('region');
  if (region !== undefined && !/^[a-z0-9-]{1,40}$/i.test(region)) throw new Error('BLOBS_URL has a region that is not one');
  const endpoint = parseEndpoint(options.get('endpoint'));
  return { bucket: name, prefix, endpoint, region, isPathStyle: style === undefined ? endpoint !== undefined : style === 'path' };
}
