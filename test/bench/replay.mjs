// SPDX-License-Identifier: Apache-2.0
// How fast a capture is read, beside sysdig where it is installed: whole processes, taking turns, medians and their ratios.
//
//   node test/bench/replay.mjs [CAPTURE] [EVENTS] [ROUNDS]
//
// CAPTURE (the calls of test/fixtures by default) is repeated, its times shifted, until it has EVENTS events (5 million by default).

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileSource } from '../../dist/collector/capture/file-source.js';
import { encodeSection } from '../../dist/collector/recorder.js';
import { EventCursor } from '../../dist/engine/event/cursor.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [capture = here('../fixtures/captures/calls.scap.gz'), wanted = '5000000', rounds = '7'] =
  process.argv.slice(2);

/** Writes the capture's blocks again and again, each time later. */
async function repeat(path, to, events) {
  const source = await FileSource.open(path);
  const out = openSync(to, 'w');
  const parts = [];
  for (let item = await source.next(); item !== undefined; item = await source.next()) {
    if (item.kind === 'snapshot') writeSync(out, encodeSection(item.snapshot));
    if (item.kind === 'events') parts.push(Buffer.from(item.bytes));
  }
  const blocks = Buffer.concat(parts);
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  const cursor = new EventCursor();
  const times = [];
  cursor.load(blocks);
  while (cursor.next()) times.push(blocks.indexOf(bigBytes(cursor.epochNs), cursor.start));
  const stamps = times.map((at) => view.getBigUint64(at, true));
  const first = stamps.find((ts) => ts > 0n);
  const span = stamps.reduce((max, ts) => (ts > max ? ts : max)) - first + 1000n;
  let written = 0;
  for (let round = 0n; written < events; round++) {
    times.forEach((at, i) => stamps[i] > 0n && view.setBigUint64(at, stamps[i] + round * span, true));
    writeSync(out, blocks);
    written += times.length;
  }
  closeSync(out);
  await source.close();
  return written;
}

function bigBytes(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(number);
  return bytes;
}

function seconds(program, args) {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${String(stderr)}`);
  return (performance.now() - start) / 1000;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

const folder = mkdtempSync(join(tmpdir(), 'sonde-bench-'));
try {
  const big = join(folder, 'big.scap');
  const events = await repeat(capture, big, Number(wanted));
  const hasPeer = spawnSync('sysdig', ['--version']).status === 0;
  console.log(
    `${(events / 1e6).toFixed(1)} M events, ${rounds} rounds${hasPeer ? '' : '; no sysdig here to compare with'}`,
  );
  const cases = {
    'filter evt.type=open': ['evt.type=open and evt.failed=true'],
    'filter proc.name': ['proc.name=nothing'],
    'filter fd.name': ['fd.name contains nothing'],
    text: [],
  };
  for (const [name, filter] of Object.entries(cases)) {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < Number(rounds); round++) {
      ours.push(seconds(here('../../bin/sonde'), ['-r', big, ...filter]));
      if (hasPeer) theirs.push(seconds('sysdig', ['-r', big, ...filter]));
    }
    const ratio = ours.map((time, i) => theirs[i] / time);
    const peer = hasPeer
      ? `, sysdig ${median(theirs).toFixed(2)} s, sonde is ${median(ratio).toFixed(2)}x as fast`
      : '';
    console.log(`${name.padEnd(22)} sonde ${median(ours).toFixed(2)} s${peer}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
