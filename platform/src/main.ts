/** Runs any set of services in one process: all, or those named in SERVICES. */
import { run } from '@kinora/service';
import { announce } from './announce.ts';
import { select } from './services.ts';

if (process.stdout.isTTY) process.env['LOG_LEVEL'] ??= 'warn';
const host = await run(select(process.env['SERVICES']));
if (host) await announce(host);
