// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../collector/binding.ts';
import { EventCursor } from '../../engine/event/cursor.ts';
import { checkLive } from '../../collector/live/support.ts';
import { ROOT } from '../support/sonde.ts';

test.skipIf(!existsSync(`${ROOT}dist/engine/event/schema.js`))(
  'events.gen.h is what the event table makes of it',
  () => {
    const run = spawnSync(process.execPath, [`${ROOT}scripts/generate-events-header.mjs`, '--check'], {
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  },
);

const support = checkLive();

describe.skipIf(!support.ok)(`the addon${support.ok ? '' : ` (${support.reason})`}`, () => {
  const open = () => {
    const addon = loadAddon();
    if (addon === undefined) throw new Error('no addon');
    return new addon.Capture({ snaplen: 80, ringBytes: 1 << 20 });
  };
  const batch = new Uint8Array(1 << 20);

  test('the verifier takes all programs; how many instructions is known', () => {
    const capture = open();
    const { instructions } = capture.stats();
    capture.close();
    expect(instructions).toBeGreaterThan(1000);
    expect(instructions).toBeLessThan(100_000);
  });

  test('what cannot be done is said: start twice, a batch too small, use after close', () => {
    const capture = open();
    capture.start();
    expect(() => capture.start()).toThrow('started before');
    expect(() => capture.drain(new Uint8Array(100))).toThrow('smaller than one event');
    expect(() => capture.drain([] as unknown as Uint8Array)).toThrow('wants a Uint8Array');
    capture.close();
    expect(() => capture.drain(batch)).toThrow('closed');
    expect(() => capture.stats()).toThrow('closed');
    capture.close();
  });

  test('its own process is never traced', async () => {
    const capture = open();
    capture.start();
    for (let i = 0; i < 100; i++) existsSync(`/nowhere/${i}`);
    spawnSync('true');
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    const cursor = new EventCursor();
    cursor.load(batch.subarray(0, capture.drain(batch)));
    capture.close();
    const own = new Set(readdirSync('/proc/self/task').map(Number));
    let others = 0;
    while (cursor.next()) {
      expect(own.has(cursor.tid)).toBe(false);
      others++;
    }
    expect(others).toBeGreaterThan(10);
  });

  test('two at once do not disturb each other', async () => {
    const [one, two] = [open(), open()];
    one.start();
    two.start();
    spawnSync('true');
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(one.drain(batch)).toBeGreaterThan(0);
    expect(two.drain(batch)).toBeGreaterThan(0);
    one.close();
    two.close();
  });
});
