/** One round: services are ordered to die, something goes wrong around them, clients go on; then everything is there again. */
import { Finding, pause } from './attempt.ts';
import type { Fault } from './faults.ts';
import { runLoad } from './load.ts';
import { checkOffset, isKept } from './pledge.ts';
import { oneOf, shuffled, wholeFrom, type Random } from './random.ts';
import type { Ending } from './replica.ts';
import { deaths, nameOf, type Death } from './steps.ts';
import { withPledge, type World } from './world.ts';

/** Gives the deaths of each round, each combination before any comes again, and those that were missed once more. */
export class Schedule {
  readonly #random: Random;
  readonly hit = new Map<string, number>();
  #queue: Death[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Up to `count` deaths of different services. */
  next(count: number): Death[] {
    const chosen: Death[] = [];
    for (let turn = 0; turn < 2 && chosen.length < count; turn += 1) {
      const isFree = (death: Death): boolean => !chosen.some(({ service }) => service === death.service);
      for (const death of this.#queue) if (chosen.length < count && isFree(death)) chosen.push(death);
      this.#queue = this.#queue.filter((death) => !chosen.includes(death));
      if (chosen.length < count) this.#queue.push(...shuffled(this.#random, deaths));
    }
    return chosen;
  }

  note(death: Death, isHit: boolean): void {
    if (isHit) this.hit.set(nameOf(death), (this.hit.get(nameOf(death)) ?? 0) + 1);
    else this.#queue.push(death);
  }

  /** Combinations that no round has hit yet. */
  get missed(): string[] {
    return deaths.map(nameOf).filter((name) => !this.hit.has(name));
  }
}

const roundMs = 7_000;
const shortestMs = 600;
const readyMs = 90_000;

/** Steps that a service passes all the time are let pass a few times. */
const nthOf = (random: Random): number => (random() < 0.6 ? 1 : wholeFrom(random, 2, 6));

/** Sees to it that a process of the service dies, whichever comes to the step first; false when `isOver` came before. */
async function bringAbout(world: World, { service, step }: Death, isOver: () => boolean): Promise<boolean> {
  const { platform, random, endings } = world;
  if (step === 'anytime') {
    await pause(random() * 2_000);
    await oneOf(random, platform.of(service))?.kill();
    return true;
  }
  const before = endings.length;
  platform.control.order(service, { step, nth: nthOf(random) });
  const isHit = (): boolean => endings.slice(before).some((ending) => ending.service === service && ending.step === step);
  while (!isHit() && !isOver()) await pause(10);
  platform.control.order(service, {});
  return isHit();
}

/** Nobody may die but those who were killed; while a server is away, a service may give up starting. @throws {Finding} */
function checkEndings(endings: readonly Ending[]): void {
  for (const { name, step, status, wasReady, output } of endings)
    if (step === undefined && wasReady) throw new Finding(`${name} ended by itself with ${status ?? 'a signal'}:\n${output.slice(-3_000)}`);
}

/** What was acknowledged is there. @throws {Finding} */
async function verify(world: World): Promise<void> {
  for (const pledge of world.pledges.filter((each) => isKept(each) && !each.isPlayed))
    await withPledge(
      world,
      (each) => each === pledge,
      async () => void (await checkOffset(pledge)),
    );
}

/** Plays a round; what happened, for people. @throws {Finding} */
export async function playRound(world: World, schedule: Schedule, fault: Fault | undefined): Promise<string> {
  const chosen = schedule.next(wholeFrom(world.random, 2, 3));
  const startedAt = performance.now();
  const before = world.endings.length;
  const hasLasted = (ms: number): boolean => performance.now() - startedAt > ms;
  let isDone = false;
  const load = runLoad(world, () => isDone && hasLasted(shortestMs));
  const dying = chosen.map(async (death) => {
    const isHit = await bringAbout(world, death, () => isDone || hasLasted(roundMs));
    schedule.note(death, isHit);
    return `${nameOf(death)}${isHit ? '' : ' (not passed)'}`;
  });
  const what = [...chosen.map(nameOf), ...(fault ? [fault.name] : [])].join(', ');
  try {
    const finding = load.then(() => new Promise<never>(() => undefined));
    const [told] = await Promise.race([Promise.all([Promise.all(dying), fault?.run()]), finding]);
    isDone = true;
    await load;
    await world.platform.ready(readyMs);
    checkEndings(world.endings.slice(before));
    await verify(world);
    return [...told, ...(fault ? [fault.name] : [])].join(', ');
  } catch (cause) {
    isDone = true;
    await Promise.allSettled([load, ...dying]);
    throw new Finding(`in the round of ${what}`, { cause });
  }
}
