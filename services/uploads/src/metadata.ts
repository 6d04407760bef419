/** What a client has to say about a file before it may send it. */
import { isId, Problem } from '@kinora/contracts';

export interface SourceMetadata {
  readonly videoId: string;
  readonly filename: string;
  /** As the client guesses it; the probe decides. */
  readonly mediaType: string | undefined;
}

const maxFilenameLength = 255;
const mediaTypePattern = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(\s*;.*)?$/;
/** Types that no video has. Others are left to the probe: browsers guess from the name, and often guess nothing. */
const neverVideo =
  /^(image|text|font|multipart|message|model)\/|^application\/(pdf|zip|gzip|json|xml|javascript|x-tar|x-7z-compressed|vnd\.rar)\b/i;

const invalid = (detail: string): Problem => new Problem('invalid-upload', { detail });

function readFilename(given: string | null | undefined): string {
  const filename = given?.trim() ?? '';
  if (filename === '') throw invalid('Upload-Metadata needs the filename.');
  if (filename.length > maxFilenameLength) throw invalid(`The filename is longer than ${maxFilenameLength} characters.`);
  if (filename === '.' || filename === '..' || [...filename].some((character) => character < ' ' || '\u007f/\\'.includes(character)))
    throw invalid('The filename has to be a plain name without a path.');
  return filename;
}

/** Checks the decoded Upload-Metadata of a new upload. @throws {Problem} invalid-upload, unsupported-media-type */
export function readMetadata(metadata: Readonly<Record<string, string | null>> | undefined): SourceMetadata {
  const videoId = metadata?.['videoId'] ?? '';
  if (!isId(videoId)) throw invalid('Upload-Metadata needs the videoId that the file is for.');
  const filename = readFilename(metadata?.['filename']);
  const mediaType = metadata?.['filetype']?.trim() || undefined;
  if (mediaType !== undefined && !mediaTypePattern.test(mediaType)) throw invalid('The filetype has to be a media type such as video/mp4.');
  if (mediaType !== undefined && neverVideo.test(mediaType))
    throw new Problem('unsupported-media-type', { detail: `A file of type ${mediaType} is no video.` });
  return { videoId, filename, mediaType };
}
