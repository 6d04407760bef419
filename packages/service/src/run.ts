import type { ServiceDefinition } from './define.ts';
import { configure, startHost, type Host, type HostOptions } from './host.ts';
import { ConfigError, describeConfig } from './config.ts';
import { sharedSettings } from './shared-settings.ts';

/**
 * Runs `definitions` until SIGTERM or SIGINT, configured by the environment. `--check-config` prints what applies and exits.
 * A configuration fault ends the process with status 78 (EX_CONFIG) before anything is opened.
 */
export async function run(
  definitions: readonly ServiceDefinition[],
  options: Pick<HostOptions, 'openers'> = {},
): Promise<Host | undefined> {
  const { env } = process;
  try {
    if (process.argv.includes('--check-config')) {
      configure(definitions, env);
      const settings = [...Object.values(sharedSettings), ...definitions.flatMap(({ settings }) => [...settings])];
      process.stdout.write(`${describeConfig([...new Map(settings.map((setting) => [setting.name, setting])).values()], env)}\n`);
      return undefined;
    }
    const host = await startHost({ definitions, env, ...options });
    stopOnSignal(host);
    host.log.info({ url: host.url, services: definitions.map(({ name }) => name) }, 'ready');
    return host;
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(78);
    }
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    process.stderr.write(`Port ${env['PORT'] ?? '3000'} is in use. Stop what listens there, or set PORT.\n`);
    process.exit(1);
  }
}

function stopOnSignal(host: Host): void {
  let stopping = false;
  const stop = (signal: string, code: number): void => {
    if (stopping) return;
    stopping = true;
    host.log.info({ signal }, 'stopping');
    void host.stop().then(() => process.exit(code));
  };
  process.once('SIGTERM', () => stop('SIGTERM', 0));
  process.once('SIGINT', () => stop('SIGINT', 0));
  const fatal = (err: unknown): void => {
    host.log.fatal({ err }, 'unexpected error');
    stop('error', 1);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
}
