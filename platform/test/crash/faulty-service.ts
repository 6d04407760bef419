/**
 * Runs one service as its own entry does, over ports that can kill the process at a named step.
 *   CRASH_CONTROL=<port> CRASH_SEED=<n> node faulty-service.ts catalog
 * The crash test listens on the port of CRASH_CONTROL, is told which steps are passed, and says at which to die.
 */
import { writeSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { run } from '@kinora/service';
import { select } from '../../src/services.ts';
import { faultyOpeners, type Pass } from './faulty-ports.ts';
import { randomFrom } from './random.ts';
import { deathNotice, type Order, type Report } from './control.ts';
import type { Step } from './steps.ts';

/** Dies by its own hand at the moment it is told to, as it would by anybody else's: nothing runs afterwards. */
function die(step: Step): void {
  writeSync(1, `${deathNotice}${step}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Counts the steps of this process down to the one that it is ordered to die at. */
function followOrders(service: string, port: number): Pass {
  const passed = new Set<Step>();
  let left = new Map<Step, number>();
  const socket = connect(port, '127.0.0.1');
  const report = (report: Report): void => void socket.write(`${JSON.stringify(report)}\n`);
  report({ service });
  // The test has ended: nobody is left who would end this process.
  const leave = (): never => process.exit(1);
  createInterface({ input: socket })
    .on('line', (line) => {
      const { steps, nth } = JSON.parse(line) as Order;
      left = new Map(steps.map((step) => [step, nth]));
    })
    .on('error', leave);
  socket.on('error', leave).on('close', leave);
  return (step) => {
    if (!passed.has(step)) report({ passed: step });
    passed.add(step);
    const count = left.get(step);
    if (count === undefined) return;
    if (count <= 1) die(step);
    left.set(step, count - 1);
  };
}

const service = process.argv[2] ?? '';
const pass = followOrders(service, Number(process.env['CRASH_CONTROL']));
await run(select(service), { openers: faultyOpeners(pass, randomFrom(Number(process.env['CRASH_SEED']))) });
