/** Everything that the clients of a crash test know and hold on to. */
import { mkdirSync, appendFileSync } from 'node:fs';
import path from 'node:path';
import { openBlobs, type Blobs } from '@kinora/blobs';
import { newId, topology } from '@kinora/contracts';
import { event, openBus, type Bus, type Envelope } from '@kinora/messaging';
import type { Client } from '../client.ts';
import type { Clip } from './clips.ts';
import { newPerson, type Person } from './person.ts';
import type { Platform } from './platform.ts';
import { isKept, type Pledge } from './pledge.ts';
import { oneOf, type Random } from './random.ts';
import type { Ending } from './replica.ts';

export interface World {
  readonly platform: Platform;
  readonly random: Random;
  readonly clips: readonly Clip[];
  readonly admin: Client;
  readonly pledges: Pledge[];
  readonly people: Person[];
  /** Straight to the servers, past the proxies. */
  readonly bus: Bus;
  readonly blobs: Blobs;
  /** Playbacks that the bus has not confirmed yet. */
  readonly untold: { readonly envelope: Envelope; readonly pledge: Pledge }[];
  /** How processes have ended so far. */
  readonly endings: readonly Ending[];
  /** Playlist → what it last said. */
  readonly playlists: Map<string, { readonly segments: number; readonly isEnded: boolean }>;
}

export async function openWorld(facts: Pick<World, 'platform' | 'random' | 'clips' | 'admin' | 'endings'>): Promise<World> {
  const { urls } = facts.platform.kinora.ports;
  const bus = openBus(urls.BUS_URL, { topology });
  const blobs = openBlobs(urls.BLOBS_URL);
  await Promise.all([bus.ready(), blobs.ready()]);
  return { ...facts, pledges: [], people: [], bus, blobs, untold: [], playlists: new Map() };
}

export async function closeWorld({ bus, blobs }: World): Promise<void> {
  await Promise.all([bus.close(), blobs.close()]);
}

/** Runs `work` with a pledge that `suits` and that nobody else works with; false when there is none. */
export async function withPledge(
  { pledges, random }: World,
  suits: (pledge: Pledge) => boolean,
  work: (pledge: Pledge) => Promise<void>,
): Promise<boolean> {
  const pledge = oneOf(
    random,
    pledges.filter((candidate) => !candidate.isBusy && suits(candidate)),
  );
  if (!pledge) return false;
  pledge.isBusy = true;
  await work(pledge).finally(() => (pledge.isBusy = false));
  return true;
}

/** A person nobody has heard of yet. */
export function addPerson({ people }: World): Person {
  const person = newPerson(`${newId().toLowerCase()}@example.com`);
  people.push(person);
  return person;
}

/** Tells the bus of a playback, one to three times; one that it does not confirm is told again later. */
export async function tellPlayback({ bus, pledges, random, untold }: World): Promise<void> {
  const pledge = oneOf(random, pledges.filter(isKept));
  if (pledge) {
    const data = { videoId: pledge.videoId, playbackId: newId(), at: new Date().toISOString() };
    untold.push({ envelope: event('video.viewed', 'history', data), pledge });
  }
  for (const telling of untold.splice(0)) {
    const copies = Array.from({ length: 1 + Math.floor(random() * 3) }, () => telling.envelope);
    try {
      for (const copy of copies) await bus.publish(copy);
      telling.pledge.playbacks += 1;
    } catch {
      untold.push(telling);
    }
  }
}

/** Keeps what processes print in files, one for each, so that a finding can be looked into. */
export function keepLogs(folder: string): (ending: Pick<Ending, 'name' | 'output'>) => void {
  mkdirSync(folder, { recursive: true });
  return ({ name, output }) => appendFileSync(path.join(folder, `${name.replace(' ', '-')}.log`), output);
}
