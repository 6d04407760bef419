/**
 * Crash rounds in one process over embedded ports: the whole installation is killed at random moments while clients upload and watch.
 * The moments come from the seed; what the machine is doing at them does not, so a failing seed is a hint, not a replay.
 */
import path from 'node:path';
import { newId, topology, type Video } from '@kinora/contracts';
import { event, openBus } from '@kinora/messaging';
import { Client } from '../client.ts';
import { admin, eventually, Installation } from '../installation.ts';
import { playAll } from '../player.ts';
import { audit } from './audit.ts';
import { pause } from './attempt.ts';
import { makeClips, type Clip } from './clips.ts';
import { oneOf, randomFrom, type Random } from './random.ts';

/** One video as its uploader remembers it: only what the server has acknowledged. */
interface Pledge {
  readonly videoId: string;
  readonly clip: Clip;
  uploadUrl: string | undefined;
  acknowledgedBytes: number;
  isComplete: boolean;
  /** Playbacks that the bus has taken. */
  playbacks: number;
}

/** Goes on with (or begins) the upload of a pledge until it is complete or the server is gone. */
async function goOn(client: Client, pledge: Pledge): Promise<void> {
  const chunkSize = Math.max(1024, Math.ceil(pledge.clip.bytes.length / 6));
  const { upload, done } = client.upload(pledge.videoId, pledge.clip.bytes, {
    filename: pledge.clip.name,
    chunkSize,
    ...(pledge.uploadUrl ? { uploadUrl: pledge.uploadUrl } : {}),
    onChunkComplete: (_size, accepted) => void (pledge.acknowledgedBytes = Math.max(pledge.acknowledgedBytes, accepted)),
    onUploadUrlAvailable: () => void (pledge.uploadUrl = upload.url ?? undefined),
  });
  upload.start();
  await done;
  pledge.isComplete = true;
}

/** What the server acknowledged before it was killed is still there. */
async function verifyPledges(client: Client, pledges: readonly Pledge[]): Promise<void> {
  for (const pledge of pledges) {
    await client.video(pledge.videoId);
    if (!pledge.uploadUrl) continue;
    const head = await client.fetch(new URL(pledge.uploadUrl, client.url).pathname, {
      method: 'HEAD',
      headers: { 'tus-resumable': '1.0.0' },
    });
    const offset = Number(head.headers.get('upload-offset') ?? Number.NaN);
    if (!(offset >= pledge.acknowledgedBytes))
      throw new Error(
        `${pledge.uploadUrl}: ${pledge.acknowledgedBytes} bytes were acknowledged, ${offset} are there (status ${head.status})`,
      );
  }
}

/** A moment to die at: one in five while it is still starting, the others after clients have begun to upload. */
function chooseDeath(random: Random): { readonly isEarly: boolean; readonly afterMs: number } {
  const isEarly = random() < 0.2;
  return { isEarly, afterMs: random() * (isEarly ? 1_500 : 3_000) };
}

interface Life {
  readonly kinora: Installation;
  readonly pledges: Pledge[];
  readonly clips: readonly Clip[];
  readonly random: Random;
  /** Signed in once; the session has to survive every death. */
  client?: Client;
}

async function createPledge(client: Client, { clips, pledges, random }: Life): Promise<Pledge> {
  const clip = oneOf(random, clips) as Clip;
  const { videoId } = await client.createVideo(clip.name);
  const pledge: Pledge = { videoId, clip, uploadUrl: undefined, acknowledgedBytes: 0, isComplete: false, playbacks: 0 };
  pledges.push(pledge);
  return pledge;
}

/** Tells of playbacks, each once or several times, as a bus may. */
async function watch({ kinora, pledges, random }: Life, isOver: () => boolean): Promise<void> {
  const bus = openBus(kinora.ports.urls.BUS_URL, { topology });
  try {
    for (; !isOver(); await pause(50)) {
      const pledge = oneOf(random, pledges);
      if (!pledge) continue;
      const at = new Date().toISOString();
      const viewed = event('video.viewed', 'history', { videoId: pledge.videoId, playbackId: newId(), at });
      for (let copies = 1 + Math.floor(random() * 3); copies > 0; copies -= 1) await bus.publish(viewed);
      pledge.playbacks += 1;
    }
  } finally {
    await bus.close();
  }
}

