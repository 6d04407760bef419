/** Time to reach a server, ms. */
export const connectMs = 3_000;

/** Attempts at one request to an object store; what still fails then is an error of its caller. */
export const attempts = 3;

/** Connections that one client holds to its store at most; further requests wait for one. */
export const maxConnections = 128;

const answerMs = 15_000;
const slowestBytesPerMs = 200;

/** Time that a store has to take `bodyBytes` and begin its answer, ms: a connection below 200 kB a second counts as broken. */
export const answerDeadlineMs = (bodyBytes = 0): number => answerMs + Math.ceil(bodyBytes / slowestBytesPerMs);

/** A body that gives no byte for this long, though somebody waits for it, counts as broken, ms. */
export const idleMs = 10_000;

/** Time for a question of health, ms. */
export const pingMs = 5_000;

/** Time for a whole request without a large answer, attempts and pauses included, ms. */
export const requestDeadlineMs = (bodyBytes = 0): number => attempts * (answerDeadlineMs(bodyBytes) + 2_000);
