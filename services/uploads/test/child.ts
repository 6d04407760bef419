/** A host with catalog and uploads as a process of its own, to be killed: prints its address when it is ready. */
import { startHost } from '@kinora/service';
import { catalog } from '../../catalog/src/service.ts';
import { uploads } from '../src/service.ts';

const host = await startHost({ definitions: [catalog, uploads], env: process.env });
process.stdout.write(`${host.url}\n`);
