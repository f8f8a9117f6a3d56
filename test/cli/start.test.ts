// SPDX-License-Identifier: Apache-2.0
// What `npm start` runs after the set-up, without a terminal: the map; without privileges: the sample, and why.

import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { ROOT, SAMPLE, SONDE, sonde, start, waitFor } from '../support/sonde.ts';

test('a capture: the map alone, at a printed address', async () => {
  const run = await start(['start', '-r', SAMPLE], /The map is at http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/);
  const url = /http:\S+/.exec(run.out())?.[0] ?? '';
  const page = await fetch(url);
  expect(page.status).toBe(200);
  expect(await page.text()).toMatch(/<canvas\s+id="map"/);
  expect(await run.stop()).toBe(0);
});

test.skipIf(process.getuid?.() !== 0)(
  'without privileges: says which are missing and how to get them, and opens the sample (needs root, to drop it)',
  async () => {
    const child = spawn(process.execPath, [SONDE, 'start'], {
      cwd: ROOT,
      uid: 65534,
      gid: 65534,
      env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
    });
    let text = '';
    const take = (part: Buffer): void => void (text += part.toString());
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    try {
      await waitFor(
        () => /The map is at/.test(text),
        15_000,
        () => text,
      );
      expect(text).toContain('live capture is not possible: it needs root, or CAP_BPF and CAP_PERFMON');
      expect(text).toContain('sudo sonde');
      expect(text).toContain('Opening the sample capture instead');
    } finally {
      child.kill();
    }
  },
);

test('a busy port: one sentence, code 1', async () => {
  const run = await start(['web', '-r', SAMPLE], /127\.0\.0\.1:(\d+)/);
  const port = /127\.0\.0\.1:(\d+)/.exec(run.out())?.[1] ?? '';
  const second = sonde('web', '-r', SAMPLE, '--port', port);
  expect(second.code).toBe(1);
  expect(second.err).toBe(
    `sonde: the map cannot be served on 127.0.0.1: port ${port} is in use: choose another with --port\n`,
  );
  await run.stop();
});

test('sonde top without a terminal: one sentence, code 2', () => {
  const { code, err } = sonde('top', '-r', SAMPLE);
  expect(code).toBe(2);
  expect(err).toBe('sonde: sonde top needs a terminal; without one there is the map: sonde web\n');
});
