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
