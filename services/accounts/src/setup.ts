/** The first admin: from settings, or from a page guarded by a one-time code. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Problem, type Role, type SetUp } from '@kinora/contracts';
import type { Log } from '@kinora/service';
import type { AuthAnswer, LoadAuth } from './auth.ts';
import type { Config } from './config.ts';
import { isSetupCode, newSetupCode } from './setup-code.ts';
import type { Store } from './store.ts';

export interface SetupOptions {
  readonly store: Store;
  readonly config: Config;
  readonly loadAuth: LoadAuth;
  readonly log: Log;
  /** Folder for the file `setup-code`, which whoever starts Kinora can read. */
  readonly dataDir: string;
}

export interface Setup {
  needsSetup(): Promise<boolean>;
  /** Makes the admin of the settings, or sees to it that there is a code. */
  start(): Promise<void>;
  /** @throws {Problem} already-set-up, wrong-setup-code, email-taken, invalid-request */
  setUp(body: SetUp): Promise<AuthAnswer>;
}

const setting = 'setup-code';

async function offerCode({ store, config, log, dataDir }: SetupOptions, file: string, code: () => Promise<string>): Promise<void> {
  // A code that is used although there is no admin: the process ended in between, or the last admin has gone.
  if (config.setupCode !== undefined || (await store.isClaimed(setting))) await store.deleteSetting(setting);
  const setupCode = await code();
  log.warn({ setupCode }, 'no admin yet: the set-up page takes this code once');
  try {
    await mkdir(dataDir, { recursive: true });
    await rm(file, { force: true });
    await writeFile(file, `${setupCode}\n`, { mode: 0o600 });
  } catch (err) {
    log.warn({ err }, 'set-up code not written to its file');
  }
}

/** Set-up of an installation that has no admin yet. */
export function openSetup(options: SetupOptions): Setup {
  const { store, config, loadAuth, log, dataDir } = options;
  const file = path.join(dataDir, 'setup-code');
  const code = (): Promise<string> => store.keepSetting(setting, () => config.setupCode ?? newSetupCode());
  const needsSetup = async (): Promise<boolean> => !(await store.hasAdmin());

  const makeAdmin = async (email: string, password: string): Promise<void> => {
    const account = await store.findAccountByEmail(email.toLowerCase());
    if (account) await store.changeRole(account._id, 'admin');
    else
      await signUpAdmin({ name: email.split('@')[0] ?? email, email, password }).catch(async (error: unknown) => {
        // Another replica that starts at the same moment was faster.
        if (await needsSetup()) throw error;
      });
    log.info({}, 'first admin made from the settings');
  };
  const signUpAdmin = async (body: { name: string; email: string; password: string }): Promise<AuthAnswer> =>
    (await loadAuth()).signUp({ ...body, role: 'admin' satisfies Role }, new Headers());

  return {
    needsSetup,
    async start() {
      if ((await needsSetup()) && config.adminEmail !== undefined && config.adminPassword !== undefined)
        await makeAdmin(config.adminEmail, config.adminPassword);
      if (await needsSetup()) await offerCode(options, file, code);
      else await rm(file, { force: true });
    },
    async setUp({ code: given, ...body }) {
      if (!(await needsSetup())) throw new Problem('already-set-up');
      if (!isSetupCode(given, await code())) throw new Problem('wrong-setup-code');
      if (!(await store.claimSetting(setting))) throw new Problem('already-set-up');
      try {
        const answer = await signUpAdmin(body);
        await rm(file, { force: true });
        return answer;
      } catch (error) {
        await store.releaseSetting(setting);
        throw error;
      }
    },
  };
}
