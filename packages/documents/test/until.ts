/** Polls until `holds` gives something truthy and returns it. @throws when `limitMs` have passed without. */
export async function until<T>(what: string, holds: () => T | Promise<T>, limitMs = 60_000): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
