/** One process of a service, started again whenever it ends, as Compose and Kubernetes do. */
import type { ServiceName } from '../installation.ts';
import type { ServiceProcess } from '../service-process.ts';
import { deathNotice } from './control.ts';
import type { Step } from './steps.ts';

/** How a process has ended. */
export interface Ending {
  /** E.g. `catalog 2`. */
  readonly name: string;
  readonly service: ServiceName;
  /** Where it killed itself, as ordered; `anytime` when it was killed from outside. */
  readonly step: Step | undefined;
  /** Set when nobody has killed it. */
  readonly status: number | null;
  readonly wasReady: boolean;
  /** What it had printed. */
  readonly output: string;
}

const restartMs = 100;

export class Replica {
  readonly service: ServiceName;
  readonly process: ServiceProcess;
  readonly #env: NodeJS.ProcessEnv;
  readonly #onEnd: (ending: Ending) => void;
  #isStopping = false;
  #killing: Step | undefined;
  #living: Promise<void> | undefined;

  constructor(service: ServiceName, process: ServiceProcess, env: NodeJS.ProcessEnv, onEnd: (ending: Ending) => void) {
    this.service = service;
    this.process = process;
    this.#env = env;
    this.#onEnd = onEnd;
  }

  start(): void {
    this.#isStopping = false;
    this.#living = this.#live();
  }

  /** Kills the process, which then comes back. */
  async kill(): Promise<void> {
    this.#killing = 'anytime';
    await this.process.end('SIGKILL');
  }

  /** Ends the process for good; its status. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.#isStopping = true;
    const status = await this.process.end(signal);
    await this.#living;
    return status;
  }

  async #live(): Promise<void> {
    while (!this.#isStopping) {
      this.process.spawn(this.#env);
      const status = await this.process.ended();
      if (this.#isStopping) return;
      this.#note(status);
      await new Promise((resolve) => setTimeout(resolve, restartMs));
    }
  }

  #note(status: number | null): void {
    const { name, output, wasReady } = this.process;
    const step = this.#killing ?? (new RegExp(`^${deathNotice}(.+)$`, 'm').exec(output)?.[1] as Step | undefined);
    this.#onEnd({ name, service: this.service, step, status, wasReady, output });
    this.#killing = undefined;
  }
}
