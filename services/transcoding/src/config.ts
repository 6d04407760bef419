import { configReader, integer, oneOf, text } from '@kinora/service';

/** All settings of transcoding. */
export const readConfig = configReader('transcoding', {
  ffmpegPath: text('TRANSCODING_FFMPEG_PATH', { about: 'ffmpeg 4.1 or newer with libx264', default: 'ffmpeg' }),
  ffprobePath: text('TRANSCODING_FFPROBE_PATH', { about: 'ffprobe 4.1 or newer', default: 'ffprobe' }),
  concurrency: integer('TRANSCODING_CONCURRENCY', { about: 'Jobs at once', default: 2, min: 1, max: 64 }),
  threads: integer('TRANSCODING_THREADS', {
    about: 'Threads of each encoder; with more than one a job done twice gives other bytes, for x264 then times its rate control by chance',
    default: 1,
    min: 1,
    max: 64,
  }),
  preset: oneOf('TRANSCODING_PRESET', ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow'], {
    about: 'x264 preset: time against size',
    default: 'veryfast',
  }),
  crf: integer('TRANSCODING_CRF', { about: 'x264 constant rate factor: lower is better and larger', default: 23, min: 10, max: 40 }),
  chunkSeconds: integer('TRANSCODING_CHUNK_SECONDS', {
    about: 'Length of a chunk, the unit of encoding, retry and loss',
    default: 24,
    min: 4,
    max: 600,
  }),
  openingSeconds: integer('TRANSCODING_OPENING_SECONDS', {
    about: 'What is encoded first of a source that cannot be repackaged',
    default: 8,
    min: 4,
    max: 60,
  }),
  maxDurationSeconds: integer('TRANSCODING_MAX_DURATION_SECONDS', { about: 'Longest source accepted', default: 43_200, min: 1 }),
  windowJobs: integer('TRANSCODING_WINDOW_JOBS', {
    about: 'Jobs of one asset in the queue at once, so that assets share the workers',
    default: 8,
    min: 1,
    max: 1000,
  }),
  failures: integer('TRANSCODING_FAILURES', { about: 'Failures after which a job is dropped', default: 3, min: 1, max: 20 }),
  probeTimeoutSeconds: integer('TRANSCODING_PROBE_TIMEOUT_SECONDS', { about: 'Longest that probing may take', default: 30, min: 1 }),
  stallSeconds: integer('TRANSCODING_STALL_SECONDS', {
    about: 'ffmpeg is stopped when it has written nothing for so long',
    default: 180,
    min: 5,
  }),
  reconcileSeconds: integer('TRANSCODING_RECONCILE_SECONDS', { about: 'Time between looks for lost work', default: 30, min: 1 }),
  graceSeconds: integer('TRANSCODING_GRACE_SECONDS', { about: 'Age at which blobs without an asset are removed', default: 3600, min: 0 }),
});

export type Config = ReturnType<typeof readConfig>;
