const nameOfVideo = /\.(?:3g2|3gp|asf|avi|flv|m2ts|m4v|mkv|mov|mp4|mpe?g|mts|mxf|ogv|ts|vob|webm|wmv)$/i;

/** Why a file is not worth sending, as a key of the dictionary's `upload`; the server has the last word on everything else. */
export function refusalOf({
  name,
  type,
  size,
}: {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}): 'empty' | 'notVideo' | undefined {
  if (size === 0) return 'empty';
  if (nameOfVideo.test(name) || type === '' || type === 'application/octet-stream' || type.startsWith('video/')) return undefined;
  return /^(?:image|audio|text|font)\//.test(type) || /^application\/(?:pdf|zip|json|msword|vnd\.)/.test(type) ? 'notVideo' : undefined;
}

/** True when a chosen file is the one an interrupted upload began with, as far as can be told without reading it. */
export const isSameFile = (
  file: { readonly name: string; readonly size: number },
  begun: { readonly filename: string; readonly bytesTotal: number },
): boolean => file.size === begun.bytesTotal && file.name.normalize('NFC') === begun.filename.normalize('NFC');
