// Waits until every container of an installation is well, and says what happens meanwhile.
import { docker, Failure } from '../images/docker.js';
import { say } from '../setup.js';
import { containersOf } from './client.js';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const isWell = ({ state, health }) => state === 'running' && (health === undefined || health === 'healthy');

function complain(project, sick) {
  for (const { name, id, state, health, exitCode } of sick) {
    say(`\n${name} is ${state === 'running' ? (health ?? state) : `${state} (status ${exitCode})`}. Its last lines:`);
    const { stdout, stderr } = docker(['logs', '--tail', '15', id], { isAllowedToFail: true });
    say(`${stdout}${stderr}`.trim());
  }
  throw new Failure(`\nNot everything is well. See \`docker ps --all --filter label=com.docker.compose.project=${project}\`.`);
}

/** Resolves when all of `expected` (services) are well. @throws {Failure} after `deadlineMs`, with the last lines of those that are not */
export async function untilWell(project, expected, { starting, deadlineMs = 300_000 }) {
  const startedAt = Date.now();
  const told = new Set();
  let isStarted = false;
  let failure;
  starting.then(
    () => (isStarted = true),
    (error) => (failure = error),
  );
  for (;;) {
    const containers = containersOf(project);
    for (const container of containers.filter(isWell)) {
      if (told.has(container.id)) continue;
      told.add(container.id);
      say(`  ${container.service.padEnd(12)} well after ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
    }
    if (failure) {
      const sick = containers.filter((container) => !isWell(container) && container.state !== 'created');
      say(failure.message);
      complain(project, sick);
    }
    const isThere = (service) => containers.some((container) => container.service === service);
    if (isStarted && expected.every(isThere) && containers.every(isWell)) return;
    if (Date.now() - startedAt > deadlineMs)
      complain(
        project,
        containers.filter((container) => !isWell(container)),
      );
    await pause(500);
  }
}
