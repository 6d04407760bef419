// A deployed set: exactly which image of each service, by digest. `{ version, revision, images: { <service>: <repository>@sha256:… } }`
import { readFileSync, writeFileSync } from 'node:fs';
import { Failure } from './docker.js';

const reference = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** @throws {Failure} when `file` is not there or is no set */
export function readSet(file) {
  let set;
  try {
    set = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Failure(`${file} is no deployed set: ${error.message}`);
  }
  const images = Object.entries(set?.images ?? {});
  const wrong = images.filter(([service, image]) => !/^[a-z]+$/.test(service) || !reference.test(image));
  if (images.length === 0 || wrong.length > 0) throw new Failure(`${file} is no deployed set: it has to name images by digest.`);
  return set;
}

export const writeSet = (file, set) => writeFileSync(file, `${JSON.stringify(set, null, 2)}\n`);
