import { pino, symbols, type DestinationStream, type Logger } from 'pino';

/** JSON lines; the message is a constant phrase, facts are fields. Passed in, never imported. */
export type Log = Logger;

const secrets = ['password', 'token', 'authorization', 'cookie', 'key', 'code', 'secret'];

/** A logger at `level`; a field with the name of a secret is removed. Lines are written together, at the latest after 100 ms or by `flush`. */
export function openLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secrets, remove: true },
  };
  return pino(options, destination ?? standardOutput());
}

/** A process has one, however many logs. */
const standardOutput = (() => {
  let output: ReturnType<typeof pino.destination> | undefined;
  return (): DestinationStream => {
    if (output) return output;
    const opened = (output = pino.destination({ sync: true, minLength: 8_192 }));
    setInterval(() => opened.flush(), 100).unref();
    process.once('exit', () => opened.flushSync());
    return opened;
  };
})();

/** The time of a log line; thousands of lines are written in the same millisecond. */
const timeOf = (() => {
  let atMs = 0;
  let text = '';
  return (nowMs: number): string => {
    if (nowMs !== atMs) text = new Date((atMs = nowMs)).toISOString();
    return text;
  };
})();

/** Writes lines of `log` that are JSON already: `fields` begin with a comma, hold no secret, and nothing in them is looked at. The caller asks for the level. */
export function lineWriter(log: Log): (level: string, fields: string, message: string) => void {
  const stream = (log as Log & { readonly [symbols.streamSym]: DestinationStream })[symbols.streamSym];
  return (level, fields, message) => stream.write(`{"level":"${level}","time":"${timeOf(Date.now())}"${fields},"message":"${message}"}\n`);
}
