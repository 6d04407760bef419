import { run } from '@kinora/service';
import { transcoding } from './service.ts';

await run([transcoding]);
