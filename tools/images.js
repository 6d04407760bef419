// `npm run images -- build|push|pull|list`: the images of the services, built where something has changed, published, fetched.
import { parseArgs } from 'node:util';
import { build, localReference, localRepository, version } from './images/build.js';
import { readSet, writeSet } from './images/deployed-set.js';
import { docker, Failure, inspectImage, needEngine, orSay } from './images/docker.js';
import { serviceNames } from './images/inputs.js';
import { push, signedIn } from './images/registry.js';
import { root, say } from './setup.js';

const usage = `npm run images -- <command> [--service NAME …]
  build [--force]                                builds the images whose inputs have changed; --force all of them, without the engine's cache
  list                                           what this engine has, and what has changed since
  push --registry HOST/NAME [--set FILE]         builds what has changed, pushes, writes the digests to FILE (default: deployed-set.json)
  pull [--set FILE]                              fetches exactly the images of FILE
User and password of a registry: KINORA_REGISTRY_USER and KINORA_REGISTRY_PASSWORD, else asked at a terminal, else as docker login has them.`;

const commands = { build: buildImages, list, push: pushImages, pull: pullImages };

function chosen(names = []) {
  const known = serviceNames(root);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Failure(`There is no service called ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  return names.length > 0 ? known.filter((name) => names.includes(name)) : known;
}

async function buildImages({ service, force }) {
  const built = await build(chosen(service), force ? { isForced: true, flags: ['--no-cache'] } : {});
  say(`${built.filter(({ isBuilt }) => isBuilt).length} of ${built.length} built.`);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Bytes of the layer that holds the service itself. */
function serviceLayerSize(reference) {
  const { stdout } = docker(['history', '--no-trunc', '--human=false', '--format', '{{.Size}}\t{{.CreatedBy}}', reference]);
  const line = stdout.split('\n').find((row) => row.includes('COPY /layer/'));
  return Number(line?.split('\t')[0] ?? Number.NaN);
}

function list({ service }) {
  for (const name of chosen(service)) {
    const image = inspectImage(`${localRepository}/${name}:latest`);
    if (!image) say(`${name.padEnd(12)} not built`);
    else {
      const labels = image.Config.Labels;
      const built = `${labels['org.opencontainers.image.version']} ${labels['org.opencontainers.image.revision'].slice(0, 12) || 'no commit'}`;
      const size = `${megabytes(image.Size)}, its own layer ${megabytes(serviceLayerSize(image.Id))}`;
      say(
        `${name.padEnd(12)} ${built}  ${image.Id.slice(0, 19)}  ${size}  ${inspectImage(localReference(name)) ? 'unchanged' : 'changed since'}`,
      );
    }
  }
}

async function pushImages({ service, registry, set: file = 'deployed-set.json' }) {
  if (!registry || !/^[^\s/@]+(\/[a-z0-9._-]+)+$/.test(registry))
    throw new Failure('push needs --registry HOST/NAME, such as registry.example.com/kinora.');
  await signedIn(registry, async (env) => {
    const built = await build(chosen(service));
    const images = {};
    let revision = '';
    for (const { service: name, reference } of built) {
      const repository = `${registry}/${name}`;
      const tags = [reference.split(':').pop(), version()];
      let digest;
      for (const tag of tags) {
        docker(['image', 'tag', reference, `${repository}:${tag}`]);
        digest = push(`${repository}:${tag}`, env);
        docker(['image', 'rm', `${repository}:${tag}`]);
      }
      images[name] = `${repository}@${digest}`;
      revision = inspectImage(reference).Config.Labels['org.opencontainers.image.revision'];
      say(`${name.padEnd(12)} ${images[name]}  pushed as ${tags.join(' and ')}`);
    }
    writeSet(file, { version: version(), revision, images });
    say(`The set is in ${file}.`);
  });
}

async function pullImages({ service, set: file = 'deployed-set.json' }) {
  const { images } = readSet(file);
  const wanted = Object.entries(images).filter(([name]) => !service || service.includes(name));
  if (wanted.length === 0) throw new Failure(`${file} has none of ${service.join(', ')}.`);
  await signedIn(wanted[0][1], async (env) => {
    for (const [name, image] of wanted) {
      docker(['image', 'pull', '--quiet', image], { env });
      say(`${name.padEnd(12)} ${image}`);
    }
  });
}

await orSay(async () => {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        service: { type: 'string', multiple: true },
        registry: { type: 'string' },
        set: { type: 'string' },
        force: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Failure(`${error.message}\n${usage}`);
  }
  const [name, ...more] = parsed.positionals;
  if (!Object.hasOwn(commands, name ?? '') || more.length > 0) throw new Failure(usage);
  needEngine();
  await commands[name](parsed.values);
});
