import { run } from '@kinora/service';
import { streaming } from './service.ts';

await run([streaming]);
