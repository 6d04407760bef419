/** Where a bus or outbox tells what an operator should know: a constant phrase and facts. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void;
