// SPDX-License-Identifier: Apache-2.0
// Runs the real command.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const SONDE = `${ROOT}bin/sonde`;
/** The capture that comes with sonde: nginx asked by curl, pages that exist and not, a backend that is down. */
export const SAMPLE = `${ROOT}test/fixtures/captures/sample.scap.gz`;

/** Calls of many kinds, found and failed (test/fixtures/workload), as sonde records them: in pairs of enter and exit. */
export const CALLS = `${ROOT}test/fixtures/captures/calls.scap.gz`;

export type Result = { readonly code: number | null; readonly out: string; readonly err: string };

/** One run, to its end. Output is one character a byte. */
export function sonde(...args: string[]): Result {
  const run = spawnSync(process.execPath, [SONDE, ...args], {
    encoding: 'latin1',
    timeout: 60_000,
    maxBuffer: 1 << 28,
    cwd: ROOT,
    env: { ...process.env, TZ: 'UTC' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** Lines without the last line feed. */
export function lines(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

export type Running = {
  readonly child: ChildProcess;
  out(): string;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

/** A run that goes on; resolves when its output matches. */
export async function start(args: readonly string[], until: RegExp): Promise<Running> {
  const child = spawn(process.execPath, [SONDE, ...args], { cwd: ROOT, env: { ...process.env, TZ: 'UTC' } });
  let text = '';
  const take = (part: Buffer): void => void (text += part.toString('latin1'));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', resolve);
  });
  const running: Running = {
    child,
    out: () => text,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
  await waitFor(
    () => until.test(text),
    20_000,
    () => `sonde ${args.join(' ')} said: ${text}`,
  );
  return running;
}

/** Waits until something holds. */
export async function waitFor(
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number,
  explain: () => string,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain; ${explain()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** Whether a program is on the PATH (or where Debian keeps those for root). */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${program}`]).status === 0;
}
