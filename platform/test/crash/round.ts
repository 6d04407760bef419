/** One round: services are ordered to die, something goes wrong around them, clients go on; then everything is there again. */
import type { ServiceName } from '../installation.ts';
import { Finding, pause } from './attempt.ts';
import { live } from './control.ts';
import type { Fault } from './faults.ts';
import { runLoad } from './load.ts';
import { checkOffset, isKept } from './pledge.ts';
import { oneOf, shuffled, wholeFrom, type Random } from './random.ts';
import type { Ending } from './replica.ts';
import { deaths, nameOf, type Death, type Step } from './steps.ts';
import { withPledge, type World } from './world.ts';

/** A service and the steps of which it dies at the first that it passes. */
export interface Sentence {
  readonly service: ServiceName;
  readonly steps: readonly Step[];
}

const servicesThatDie = [...new Set(deaths.map(({ service }) => service))];
const stepsOf = (service: ServiceName): Step[] => deaths.filter((death) => death.service === service).map(({ step }) => step);
/** Steps that a service waits at: some are passed all the time, others when a video has come a long way. */
const stepsAtOnce = 5;

/** Sentences of each round: a service dies at each of its steps before it dies anywhere again, and those with most steps left come first. */
export class Schedule {
  readonly #random: Random;
  readonly #hit = new Set<string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Sentences for `count` different services. */
  next(count: number): Sentence[] {
    const sentences = shuffled(this.#random, servicesThatDie).map((service) => ({ service, left: this.#left(service) }));
    return sentences
      .sort((a, b) => b.left.length - a.left.length)
      .slice(0, count)
      .map(({ service, left }) => ({ service, steps: this.#choose(left.length > 0 ? left : stepsOf(service)) }));
  }

  #left(service: ServiceName): Step[] {
    return stepsOf(service).filter((step) => !this.#hit.has(nameOf({ service, step })));
  }

  /** Some of `steps`; being killed from outside goes with no other. */
  #choose(steps: readonly Step[]): Step[] {
    const chosen = shuffled(this.#random, steps).slice(0, stepsAtOnce);
    return chosen[0] === 'anytime' ? ['anytime'] : chosen.filter((step) => step !== 'anytime');
  }

  hit(death: Death): void {
    this.#hit.add(nameOf(death));
  }

  /** What no round has hit yet. */
  get missed(): Death[] {
    return deaths.filter((death) => !this.#hit.has(nameOf(death)));
  }
}

const deathsPerRound = 4;
const roundMs = 12_000;
const shortestMs = 600;
const readyMs = 90_000;

/** Steps that a service passes all the time are let pass a few times. */
const nthOf = (random: Random): number => (random() < 0.6 ? 1 : wholeFrom(random, 2, 4));

/** Sees to it that a process of the service dies, whichever comes to a step first; where, or undefined when `isOver` came before. */
async function bringAbout(world: World, { service, steps }: Sentence, isOver: () => boolean): Promise<Step | undefined> {
  const { platform, random, endings } = world;
  if (steps.includes('anytime')) {
    await pause(random() * 2_000);
    await oneOf(random, platform.of(service))?.kill();
    return 'anytime';
  }
  const before = endings.length;
  platform.control.order(service, { steps, nth: nthOf(random) });
  const hit = (): Step | undefined => endings.slice(before).find((ending) => ending.service === service && ending.step !== undefined)?.step;
  while (hit() === undefined && !isOver()) await pause(10);
  platform.control.order(service, live);
  return hit();
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
  const chosen = schedule.next(deathsPerRound);
  const startedAt = performance.now();
  const before = world.endings.length;
  const hasLasted = (ms: number): boolean => performance.now() - startedAt > ms;
  let isDone = false;
  const load = runLoad(world, () => isDone && hasLasted(shortestMs));
  const dying = chosen.map(async (sentence) => {
    const step = await bringAbout(world, sentence, () => isDone || hasLasted(roundMs));
    if (step === undefined) return `${sentence.service} lives on`;
    schedule.hit({ service: sentence.service, step });
    return nameOf({ service: sentence.service, step });
  });
  const what = [...chosen.map(({ service, steps }) => `${service} at ${steps.join(' or ')}`), ...(fault ? [fault.name] : [])].join(', ');
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
