/** A pause in which everything works: all that was promised has to come true. */
import { eventually } from '../installation.ts';
import { playAll } from '../player.ts';
import { Finding, pause } from './attempt.ts';
import { areKeysRefused, checkLeft, checkPerson, enter, leave } from './person.ts';
import { goOn, isGone, isKept, readPledge, removePledge, retitle, type Pledge } from './pledge.ts';
import { tellPlayback, type World } from './world.ts';

// RabbitMQ may bring what passed between two of its queues when it was killed three minutes late.
const readyMs = 360_000;
const soonMs = 240_000;
/** Gateways ask accounts again five seconds after it did not answer. */
const keysMs = 10_000;

/** Repeats `probe` until it gives something; findings end it at once. */
function until<T>(what: string, deadlineMs: number, probe: () => Promise<T | undefined | false>): Promise<T> {
  let finding: Finding | undefined;
  return eventually(what, deadlineMs, async () => {
    try {
      const found = await probe();
      return found === false ? undefined : found;
    } catch (error) {
      if (!(error instanceof Finding)) throw error;
      finding = error;
      return 'finding' as const;
    }
  }).then((found) => {
    if (finding) throw finding;
    return found as T;
  });
}

/** Uploads and removals that were begun come to their end. */
async function complete(world: World): Promise<void> {
  const { platform, pledges } = world;
  for (const pledge of pledges.filter(({ removal }) => removal === 'asked'))
    await until(`${pledge.videoId} to be removed`, soonMs, () => removePledge(pledge));
  for (const person of world.people.filter(({ removal }) => removal === 'asked')) {
    await until(`${person.email} to leave`, soonMs, () => leave(person));
    for (const pledge of pledges) if (pledge.owner === person.client) pledge.removal = 'done';
  }
  for (const pledge of pledges.filter((each) => isKept(each) && !each.isComplete))
    await until(`${pledge.videoId} to be uploaded`, soonMs, async () => {
      await goOn(pledge, platform.url);
      return pledge.isComplete;
    });
  await until('playbacks to be told', soonMs, async () => {
    await tellPlayback(world);
    return world.untold.length === 0;
  });
}

async function seeReady(pledge: Pledge): Promise<void> {
  const { videoId, clip } = pledge;
  await until(`${videoId} (${clip.name}, ${pledge.uploadUrl}) to be ready`, readyMs, async () => {
    const asset = (await readPledge(pledge))?.asset;
    if (asset?.state === 'failed') throw new Finding(`${videoId} failed: ${asset.failure?.reason ?? ''}`);
    return asset?.state === 'ready';
  });
}

async function seePlayed(world: World, pledge: Pledge): Promise<void> {
  const { videoId, clip } = pledge;
  const { manifestUrl } = await pledge.owner.playback(videoId);
  for (const rendition of await playAll(new URL(manifestUrl, world.platform.url).href))
    if (!rendition.isEnded || (!rendition.isAudio && rendition.frames !== clip.frames))
      throw new Finding(
        `${rendition.uri} of ${clip.name} (${videoId}) has ${rendition.frames} frames, not ${clip.frames}, ended: ${rendition.isEnded}`,
      );
  pledge.isPlayed = true;
}

async function seeViews(pledge: Pledge): Promise<void> {
  const { videoId, playbacks } = pledge;
  await until(`${videoId} to have ${playbacks} views`, soonMs, async () => {
    const video = await readPledge(pledge);
    if (video && video.viewCount > playbacks) throw new Finding(`${videoId} has ${video.viewCount} views of ${playbacks} playbacks`);
    return video?.viewCount === playbacks;
  });
}

async function seePeople({ people, platform }: World): Promise<void> {
  for (const person of people) {
    if (person.removal === 'done') await checkLeft(person, platform.url);
    else {
      await until(`${person.email} to be in`, soonMs, () => enter(person, platform.url));
      await until(`removed keys of ${person.email} to be refused`, keysMs, () => areKeysRefused(person));
      await checkPerson(person);
    }
  }
  // What has been seen to be gone need not be looked at again.
  people.splice(0, people.length, ...people.filter(({ removal }) => removal !== 'done'));
}

/** Every gateway shows what happens, whichever replica it happens at. */
async function seeLive({ platform, admin, pledges }: World): Promise<void> {
  const pledge = pledges.find((each) => isKept(each) && each.isPlayed && each.owner === admin);
  if (!pledge) return;
  const leave = new AbortController();
  const seen = new Set<string>();
  const pages = platform.of('gateway').map(async ({ process }) => {
    for await (const { data } of admin.at(process.url).events(leave.signal))
      if (data.video?.videoId === pledge.videoId) return void seen.add(process.name);
  });
  try {
    await until('every gateway to show a changed title', soonMs, async () => {
      await retitle(pledge, `Seen ${Date.now()}`);
      await pause(200);
      return seen.size === pages.length;
    });
  } finally {
    leave.abort();
    await Promise.allSettled(pages);
  }
}

async function seeQueuesEmpty({ bus }: World): Promise<void> {
  let depths: Awaited<ReturnType<typeof bus.depths>> = [];
  await until('the queues to be empty', soonMs, async () => {
    depths = (await bus.depths()).filter(({ waiting, underWay, dead }) => waiting + underWay + dead > 0);
    const dead = depths.find((depth) => depth.dead > 0);
    if (dead) throw new Finding(`dead letters in ${dead.queue}: ${JSON.stringify(await bus.deadLetters(dead.queue, 5))}`);
    return depths.length === 0;
  }).catch((error: unknown) => {
    throw error instanceof Finding ? error : new Finding(`messages are left: ${JSON.stringify(depths)}`);
  });
}

/** Waits until everything is well, and looks at all of it. @throws {Finding} */
export async function settle(world: World): Promise<void> {
  const { pledges, admin } = world;
  try {
    await complete(world);
    const kept = pledges.filter(isKept);
    for (const pledge of kept) await seeReady(pledge);
    for (const pledge of kept) if (!pledge.isPlayed) await seePlayed(world, pledge);
    for (const pledge of kept) await seeViews(pledge);
    for (const pledge of pledges.filter(({ removal }) => removal === 'done'))
      await until(`${pledge.videoId} to be gone`, soonMs, () => isGone(pledge, admin));
    await seePeople(world);
    await seeLive(world);
    await seeQueuesEmpty(world);
  } catch (cause) {
    throw new Finding('when everything should have been well', { cause });
  }
}
