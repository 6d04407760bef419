/** Polls until `holds` gives something truthy and returns it. @throws when `limitMs` have passed without. */
export async function until<T>(what: string, holds: () => T | Promise<T>, limitMs = 60_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