/** One life of the installation: starts, shows what it promised before, takes uploads, dies. */
async function live(life: Life): Promise<void> {
  const { kinora, pledges, random } = life;
  const { isEarly, afterMs } = chooseDeath(random);
  let isKilled = false;
  const die = async (): Promise<void> => {
    await pause(afterMs);
    isKilled = true;
    await kinora.end('SIGKILL');
  };
  const starting = kinora.start({ direct: true });
  const watching = watch(life, () => isKilled);
  let death = isEarly ? die() : undefined;
  try {
    await starting;
    const client = (life.client ??= await Client.signIn(kinora.url, admin));
    await verifyPledges(client, pledges);
    death ??= die();
    const open = pledges.filter(({ isComplete }) => !isComplete);
    const going = open.map((pledge) => goOn(client, pledge));
    for (let more = open.length < 4 ? 2 : 0; more > 0; more -= 1)
      going.push(createPledge(client, life).then((pledge) => goOn(client, pledge)));
    await Promise.all(going);
  } catch (error) {
    // A client sees its connection end when the server is killed; anything else is a finding.
    const isFinding = !isKilled || (error instanceof Error && error.message.includes('acknowledged'));
    isKilled = true;
    if (isFinding) throw error;
  }
  await Promise.all([death, watching]);
}

async function finish({ kinora, pledges, client: kept }: Life): Promise<Client> {
  await kinora.start({ direct: true });
  const client = kept ?? (await Client.signIn(kinora.url, admin));
  await verifyPledges(client, pledges);
  for (const pledge of pledges) if (!pledge.isComplete) await goOn(client, pledge);
  for (const { videoId, clip, playbacks } of pledges) {
    await eventually(`${videoId} (${clip.name}) to be ready`, 300_000, async () => {
      const { asset } = await client.video(videoId);
      if (asset?.state === 'failed') throw new Error(`${videoId} failed: ${asset.failure?.reason ?? ''}`);
      return asset?.state === 'ready' ? true : undefined;
    });
    await eventually(`${videoId} to have ${playbacks} views`, 60_000, async () => {
      const { viewCount } = await client.video(videoId);
      if (viewCount > playbacks) throw new Error(`${videoId} has ${viewCount} views of ${playbacks} playbacks`);
      return viewCount === playbacks ? true : undefined;
    });
    const { manifestUrl } = await client.playback(videoId);
    for (const rendition of await playAll(new URL(manifestUrl, kinora.url).href)) {
      if (!rendition.isEnded || (!rendition.isAudio && rendition.frames !== clip.frames))
        throw new Error(`${rendition.uri} of ${clip.name} has ${rendition.frames} frames, not ${clip.frames}`);
    }
  }
  return client;
}

/** Plays the rounds; true when nothing was found. */
export async function crashOne(rounds: number, seed: number): Promise<boolean> {
  const random = randomFrom(seed);
  const kinora = await Installation.create({ LOG_LEVEL: 'info', TRANSCODING_CONCURRENCY: '2' }, { shape: 'one' });
  const clips = await makeClips(path.join(kinora.dataDir, 'clips'), 4);
  const pledges: Pledge[] = [];
  const life: Life = { kinora, pledges, clips, random };
  let passed = 0;
  try {
    for (; passed < rounds; passed += 1) {
      await live(life);
      process.stdout.write(
        `round ${passed + 1}: killed; ${pledges.length} videos, ${pledges.filter(({ isComplete }) => isComplete).length} uploaded\n`,
      );
    }
    const client = await finish(life);
    const videos: Video[] = await Promise.all(pledges.map(({ videoId }) => client.video(videoId)));
    await kinora.end('SIGTERM');
    const knownUploads = new Set(pledges.flatMap(({ uploadUrl }) => uploadUrl?.split('/').at(-1) ?? []));
    await audit(kinora.ports.urls, { videos, removed: new Set(), knownUploads });
    const played = pledges.reduce((sum, { playbacks }) => sum + playbacks, 0);
    process.stdout.write(
      `All ${pledges.length} videos are ready, ${played} playbacks count once each; nothing acknowledged was lost.\n${passed} passed, 0 failed\n`,
    );
    return true;
  } catch (error) {
    process.stdout.write(`${kinora.output.slice(-6_000)}\n${String(error)}\nseed ${seed}\n${passed} passed, 1 failed\n`);
    return false;
  } finally {
    await kinora.remove();
  }
}
