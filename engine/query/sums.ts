// SPDX-License-Identifier: Apache-2.0
// Sums over events by group, in one pass over the columns.

import type { Segment } from '../store/segment.ts';
import { RowFlag } from '../store/segment.ts';

const METRICS = [
  'events',
  'cpuTicks',
  'fileIn',
  'fileOut',
  'netIn',
  'netOut',
  'errors',
  'latencySum',
  'latencyMax',
  'calls',
  'first',
  'last',
] as const;

export type SumName = (typeof METRICS)[number];

/** One typed array a metric, indexed by group; grows with the number of groups. */
export class Sums {
  /** Shown events. */
  events = new Float64Array(64);
  /** CPU time in ticks of 10 ms. */
  cpuTicks = new Float64Array(64);
  /** Bytes. */
  fileIn = new Float64Array(64);
  fileOut = new Float64Array(64);
  netIn = new Float64Array(64);
  netOut = new Float64Array(64);
  /** Failed calls. */
  errors = new Float64Array(64);
  /** Nanoseconds in calls, and the longest one. */
  latencySum = new Float64Array(64);
  latencyMax = new Float64Array(64);
  /** Calls that returned. */
  calls = new Float64Array(64);
  /** Time of the first and last event; first is Infinity where there was none. */
  first = new Float64Array(64).fill(Infinity);
  last = new Float64Array(64).fill(-Infinity);

  /** Makes room for groups up to `count`. */
  grow(count: number): void {
    if (count <= this.events.length) return;
    const size = Math.max(count, this.events.length * 2);
    for (const name of METRICS) {
      const grown = new Float64Array(size);
      if (name === 'first') grown.fill(Infinity);
      if (name === 'last') grown.fill(-Infinity);
      grown.set(this[name]);
      this[name] = grown;
    }
  }

  /** Adds event `i` of a segment to group `g`. */
  add(g: number, segment: Segment, i: number): void {
    const flags = segment.flags[i] as number;
    if ((flags & RowFlag.CPU) !== 0) {
      (this.cpuTicks[g] as number) += segment.result[i] as number;
      return;
    }
    if ((flags & RowFlag.HIDDEN) !== 0) return;
    const ts = segment.ts[i] as number;
    (this.events[g] as number)++;
    if (ts < (this.first[g] as number)) this.first[g] = ts;
    if (ts > (this.last[g] as number)) this.last[g] = ts;
    if ((flags & RowFlag.EXIT) === 0) return;
    (this.calls[g] as number)++;
    const latency = segment.latency[i] as number;
    if (latency > 0) {
      (this.latencySum[g] as number) += latency;
      if (latency > (this.latencyMax[g] as number)) this.latencyMax[g] = latency;
    }
    if ((flags & RowFlag.FAILED) !== 0) {
      (this.errors[g] as number)++;
      return;
    }
    const bytes = segment.result[i] as number;
    if ((flags & RowFlag.READ) !== 0) {
      if ((flags & RowFlag.NET) !== 0) (this.netIn[g] as number) += bytes;
      else if ((flags & RowFlag.FILE) !== 0) (this.fileIn[g] as number) += bytes;
    } else if ((flags & RowFlag.WRITE) !== 0) {
      if ((flags & RowFlag.NET) !== 0) (this.netOut[g] as number) += bytes;
      else if ((flags & RowFlag.FILE) !== 0) (this.fileOut[g] as number) += bytes;
    }
  }
}
