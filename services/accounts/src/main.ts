import { run } from '@kinora/service';
import { accounts } from './service.ts';

await run([accounts]);
