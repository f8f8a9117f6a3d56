// SPDX-License-Identifier: Apache-2.0
// A bounded time of fuzzing, another seed each day; `node test/fuzz/run.mjs 10000000` does it at length.

import { expect, test } from 'vitest';
import { CALLS, SAMPLE } from '../support/sonde.ts';
import { Fuzzer } from './fuzz.ts';

const SECONDS = 8;

test('damaged captures and random filters are events or coded errors', { timeout: 60_000 }, async () => {
  const fuzzer = new Fuzzer(Math.floor(Date.now() / 86_400_000), [SAMPLE, CALLS]);
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end) {
    for (let k = 0; k < 200; k++) await fuzzer.capture();
    for (let k = 0; k < 20; k++) fuzzer.filter();
  }
  expect(fuzzer.inputs).toBeGreaterThan(1000);
  expect(fuzzer.events).toBeGreaterThan(fuzzer.inputs);
  // both ends of what can be are seen
  expect(fuzzer.errors).toBeGreaterThan(fuzzer.inputs / 100);
  expect(fuzzer.errors).toBeLessThan(fuzzer.inputs);
});
