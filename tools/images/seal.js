// Gives an image the time of its commit. BuildKit does so by itself since 0.11 (SOURCE_DATE_EPOCH); before, an image says when it was built,
// and two builds of one commit differ in that alone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { docker, Failure, inspectImage } from './docker.js';

function tar(args) {
  const { status, stderr, error } = spawnSync('tar', args, { encoding: 'utf8' });
  if (error || status !== 0) throw new Failure(`tar failed: ${error?.message ?? stderr}`);
}

/** How the Dockerfile's last stage begins, as an image's history has it; what stands before comes with the base. */
const beginning = 'COPY /out/ /';

/** `config` of an image with `instant` (ISO 8601) in place of the times of its build, cached steps among them, and nothing of BuildKit's own. */
export function sealedConfig(config, instant) {
  const kept = Object.fromEntries(Object.entries(config).filter(([name]) => !name.startsWith('moby.buildkit.')));
  const start = config.history.findIndex((entry) => entry.created_by?.startsWith(beginning));
  if (start < 0) throw new Failure(`The image has no step "${beginning}".`);
  return {
    ...kept,
    created: instant,
    history: config.history.map((entry, index) => (index < start ? entry : { ...entry, created: instant })),
  };
}

/** Loads an image of `entries` below `tree`; false when the engine does not take it. */
function load(tree, file, entries) {
  tar(['-cf', file, '-C', tree, ...entries]);
  return docker(['image', 'load', '--quiet', '--input', file], { isAllowedToFail: true }).isDone;
}

/** Replaces the image at `reference` by the same layers with a config of `epochSeconds`; the engine's own copy goes. */
export function seal(reference, epochSeconds) {
  const instant = new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z');
  const before = inspectImage(reference);
  if (Date.parse(before.Created) === epochSeconds * 1000) return;
  const tree = mkdtempSync(path.join(os.tmpdir(), 'kinora-image-'));
  try {
    const saved = path.join(tree, 'saved.tar');
    docker(['image', 'save', '--output', saved, reference]);
    tar(['-xf', saved, '-C', tree, 'manifest.json']);
    const [image] = JSON.parse(readFileSync(path.join(tree, 'manifest.json'), 'utf8'));
    tar(['-xf', saved, '-C', tree, image.Config]);
    const config = JSON.stringify(sealedConfig(JSON.parse(readFileSync(path.join(tree, image.Config), 'utf8')), instant));
    const name = `${createHash('sha256').update(config).digest('hex')}.json`;
    writeFileSync(path.join(tree, name), config);
    writeFileSync(path.join(tree, 'manifest.json'), JSON.stringify([{ ...image, Config: name }]));
    const entries = ['manifest.json', name];
    const sealed = path.join(tree, 'sealed.tar');
    // The engine has the layers; one that does not look for them gets them again.
    if (!load(tree, sealed, entries)) {
      tar(['-xf', saved, '-C', tree, ...image.Layers]);
      if (!load(tree, sealed, [...entries, ...image.Layers])) throw new Failure(`The engine does not load ${reference} again.`);
    }
    docker(['image', 'rm', before.Id], { isAllowedToFail: true });
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
