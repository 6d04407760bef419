/** What a process for each service takes, over real servers where the environment names them, else over embedded ports. */
import { admin, Installation } from '../platform/test/installation.ts';
import { Client } from '../platform/test/client.ts';
import { memoryOf, needLinux } from './processes.ts';
import { row, type Row } from './row.ts';

/** Idle memory of each service's process, after one sign-in and one list. */
export async function measureShape(): Promise<readonly Row[]> {
  needLinux();
  const kinora = await Installation.create({ LOG_LEVEL: 'warn' }, { shape: 'services' });
  try {
    await kinora.start();
    await (await Client.signIn(kinora.url, admin)).json('/api/videos');
    await new Promise((resolve) => setTimeout(resolve, 5_000)); // idle is what is measured
    const each = await Promise.all(kinora.processes().map(async ({ name, pid }) => ({ name, ...(await memoryOf(pid)) })));
    const total = each.reduce((sum, { proportionalMb }) => sum + proportionalMb, 0);
    return [
      ...each.map(({ name, residentMb }) =>
        row({ what: `idle memory of ${name} in a process of its own (RSS)`, unit: 'MB', value: residentMb }),
      ),
      row({ what: 'idle memory of all of them together (PSS)', unit: 'MB', value: total }),
    ];
  } finally {
    await kinora.remove();
  }
}
