import { run } from '@kinora/service';
import { catalog } from './service.ts';

await run([catalog]);
