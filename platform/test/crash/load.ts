/** What clients do while the platform is being killed: all of it at once, until the round is over. */
import { attempt, expectStatus, pause } from './attempt.ts';
import { checkPerson, enter, leave, makeKey, removeKey, type Person } from './person.ts';
import { createPledge, goOn, isKept, readPledge, removePledge, retitle, type Pledge } from './pledge.ts';
import { watchPlaylists } from './playlists.ts';
import { oneOf } from './random.ts';
import { addPerson, tellPlayback, withPledge, type World } from './world.ts';

export type IsOver = () => boolean;

/** Videos on their way at once, so that transcoding does not fall behind, and videos that are not deleted. */
const maxUnfinished = 3;
const fewestKept = 3;
const breathMs = 20;

const isUnfinished = (pledge: Pledge): boolean => isKept(pledge) && !pledge.isPlayed;

/** Begins a video for `owner`, and keeps it if the platform says that it is there. */
async function begin({ pledges, random, clips, admin }: World, owner = admin): Promise<Pledge | undefined> {
  const clip = oneOf(random, clips);
  const pledge = clip && (await createPledge(owner, clip));
  if (pledge) pledges.push(pledge);
  return pledge;
}

/** Uploads to the end whatever has been begun; begins a new video when few are on their way. */
async function upload(world: World, isOver: IsOver): Promise<void> {
  let mayBegin = true;
  for (; !isOver(); await pause(breathMs)) {
    const isTaken = await withPledge(
      world,
      (pledge) => isKept(pledge) && !pledge.isComplete,
      (pledge) => goOn(pledge, world.platform.url),
    );
    if (isTaken || !mayBegin || world.pledges.filter(isUnfinished).length >= maxUnfinished) continue;
    mayBegin = (await begin(world)) === undefined;
  }
}

/** Begins an upload and deletes its video: before, in the middle of a transfer, or after it. */
async function giveUp(world: World): Promise<void> {
  const pledge = await begin(world);
  if (!pledge) return;
  pledge.isBusy = true;
  const { url } = world.platform;
  const choice = world.random();
  try {
    if (choice < 0.3) await goOn(pledge, url, 1);
    if (choice < 0.7) await removePledge(pledge);
    else await Promise.all([goOn(pledge, url), removePledge(pledge)]);
  } finally {
    pledge.isBusy = false;
  }
}

/** Deletes videos, those first whose deletion was not answered. */
async function remove(world: World, isOver: IsOver): Promise<void> {
  for (let removals = 0; !isOver(); await pause(breathMs)) {
    const remove = async (pledge: Pledge): Promise<void> => void (await removePledge(pledge));
    if (await withPledge(world, ({ removal }) => removal === 'asked', remove)) continue;
    if (removals++ >= 2) continue;
    await giveUp(world);
    const complete = world.pledges.filter((pledge) => isKept(pledge) && pledge.isComplete);
    if (complete.length > fewestKept) await withPledge(world, (pledge) => isKept(pledge) && pledge.isComplete, remove);
  }
}

async function edit(world: World, isOver: IsOver): Promise<void> {
  for (let edits = 0; !isOver(); await pause(breathMs)) {
    const title = `Title ${Math.floor(world.random() * 1e9)}`;
    await withPledge(world, isKept, (pledge) => (edits++ % 3 === 2 ? readPledge(pledge).then(() => undefined) : retitle(pledge, title)));
  }
}

async function watch(world: World, isOver: IsOver): Promise<void> {
  for (; !isOver(); await pause(5 * breathMs)) await tellPlayback(world);
}

/** Signs up, makes a key and removes one, uploads a video, and leaves, one after the other. */
async function comeAndGo(world: World, isOver: IsOver): Promise<void> {
  let person: Person | undefined;
  for (; !isOver(); await pause(breathMs)) {
    const { platform, people } = world;
    person ??= people.find(({ removal }) => removal !== 'done') ?? addPerson(world);
    if (!(await enter(person, platform.url))) continue;
    if (person.removal === 'none') {
      await checkPerson(person);
      await makeKey(person);
      if (person.keys.length > 1) await removeKey(person);
      const { client } = person;
      if (!world.pledges.some(({ owner }) => owner === client)) await begin(world, client);
      const own = world.pledges.filter(({ owner }) => owner === client);
      if (own.some(({ isBusy }) => isBusy) || world.random() < 0.5) continue;
      for (const pledge of own) pledge.removal = 'leaving';
    }
    if (!(await leave(person))) continue;
    for (const pledge of world.pledges) if (pledge.owner === person.client) pledge.removal = 'done';
    person = undefined;
  }
}

/** Looks at lists, opens a video and fetches what a player fetches. */
async function browse(world: World, isOver: IsOver): Promise<void> {
  const { admin, platform, random, pledges } = world;
  for (; !isOver(); await pause(2 * breathMs)) {
    const page = await attempt(admin, 'GET', '/api/videos');
    if (page) expectStatus('the list of videos', page, 200);
    const ready = oneOf(
      random,
      pledges.filter((pledge) => isKept(pledge) && pledge.isComplete && !pledge.isBusy),
    );
    const playback = ready && (await attempt(admin, 'GET', `/api/videos/${ready.videoId}/playback`));
    if (playback?.status !== 200) continue;
    const { manifestUrl } = playback.body as { manifestUrl: string };
    const stranger = { fetch: (address: string, init?: RequestInit) => fetch(new URL(address, platform.url), init) };
    const manifest = await attempt(stranger, 'GET', manifestUrl);
    const rendition = typeof manifest?.body === 'string' ? /^[^#\n]+main\.m3u8$/m.exec(manifest.body)?.[0] : undefined;
    if (rendition) await attempt(stranger, 'GET', new URL(rendition.replace('main.m3u8', '0.m4s'), platform.url + manifestUrl).pathname);
  }
}

/** Keeps a page with live events open. */
async function follow({ admin }: World, isOver: IsOver): Promise<void> {
  const leave = new AbortController();
  const following = (async () => {
    for (; !isOver(); await pause(5 * breathMs)) {
      try {
        for await (const { data } of admin.events(leave.signal)) if (isOver() || !data) return;
      } catch {
        // The gateway was killed, or the round is over: browsers come back by themselves.
      }
    }
  })();
  while (!isOver()) await pause(breathMs);
  leave.abort();
  await following;
}

const actors = [upload, upload, remove, edit, watch, comeAndGo, browse, follow, watchPlaylists] as const;

/** Everything that clients do, until `isOver`; rejects with the first finding. */
export async function runLoad(world: World, isOver: IsOver): Promise<void> {
  let hasFailed = false;
  const ends = actors.map((actor) =>
    actor(world, () => hasFailed || isOver()).catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(ends)).find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
