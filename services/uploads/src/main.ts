import { run } from '@kinora/service';
import { uploads } from './service.ts';

await run([uploads]);
