// Compose as a program: Compose 2 (`docker compose`), else docker-compose 1.29; KINORA_COMPOSE chooses.
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { docker, Failure } from '../images/docker.js';
import { root } from '../setup.js';

const known = [['docker', 'compose'], ['docker-compose']];

/** The first that runs here, as the words of its command. @throws {Failure} */
export function composeCommand() {
  const wanted = process.env.KINORA_COMPOSE?.split(' ');
  const found = (wanted ? [wanted] : known).find(
    ([program, ...args]) => spawnSync(program, [...args, 'version'], { stdio: 'ignore' }).status === 0,
  );
  if (!found)
    throw new Failure(`${wanted ? wanted.join(' ') : 'Docker Compose'} does not run here. Install Compose 2, or docker-compose 1.29.`);
  return found;
}

/** Name of the installation among the engine's containers, volumes and networks. */
export const projectName = (given) => given || process.env.COMPOSE_PROJECT_NAME || 'kinora';

/** Arguments that every command on this installation has. `files` go on top of compose.yaml, later ones over earlier ones. */
export function composeArguments({ project, files, secrets }) {
  const listed = ['compose.yaml', ...files].flatMap((file) => ['-f', path.resolve(root, file)]);
  return ['-p', project, '--project-directory', root, ...(secrets ? ['--env-file', secrets] : []), ...listed];
}

/** Override files: those given, else those in KINORA_COMPOSE_FILES (separated by commas). */
export const overrides = (given = []) => (given.length > 0 ? given : (process.env.KINORA_COMPOSE_FILES ?? '').split(',').filter(Boolean));

/** Runs Compose; what it says is kept, and part of the Failure when it fails. Aborting `signal` ends it. */
export function compose(args, { env = {}, signal } = {}) {
  const [program, ...words] = composeCommand();
  const child = spawn(program, [...words, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, COMPOSE_ANSI: 'never', COMPOSE_PROGRESS: 'plain', ...env },
    ...(signal ? { signal } : {}),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said = (said + chunk).slice(-20_000)));
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(error.name === 'AbortError' ? error : new Failure(error.message)));
    child.on('close', (code) => (code === 0 ? resolve(said) : reject(new Failure(`Compose failed:\n${said.trim()}`))));
  });
}

/** Containers of a project: `{ id, service, state, health, exitCode }`, in the order of their names. */
export function containersOf(project) {
  const { stdout } = docker(['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]);
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length === 0) return [];
  const { stdout: described, isDone } = docker(['inspect', ...ids], { isAllowedToFail: true });
  if (!isDone) return []; // one has just gone
  return JSON.parse(described)
    .map(({ Id: id, Name: name, Config: { Labels: labels }, State: state }) => ({
      id,
      name: name.slice(1),
      service: labels['com.docker.compose.service'],
      state: state.Status,
      health: state.Health?.Status,
      exitCode: state.ExitCode,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Names of the volumes of a project. */
export function volumesOf(project) {
  const { stdout } = docker(['volume', 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]);
  return stdout.split('\n').filter(Boolean);
}
