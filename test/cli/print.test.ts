// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { has, lines, CALLS, SAMPLE, sonde } from '../support/sonde.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sonde-print-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

describe('sonde -r FILE', () => {
  test('a filter shows the failed open with its path', () => {
    const { code, out } = sonde(
      '-r',
      SAMPLE,
      '-p',
      '%proc.name %evt.type %evt.arg.name %evt.res',
      'evt.failed=true and evt.arg.name endswith settings.conf',
    );
    expect(code).toBe(0);
    expect(lines(out)).toEqual(['cat openat /tmp/shop/settings.conf ENOENT']);
  });

  test('our own fields: family, target, errno in words', () => {
    const { out } = sonde(
      '-r',
      SAMPLE,
      '-p',
      '%evt.family %evt.target %evt.errno %evt.errno.text',
      'evt.family=open and evt.target contains missing.html',
    );
    expect(lines(out)).toEqual(['open /tmp/shop/html/missing.html ENOENT no such file or directory']);
  });

  test('the default line, as many as asked', () => {
    const { out } = sonde('-r', SAMPLE, '-n', '5', 'proc.name=curl');
    expect(lines(out)).toHaveLength(5);
    for (const line of lines(out))
      expect(line).toMatch(/^\d+ \d\d:\d\d:\d\d\.\d{9} \d+ \S+ \(\d+\) [<>] \w+ /);
  });

  test('JSON, a valid object a line', () => {
    const { out } = sonde(
      '-r',
      SAMPLE,
      '-j',
      '-p',
      '*%evt.num %proc.name %evt.failed %fd.name',
      'proc.name=nginx',
    );
    for (const line of lines(out)) {
      const object = JSON.parse(line) as Record<string, unknown>;
      expect(Object.keys(object)).toEqual(['evt.failed', 'evt.num', 'fd.name', 'proc.name']);
      expect(object['proc.name']).toBe('nginx');
      expect(typeof object['evt.failed']).toBe('boolean');
    }
  });

  test('a slice that was written is read back, event for event', () => {
    const slice = join(folder, 'slice.scap');
    const filter = 'proc.name=curl and evt.type in (connect, sendto, recvfrom)';
    expect(sonde('-r', SAMPLE, '--native', '-w', slice, filter).code).toBe(0);
    const format = '%evt.rawtime %thread.tid %evt.type %evt.rawres';
    expect(sonde('-r', slice, '-p', `*${format}`).out).toBe(
      sonde('-r', SAMPLE, '-p', `*${format}`, filter).out,
    );
  });
});

describe('events that nobody asks for pass, and change nothing by it', () => {
  // with -U, all events are looked at
  test.each([
    'evt.type=openat',
    'evt.type!=read and proc.name=python3',
    'evt.type in (memfd_create, chown, socket)',
    'not evt.type=close and evt.dir=<',
    'fd.type=memfd or fd.name contains notes',
    'evt.latency > 20000',
  ])('%s', (filter) => {
    const args = ['-r', CALLS, '-p', '*%evt.num %evt.type %evt.latency %fd.name %evt.args', filter];
    expect(sonde(...args).out).toBe(sonde('-U', 'nobody', ...args).out);
  });
});

describe('slices', () => {
  const filter = 'proc.name=curl and evt.type in (connect, sendto, recvfrom)';
  const format = '*%evt.rawtime %proc.name %evt.type %evt.rawres %fd.name';

  test('-F keeps hidden what the state needs: names and descriptors are as in the whole', () => {
    const slice = join(folder, 'fat.scap');
    expect(sonde('-r', SAMPLE, '--native', '-F', '-w', slice, filter).code).toBe(0);
    const shown = sonde('-r', slice, '-p', format).out;
    expect(shown).toBe(sonde('-r', SAMPLE, '-p', format, filter).out);
    expect(lines(shown).length).toBeGreaterThan(20);
  });

  test('-z compresses, and the result reads the same', () => {
    const [plain, zipped] = [join(folder, 'plain.scap'), join(folder, 'zipped.scap')];
    sonde('-r', SAMPLE, '-w', plain);
    expect(sonde('-r', SAMPLE, '-z', '-w', zipped).code).toBe(0);
    expect(readFileSync(zipped).length).toBeLessThan(readFileSync(plain).length / 2);
    expect(sonde('-r', zipped).out).toBe(sonde('-r', plain).out);
  });

  test.skipIf(!has('sysdig'))('sysdig reads all three (needs sysdig)', () => {
    for (const name of ['fat.scap', 'plain.scap', 'zipped.scap']) {
      const run = spawnSync('sysdig', ['-r', join(folder, name), '-p', '%evt.type'], { encoding: 'utf8' });
      expect(run.status).toBe(0);
      expect(lines(run.stdout).length).toBeGreaterThan(20);
    }
  });
});

describe('wrong input: one clear sentence, and code 1 or 2', () => {
  test('a file that is not there', () => {
    const { code, err } = sonde('-r', join(folder, 'none.scap'));
    expect(code).toBe(1);
    expect(err).toMatch(/^sonde: cannot read .*none\.scap: .*\n$/);
  });

  test('a file that is no capture', () => {
    const { code, err } = sonde('-r', file('text.scap', 'hello, this is no capture\n'));
    expect(code).toBe(1);
    expect(err).toMatch(/is no scap capture/);
    expect(lines(err)).toHaveLength(1);
  });

  test('a capture cut in the middle: all whole events, then where it ends', () => {
    const whole = gunzipSync(readFileSync(SAMPLE));
    const { code, out, err } = sonde('-r', file('cut.scap', whole.subarray(0, whole.length - 1000)));
    expect(code).toBe(1);
    expect(lines(out).length).toBeGreaterThan(3000);
    expect(err).toMatch(/\d/);
    expect(lines(err)).toHaveLength(1);
  });

  test('an unknown field: where, and what was meant', () => {
    const { code, err } = sonde('-r', SAMPLE, 'proc.nmae=curl');
    expect(code).toBe(2);
    expect(err).toBe(
      'sonde: wrong filter: there is no field "proc.nmae"; did you mean proc.name?\n  proc.nmae=curl\n  ^^^^^^^^^\n',
    );
  });

  test('an unknown field in a format', () => {
    const { code, err } = sonde('-r', SAMPLE, '-p', '%evt.nmu');
    expect(code).toBe(2);
    expect(err).toMatch(/did you mean %evt.num/);
  });

  test('an unknown option', () => {
    expect(sonde('-r', SAMPLE, '--nonsense').code).toBe(2);
  });

  test('a place that cannot be written', () => {
    const { code, err } = sonde('-r', SAMPLE, '-w', join(folder, 'no', 'such', 'folder.scap'));
    expect(code).toBe(1);
    expect(err).toMatch(/cannot write/);
  });
});

test('lists of fields, events and views', () => {
  expect(sonde('list', 'fields').out).toMatch(/^evt\.target +What the call is about/m);
  expect(sonde('list', 'events').out).toMatch(/^< openat\(FD fd, FD dirfd, FSRELPATH name/m);
  expect(sonde('list', 'views').out).toMatch(/^containers/m);
  expect(sonde('list', 'nonsense').code).toBe(2);
});
