/** Queues for the bus tests: one receiver, two receivers, none. */
export const topology = { 'job.do': ['worker'], 'video.changed': ['catalog', 'search'], 'video.seen': [] } as const;
