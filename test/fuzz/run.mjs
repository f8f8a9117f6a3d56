// SPDX-License-Identifier: Apache-2.0
// Fuzzing at length: node test/fuzz/run.mjs [INPUTS] [SEED] [CAPTURE…]

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [inputs = '1000000', seed = '1', ...captures] = process.argv.slice(2);
const bundle = here('../../dist/fuzz.mjs');
await build({
  entryPoints: [here('fuzz.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: bundle,
  logLevel: 'error',
});
const { Fuzzer, Unexpected } = await import(bundle);
const fixtures = ['sample.scap.gz', 'calls.scap.gz'].map((name) => here(`../fixtures/captures/${name}`));
const fuzzer = new Fuzzer(Number(seed), [...fixtures, ...captures]);
const started = performance.now();
let slowest = 0;
try {
  while (fuzzer.inputs < Number(inputs)) {
    const before = performance.now();
    await fuzzer.capture();
    slowest = Math.max(slowest, performance.now() - before);
    if (fuzzer.inputs % 20 === 0) fuzzer.filter();
    if (fuzzer.inputs % 500_000 === 0) report();
  }
  report();
} catch (error) {
  if (!(error instanceof Unexpected)) throw error;
  writeFileSync('fuzz-input.bin', error.input);
  console.error(`after ${fuzzer.inputs} inputs (kept in fuzz-input.bin):`, error.cause);
  process.exit(1);
}

function report() {
  const seconds = (performance.now() - started) / 1000;
  const memory = process.memoryUsage.rss() / 1e6;
  console.log(
    `${fuzzer.inputs} inputs, ${fuzzer.events} events, ${fuzzer.errors} coded errors, ${fuzzer.filters} filters, ${seconds.toFixed(0)} s, slowest ${slowest.toFixed(0)} ms, ${memory.toFixed(0)} MB`,
  );
}
