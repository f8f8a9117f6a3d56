// SPDX-License-Identifier: Apache-2.0
// The terminal face in a real terminal: tmux, driven by keys and read by its screen.

import { spawnSync } from 'node:child_process';
import { ROOT, SONDE, waitFor } from './sonde.ts';

let count = 0;

export class Tmux {
  private readonly socket = `sonde-test-${process.pid}-${++count}`;

  constructor(
    args: readonly string[],
    options: {
      readonly columns?: number;
      readonly rows?: number;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const { columns = 120, rows = 30, env = {} } = options;
    const words = [process.execPath, SONDE, ...args]
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(' ');
    const variables = Object.entries({ LANG: 'C.UTF-8', TZ: 'UTC', ...env }).flatMap(([name, value]) => [
      '-e',
      `${name}=${value}`,
    ]);
    this.run(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      String(columns),
      '-y',
      String(rows),
      '-c',
      ROOT,
      ...variables,
      `${words}; echo "exit code $?"; sleep 60`,
    );
  }

  private run(...args: string[]): string {
    const result = spawnSync('tmux', ['-L', this.socket, ...args], { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`tmux ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  keys(...keys: string[]): void {
    this.run('send-keys', ...keys);
  }

  screen(): string {
    return this.run('capture-pane', '-p');
  }

  /** With colours and weights, as escape sequences. */
  styled(): string {
    return this.run('capture-pane', '-p', '-e');
  }

  async see(pattern: RegExp, timeoutMs = 15_000): Promise<string> {
    await waitFor(
      () => pattern.test(this.screen()),
      timeoutMs,
      () => `the screen, wanted ${pattern}:\n${this.screen()}`,
    );
    return this.screen();
  }

  resize(columns: number, rows: number): void {
    this.run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Number of the process that runs in the terminal. */
  pid(): number {
    const shell = Number(this.run('display-message', '-p', '#{pane_pid}'));
    const child = spawnSync('ps', ['-o', 'pid=', '--ppid', String(shell)], {
      encoding: 'utf8',
    }).stdout.trim();
    return Number(child.split('\n')[0]);
  }

  close(): void {
    spawnSync('tmux', ['-L', this.socket, 'kill-server']);
  }
}
