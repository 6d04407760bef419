import { pino, type DestinationStream, type Logger } from 'pino';

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
  if (destination) return pino(options, destination);
  const output = pino.destination({ sync: true, minLength: 8_192 });
  setInterval(() => output.flush(), 100).unref();
  process.once('exit', () => output.flushSync());
  return pino(options, output);
}
