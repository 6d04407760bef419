/** Crash rounds at scale: a process for each replica of each service, over real servers or over files that all of them share. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Video } from '@kinora/contracts';
import { Client } from '../client.ts';
import { admin, eventually } from '../installation.ts';
import { embeddedPorts, serverPorts } from '../ports.ts';
import { audit } from './audit.ts';
import { Finding } from './attempt.ts';
import { makeClips } from './clips.ts';
import { chooseFault, type Servers } from './faults.ts';
import { createPlatform, type Platform } from './platform.ts';
import { isKept } from './pledge.ts';
import { assetIdOf } from './playlists.ts';
import { randomFrom } from './random.ts';
import type { Ending } from './replica.ts';
import { playRound, Schedule } from './round.ts';
import { settle } from './settle.ts';
import { deaths, nameOf, unreachable } from './steps.ts';
import { closeWorld, keepLogs, openWorld, type World } from './world.ts';

export interface ScaleOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly replicas: number;
  /** Over files instead of servers. */
  readonly isEmbedded: boolean;
  readonly servers: Servers;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const startMs = 120_000;
/** Rounds between two pauses in which everything has to come true. */
const settleEvery = 8;
/** With this many rounds every step has to be hit; some more are played for those that were not passed in time. */
const roundsForAll = 24;
const moreRounds = 24;
const longestClipSeconds = 13;

/** Steps that a service passes although the table says that it never does. */
function wronglyUnreachable({ control }: Platform): string[] {
  return [...control.passed].flatMap(([service, passed]) =>
    [...passed].filter((step) => step in unreachable[service as keyof typeof unreachable]).map((step) => `${service} passes ${step}`),
  );
}

function checkCoverage(platform: Platform, schedule: Schedule, rounds: number): void {
  const wrong = wronglyUnreachable(platform);
  if (wrong.length > 0) throw new Finding(`the table of steps is wrong: ${wrong.join(', ')}`);
  const { missed } = schedule;
  say(`Killed at ${deaths.length - missed.length} of ${deaths.length} steps.`);
  if (missed.length > 0 && rounds >= roundsForAll) throw new Finding(`never hit: ${missed.map(nameOf).join(', ')}`);
}

/** Ids of what there has been. */
interface Past {
  readonly removed: Set<string>;
  readonly knownUploads: Set<string>;
}

/** Forgets what is gone, but for its ids. */
function prune(world: World, { removed, knownUploads }: Past): void {
  for (const pledge of world.pledges) {
    const uploadId = assetIdOf(pledge);
    if (uploadId !== undefined) knownUploads.add(uploadId);
    if (pledge.removal === 'done') removed.add(pledge.videoId);
  }
  world.pledges.splice(0, world.pledges.length, ...world.pledges.filter(isKept));
  world.playlists.clear();
}

const secondsSince = (startedAt: number): string => ((performance.now() - startedAt) / 1000).toFixed(1);

/** Plays the rounds that were asked for, and those that are needed to hit every step; how many that were. */
async function playRounds(world: World, schedule: Schedule, { rounds, servers }: ScaleOptions, past: Past): Promise<number> {
  const { platform, random } = world;
  const most = rounds < roundsForAll ? rounds : rounds + moreRounds;
  for (let number = 1; ; number += 1) {
    const startedAt = performance.now();
    const told = await playRound(world, schedule, chooseFault(number, platform.links, servers, random));
    say(`round ${number} (${secondsSince(startedAt)} s): ${told}`);
    const isLast = number >= most || (number >= rounds && schedule.missed.length === 0);
    if (!isLast && number % settleEvery !== 0) continue;
    const settlingAt = performance.now();
    const kept = world.pledges.filter(isKept).length;
    await settle(world);
    prune(world, past);
    say(`all is well after round ${number} (${secondsSince(settlingAt)} s): ${kept} videos`);
    if (isLast) return number;
  }
}

async function stopAndAudit(world: World, past: Past): Promise<number> {
  const { platform, pledges } = world;
  const videos = await Promise.all(pledges.map(({ owner, videoId }) => owner.json<Video>(`/api/videos/${videoId}`)));
  const faults = await platform.stop();
  if (faults.length > 0) throw new Finding(`asked to stop, ${faults.join(', ')}`);
  return audit(platform.kinora.ports.urls, { videos, ...past });
}

function explain(error: unknown, depth = 0): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? `\n${explain(error.cause, depth + 1)}` : '';
  return '  '.repeat(depth) + text + cause;
}

/** Plays the rounds; true when nothing was found. */
export async function crashAtScale(options: ScaleOptions): Promise<boolean> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kinora-crash-'));
  const random = randomFrom(options.seed);
  const log = keepLogs(path.join(folder, 'logs'));
  const endings: Ending[] = [];
  const onEnd = (ending: Ending): void => (log(ending), void endings.push(ending));
  const ports = options.isEmbedded ? embeddedPorts(path.join(folder, 'data')) : await serverPorts();
  const platform = await createPlatform({ ports, replicas: options.replicas, random, onEnd });
  const schedule = new Schedule(random);
  const past: Past = { removed: new Set(), knownUploads: new Set() };
  let world: World | undefined;
  let passed = 0;
  try {
    platform.start();
    await platform.ready(startMs);
    const client = await eventually('the admin to be in', startMs, () => Client.signIn(platform.url, admin));
    const clips = await makeClips(path.join(folder, 'clips'), longestClipSeconds);
    world = await openWorld({ platform, random, clips, admin: client, endings });
    passed = await playRounds(world, schedule, options, past);
    const unknown = await stopAndAudit(world, past);
    checkCoverage(platform, schedule, options.rounds);
    say(
      `${past.removed.size + world.pledges.length} videos, ${endings.length} deaths; nothing acknowledged was lost, nothing is left over.`,
    );
    if (unknown > 0) say(`${unknown} uploads were begun and never told of; they expire.`);
    say(`${passed} passed, 0 failed`);
    await rm(folder, { recursive: true, force: true });
    return true;
  } catch (error) {
    for (const replica of platform.replicas) log(replica.process);
    say(
      `${explain(error)}\nseed ${options.seed}; what every process printed is in ${path.join(folder, 'logs')}\n${passed} passed, 1 failed`,
    );
    return false;
  } finally {
    if (world) await closeWorld(world);
    await platform.remove();
  }
}
