// SPDX-License-Identifier: Apache-2.0
// This machine, live, as a source of events.
//
//   probe on ▶ containers, snapshot ▶ batches from the rings, and in between what is made here: CPU samples, containers
//
// The probe starts before the snapshot is taken, so that no thread is born unseen between the two.

import { hostname } from 'node:os';
import { CollectorError } from '../../engine/base/errors.ts';
import { toByteText } from '../../engine/base/text.ts';
import type { EventSource, SourceItem, SourceStats } from '../../engine/event/source.ts';
import { loadAddon, type Capture, type CaptureFailure } from '../binding.ts';
import { ContainerWatch } from '../containers/watch.ts';
import { CpuSamples } from './cpu-samples.ts';
import { takeSnapshot } from './snapshot.ts';
import { checkLive } from './support.ts';

export type LiveOptions = {
  /** Bytes of each I/O buffer to capture. */
  readonly snaplen?: number;
  /** Bytes of all ring buffers together. */
  readonly ringBytes?: number;
};

/** Enough for the heads of most HTTP messages. */
const SNAPLEN = 4096;
const RING_BYTES = 64 << 20;
const BATCH = 4 << 20;
const SAMPLE_MS = 1000;
/** Sleep between looks while nothing comes: grows from the first to the last. */
const SLEEP_MS = [1, 50] as const;

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

class LiveSource implements EventSource {
  readonly kind = 'live' as const;
  readonly name = toByteText(hostname());
  private readonly capture: Capture;
  private readonly containers = new ContainerWatch();
  private readonly samples = new CpuSamples(process.pid);
  private readonly batch = new Uint8Array(BATCH);
  private started = false;
  private closed = false;
  private sampledAt = 0;
  private pause: number = SLEEP_MS[0];
  private lastCpu = process.cpuUsage();
  private lastCpuAt = performance.now();

  constructor(capture: Capture) {
    this.capture = capture;
  }

  async next(): Promise<SourceItem | undefined> {
    if (this.closed) return undefined;
    if (!this.started) {
      this.started = true;
      await this.containers.start();
      return { kind: 'snapshot', snapshot: takeSnapshot(process.pid) };
    }
    const container = this.containers.take();
    if (container !== undefined) return { kind: 'events', bytes: container };
    const size = this.capture.drain(this.batch);
    if (size > 0) {
      this.pause = SLEEP_MS[0];
      const bytes = this.batch.subarray(0, size);
      this.containers.look(bytes);
      return { kind: 'events', bytes };
    }
    const now = performance.now();
    if (now - this.sampledAt >= SAMPLE_MS) {
      this.sampledAt = now;
      const bytes = this.samples.take();
      if (bytes.length > 0) return { kind: 'events', bytes };
    }
    await sleep(this.pause);
    this.pause = Math.min(this.pause * 2, SLEEP_MS[1]);
    return { kind: 'idle' };
  }

  stats(): SourceStats {
    if (this.closed) return { events: 0, drops: {} };
    const { events, ringFull, tooBig, noMemory, compat } = this.capture.stats();
    const causes = {
      'ring full': ringFull,
      'too big': tooBig,
      'no memory': noMemory,
      '32-bit calls': compat,
    };
    return {
      events,
      drops: Object.fromEntries(Object.entries(causes).filter(([, count]) => count > 0)),
      cpu: this.ownCpu(),
    };
  }

  private ownCpu(): number {
    const usage = process.cpuUsage(this.lastCpu);
    const now = performance.now();
    const share = (usage.user + usage.system) / 1000 / Math.max(1, now - this.lastCpuAt);
    this.lastCpu = process.cpuUsage();
    this.lastCpuAt = now;
    return share;
  }

  close(): Promise<void> {
    if (!this.closed) this.capture.close();
    this.closed = true;
    return Promise.resolve();
  }
}

/**
 * Starts to capture this machine.
 *
 * @throws CollectorError `no-live` with what is missing and how to get it
 */
export function openLive(options: LiveOptions = {}): Promise<EventSource> {
  const support = checkLive();
  if (!support.ok)
    throw new CollectorError('no-live', `live capture is not possible: ${support.reason}\n${support.remedy}`);
  const addon = loadAddon();
  if (addon === undefined)
    throw new CollectorError('no-live', 'the native part is not built: npm run install');
  try {
    const capture = new addon.Capture({
      snaplen: options.snaplen ?? SNAPLEN,
      ringBytes: options.ringBytes ?? RING_BYTES,
    });
    capture.start();
    return Promise.resolve(new LiveSource(capture));
  } catch (error: unknown) {
    const failure = error as CaptureFailure;
    const log = failure.log === undefined || failure.log === '' ? '' : `\n${failure.log.trim()}`;
    throw new CollectorError('no-live', `${failure.message}${log}`, failure.errno ?? 0);
  }
}
