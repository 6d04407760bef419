// `npm run up`: builds what has changed, starts a container for each service and the servers they need, waits until all are well.
import { parseArgs } from 'node:util';
import { compose, composeArguments, containersOf, overrides, projectName, volumesOf } from './compose/client.js';
import { writeDevOverride } from './compose/dev-override.js';
import { ensureSecrets, missingSecrets, secretsFile } from './compose/secrets.js';
import { untilWell } from './compose/wait.js';
import { build, localRepository } from './images/build.js';
import { readSet } from './images/deployed-set.js';
import { docker, Failure, needEngine, orSay } from './images/docker.js';
import { serviceNames } from './images/inputs.js';
import { root, say } from './setup.js';

const usage = `npm run up -- [options]
  --scale NAME=N …   so many containers of a service, such as transcoding=3
  --dev              the sources of this checkout run, and a service starts anew when what it has loaded changes
  --no-build         the images of the last build, whatever has changed since
  --set FILE         the images of a deployed set instead of building (npm run images -- pull --set FILE fetches them)
  --file FILE …      Compose files on top of compose.yaml; also KINORA_COMPOSE_FILES, separated by commas
  --project NAME     another installation beside the first (default: kinora)
PORT is the port of the gateway (default: 3000).`;

const options = {
  scale: { type: 'string', multiple: true },
  dev: { type: 'boolean' },
  set: { type: 'string' },
  'no-build': { type: 'boolean' },
  file: { type: 'string', multiple: true },
  project: { type: 'string' },
};

function readFlags() {
  try {
    const { values } = parseArgs({ options });
    const wrong = (values.scale ?? []).find((scale) => !/^[a-z0-9]+=\d+$/.test(scale));
    if (wrong) throw new Error(`--scale takes NAME=N, not ${wrong}`);
    return values;
  } catch (error) {
    throw new Failure(`${error.message}\n${usage}`);
  }
}

/** Image of each service: of a deployed set, of the last build, or built now where something has changed. */
async function chooseImages({ set, 'no-build': isBuilt }) {
  if (set) return readSet(set).images;
  const services = serviceNames(root);
  if (isBuilt) return Object.fromEntries(services.map((service) => [service, `${localRepository}/${service}:latest`]));
  return Object.fromEntries((await build(services)).map(({ service, reference }) => [service, reference]));
}

/** Environment that tells Compose which image each service has. */
const imageVariables = (images) =>
  Object.fromEntries(Object.entries(images).map(([service, image]) => [`${service.toUpperCase()}_IMAGE`, image]));

/** Secrets in place, unless they were lost while what they open is still there. */
function prepareSecrets(project) {
  const file = secretsFile();
  const missing = missingSecrets(file);
  const volumes = volumesOf(project);
  if (missing.length > 0 && volumes.length > 0)
    throw new Failure(
      `${file} lacks ${missing.join(', ')}, and the volumes of ${project} were made with them. Put the file back, or delete the data: npm run down -- --volumes`,
    );
  if (ensureSecrets(file).length > 0) say(`Secrets are in ${file}. Keep it with the data.`);
  return file;
}

/** What the person has to know next: the address, and the code of the set-up page while there is no admin. */
async function announce(project, isDev) {
  const gateway = containersOf(project).find(({ service }) => service === 'gateway');
  const port = docker(['port', gateway.id, '3000/tcp']).stdout.split('\n')[0].split(':').pop();
  const url = `http://localhost:${port}`;
  say(`Kinora is ready: ${url}`);
  const answer = await fetch(`${url}/api/setup`);
  if (answer.ok && (await answer.json()).needsSetup) {
    const accounts = containersOf(project).find(({ service }) => service === 'accounts');
    const code = docker(['exec', accounts.id, 'cat', '/data/setup-code'], { isAllowedToFail: true }).stdout.trim();
    say(`Open ${url}/setup and enter the code ${code} to make the first admin.`);
  }
  if (isDev) say(`Sources are watched. The web app with live reload: KINORA_URL=${url} npm run dev -w web`);
}

await orSay(async () => {
  const flags = readFlags();
  needEngine();
  const project = projectName(flags.project);
  const secrets = prepareSecrets(project);
  const env = imageVariables(await chooseImages(flags));
  const files = [...overrides(flags.file), ...(flags.dev ? [writeDevOverride()] : [])];
  const common = composeArguments({ project, files, secrets });
  const expected = (await compose([...common, 'config', '--services'], { env })).split('\n').filter((line) => /^[a-z0-9]+$/.test(line));
  say(`Starting ${expected.length} services …`);
  const scales = (flags.scale ?? []).flatMap((scale) => ['--scale', scale]);
  const starting = compose([...common, 'up', '--detach', '--no-build', '--remove-orphans', ...scales], { env });
  await untilWell(project, expected, { starting });
  await announce(project, flags.dev);
});
