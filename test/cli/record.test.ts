// SPDX-License-Identifier: Apache-2.0
// What is written: pairs that every reader understands, files that follow each other, and nothing that was not to be kept.

import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../collector/capture/file-source.ts';
import { CALLS, lines, SAMPLE, sonde, start } from '../support/sonde.ts';
import { replay } from '../support/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'sonde-record-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

describe('exits alone', () => {
  const paired = path('paired.scap');

  test('become pairs: the same calls, times, results and latencies', () => {
    expect(sonde('-r', SAMPLE, '-w', paired).code).toBe(0);
    const format = '*%evt.rawtime %thread.tid %evt.type %evt.errno %evt.latency';
    const exits = (file: string): string[] => lines(sonde('-r', file, '-p', format, 'evt.dir=<').out);
    // sysdig 0.29.3 knows some calls by the name of their older sister
    const older = exits(SAMPLE).map((line) => line.replace(/ (dup|accept|pipe|eventfd|umount)\d /, ' $1 '));
    expect(exits(paired)).toEqual(older);
    const enters = lines(sonde('-r', paired, '-p', format, 'evt.dir=>').out);
    expect(enters.length).toBeGreaterThan(exits(SAMPLE).length * 0.95);
  });

  test('stay in the order of time, but for calls longer than the window', () => {
    const times = lines(sonde('-r', paired, '-p', '%evt.rawtime').out).map(BigInt);
    const backwards = times.filter((time, i) => i > 0 && time < (times[i - 1] as bigint));
    expect(backwards.length).toBeLessThan(times.length / 200);
  });

  test('an enter has what the call was given', () => {
    const { out } = sonde(
      '-r',
      paired,
      '-p',
      '%evt.dir %evt.args',
      'evt.type=openat and evt.args contains ld.so.cache',
    );
    expect(lines(out)[0]).toMatch(/^> dirfd=-100\(AT_FDCWD\) name=\/etc\/ld\.so\.cache flags=\d+\(O_RDONLY/);
  });

  test('pairs are left as they are', () => {
    const again = path('again.scap');
    sonde('-r', paired, '-w', again);
    expect(readFileSync(again).equals(readFileSync(paired))).toBe(true);
  });

  test('--native keeps them as they came', () => {
    const native = path('native.scap');
    sonde('-r', SAMPLE, '--native', '-w', native);
    expect(sonde('-r', native).out).toBe(sonde('-r', SAMPLE).out);
  });
});

test('a call that sysdig 0.29.3 has no event for keeps all it knows', async () => {
  const seen: string[] = [];
  await replay(await FileSource.open(CALLS), ({ evt }) => {
    if (evt.carrier === 1 && evt.type.name === 'memfd_create') seen.push(evt.text(1));
  });
  expect(seen).toEqual(['scratch']);
});

describe('one file after the other', () => {
  const total = lines(sonde('-r', CALLS).out).length;
  const count = (file: string): number => lines(sonde('-r', path(file)).out).length;
  const files = (prefix: string): string[] =>
    readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .sort();

  test('-e: each has so many events, together they have all', () => {
    expect(sonde('-r', CALLS, '-w', path('e.'), '-e', '1000').code).toBe(0);
    expect(files('e.')).toEqual(['e.0', 'e.1', 'e.2', 'e.3']);
    expect(files('e.').reduce((sum, name) => sum + count(name), 0)).toBe(total);
  });

  test('each begins with the state as it is then: names are known', () => {
    const format = '*%evt.rawtime %proc.name %proc.cwd %fd.name %evt.args';
    const whole = lines(sonde('-r', CALLS, '-p', format).out);
    const parts = files('e.').flatMap((name) => lines(sonde('-r', path(name), '-p', format).out));
    const different = parts.filter((line, i) => line !== whole[i]);
    // calls that a file begins within have lost their enter
    expect(different.length).toBeLessThan(20);
  });

  test('-C: by size', () => {
    expect(sonde('-r', CALLS, '-w', path('c.'), '-C', '1').code).toBe(0);
    expect(files('c.')).toEqual(['c.0']);
  });

  test('-W: only the newest are kept', () => {
    expect(sonde('-r', CALLS, '-w', path('w.'), '-e', '1000', '-W', '2').code).toBe(0);
    expect(files('w.')).toEqual(['w.0', 'w.1']);
    const newest = lines(sonde('-r', CALLS, '-p', '%evt.rawtime').out).at(-1);
    expect(lines(sonde('-r', path('w.1'), '-p', '%evt.rawtime').out).at(-1)).toBe(newest);
  });

  test('-G: by time, and named by it', () => {
    expect(sonde('-r', SAMPLE, '-w', path('g-%Y%m%d-%H%M%S.scap'), '-G', '1').code).toBe(0);
    expect(files('g-').length).toBeGreaterThan(1);
    expect(files('g-')[0]).toMatch(/^g-20\d{6}-\d{6}\.scap$/);
  });

  test('-W without a reason for a new file is a mistake', () => {
    const { code, err } = sonde('-r', CALLS, '-w', path('x'), '-W', '2');
    expect(code).toBe(2);
    expect(err).toMatch(/-C, -e or -G/);
  });
});

describe('what is nobody else’s business', () => {
  const secret = (file: string): boolean => readFileSync(path(file)).includes('secret words');

  test('--mask-env: names of variables stay, values are stars', () => {
    sonde('-r', CALLS, '-w', path('plain.scap'));
    expect(secret('plain.scap')).toBe(true);
    expect(sonde('-r', CALLS, '--mask-env', '-w', path('masked.scap')).code).toBe(0);
    expect(secret('masked.scap')).toBe(false);
    const { out } = sonde('-r', path('masked.scap'), '-p', '%proc.env', 'proc.env contains TOKEN');
    expect(lines(out)[0]).toContain('TOKEN=************');
  });

  test('-E: no users', () => {
    sonde('-r', CALLS, '-E', '-w', path('nobody.scap'));
    expect(sonde('-r', path('nobody.scap'), '-p', '*%user.name', '-n', '5').out).not.toContain('root');
  });

  test('--filter-proclist: only the processes that the filter names, and their users', () => {
    sonde('-r', CALLS, '--filter-proclist', '-w', path('few.scap'), 'proc.name=nothing or evt.num=100');
    expect(readFileSync(path('few.scap')).includes('sleep')).toBe(false);
  });
});

test('-M stops after so many seconds of the stream', () => {
  const times = lines(sonde('-r', SAMPLE, '-M', '1', '-p', '%evt.reltime').out).map(Number);
  const all = lines(sonde('-r', SAMPLE, '-p', '%evt.reltime').out).map(Number);
  expect(times).toEqual(all.filter((time) => time < 1e9));
  expect(times.length).toBeLessThan(all.length);
});

test('--follow waits for what is still to be written', { timeout: 20_000 }, async () => {
  const bytes = gunzipSync(readFileSync(CALLS));
  const growing = path('growing.scap');
  const half = bytes.length >> 1;
  writeFileSync(growing, bytes.subarray(0, half));
  const run = await start(['-r', growing, '--follow', '-p', '%evt.num'], /^1\d\d\d$/m);
  const seen = lines(run.out()).length;
  appendFileSync(growing, bytes.subarray(half));
  const last = lines(sonde('-r', CALLS, '-p', '%evt.num').out).at(-1);
  while (!run.out().endsWith(`\n${last}\n`)) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(lines(run.out()).length).toBeGreaterThan(seen);
  expect(await run.stop('SIGINT')).toBe(0);
});
