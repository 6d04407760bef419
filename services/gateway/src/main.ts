import { run } from '@kinora/service';
import { gateway } from './service.ts';

await run([gateway]);
