const longest = 200;

/** A title to begin with for a file: its name without extension, with words apart, composed (macOS decomposes Hangul) and at most 200 characters; the whole name when nothing else is left. */
export function titleOfFile(filename: string): string {
  const name = filename.normalize('NFC').trim();
  const stem = name.replace(/\.[A-Za-z0-9]{1,5}$/, '');
  const words = stem.replace(/[_.]+/g, ' ').replace(/\s+/g, ' ').trim();
  const title = words === '' ? name : words;
  return [...(title === '' ? 'Video' : title)].slice(0, longest).join('').trim();
}
