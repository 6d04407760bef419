import type { Mode } from './arguments.ts';
import { copy } from './copy.ts';
import { finish } from './finish.ts';
import { dryRun, verify } from './look.ts';
import type { Move } from './move.ts';
import type { Report } from './report.ts';

/** What each mode does. @throws {UsageError} for what its caller has to put right */
export const modes: Readonly<Record<Mode, (move: Move) => Promise<Report>>> = { 'dry-run': dryRun, copy, finish, verify };
