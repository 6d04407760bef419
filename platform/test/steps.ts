/** A journey as a list of steps, each leaning on those before it; the first failure ends it. */
export interface Step {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/** Runs `steps` in order, then `cleanUp` whatever happened, Ctrl-C too; says each outcome and closes with `N passed, N failed`. True when all passed. */
export async function walk(steps: readonly Step[], cleanUp: () => Promise<void>): Promise<boolean> {
  let passed = 0;
  let failed = 0;
  const attempt = async ({ title, run }: Step): Promise<boolean> => {
    const startedAt = performance.now();
    try {
      await run();
      process.stdout.write(`ok      ${title} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`);
      passed += 1;
      return true;
    } catch (error) {
      failed += 1;
      process.stdout.write(`FAILED  ${title}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      return false;
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void attempt({ title: 'everything that was made is removed', run: cleanUp }).then(() => process.exit(1)));
  for (const step of steps) if (!(await attempt(step))) break;
  await attempt({ title: 'everything that was made is removed', run: cleanUp });
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0;
}
