// SPDX-License-Identifier: Apache-2.0
// The same command line on Debian's sysdig and on sonde: the same lines, to the byte.

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { has, sonde } from '../support/sonde.ts';
import { sharedCapture } from '../support/shared.ts';

const CASES: readonly (readonly [capture: string, args: readonly string[]])[] = [
  ['502Error.scap', ['-n', '200']],
  ['curl_google.scap', []],
  ['502Error.scap', ['-pc', '-n', '3000']],
  ['502Error.scap', ['-t', 'd', '-n', '3000']],
  ['502Error.scap', ['-X', 'evt.is_io=true and fd.sport=80']],
  ['502Error.scap', ['-j', '-n', '1000']],
  ['502Error.scap', ['evt.failed=true and not proc.name in (haproxy, python)']],
  ['502Error.scap', ['-p', '*%12proc.name %fd.name %evt.latency', 'fd.name pmatch (/etc, /lib)']],
];

describe.skipIf(!has('sysdig'))('sysdig prints the same (needs sysdig 0.29.3)', () => {
  for (const [capture, args] of CASES) {
    const path = sharedCapture(capture) ?? '';
    test.skipIf(path === '')(`${capture} ${args.join(' ')}`, () => {
      const wanted = spawnSync('sysdig', ['-r', path, ...args], {
        encoding: 'latin1',
        maxBuffer: 1 << 28,
        env: { ...process.env, TZ: 'UTC' },
      });
      expect(wanted.status).toBe(0);
      expect(wanted.stdout.length).toBeGreaterThan(1000);
      const got = sonde('-r', path, ...args);
      expect(got.code).toBe(0);
      // compared as lines, so that a difference is readable
      expect(got.out.split('\n')).toEqual(wanted.stdout.split('\n'));
    });
  }
});
