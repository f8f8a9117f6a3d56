// SPDX-License-Identifier: Apache-2.0
// Hundreds of generated command lines on a capture that sonde recorded: Debian's sysdig and sonde print the same.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CALLS, has, ROOT, sonde } from '../support/sonde.ts';
import { generate, type Case } from './cases.ts';

// What 0.29.3 has no event for, it shows as a name or as unknown; what such calls make, it does not know.
const UNKNOWN_THERE =
  'not evt.type in (rseq, memfd_create, statx, preadv2, epoll_create1) and not fd.type in (eventpoll, memfd)';

type Output = { readonly failed: boolean; readonly out: string };

function output(program: string, args: readonly string[]): Promise<Output> {
  const options = { encoding: 'latin1', maxBuffer: 1 << 28, env: { ...process.env, TZ: 'UTC' } } as const;
  return new Promise((resolve) => {
    execFile(program, [...args], options, (error, out) => resolve({ failed: error !== null, out }));
  });
}

/** Fields as `sysdig -l` lists them. */
function peerFields(): string[] {
  const { stdout } = spawnSync('sysdig', ['-l'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return [
    ...new Set([...stdout.matchAll(/^([a-z0-9]+\.[a-z0-9_.]+)\s/gm)].map((match) => match[1] as string)),
  ];
}

const GROUPS = 16;

describe.skipIf(!has('sysdig'))('generated command lines (needs sysdig 0.29.3)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-peer-'));
  const capture = join(folder, 'calls.scap');
  const cases = has('sysdig') ? generate(peerFields()) : [];
  beforeAll(() => {
    expect(sonde('-r', CALLS, '-w', capture, UNKNOWN_THERE).code).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('there are more than 500', () => expect(cases.length).toBeGreaterThan(500));

  for (let group = 0; group < GROUPS; group++) {
    const part = cases.filter((_, i) => i % GROUPS === group);
    test(`${part.length} print the same, group ${group + 1}`, { timeout: 120_000 }, async () => {
      const different: Case[] = [];
      for (const args of part) {
        const [wanted, got] = await Promise.all([
          output('sysdig', ['-r', capture, ...args]),
          output(`${ROOT}bin/sonde`, ['-r', capture, ...args]),
        ]);
        const same = wanted.failed === got.failed && (wanted.failed || wanted.out === got.out);
        if (!same) different.push(args);
      }
      expect(different).toEqual([]);
    });
  }
});
