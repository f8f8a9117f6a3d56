// SPDX-License-Identifier: Apache-2.0
// The event store: everything that was seen, as a star. Facts: one row an event in columns (segment.ts), failed calls
// (failures.ts), transactions (protocol/). Dimensions: threads, descriptors, processes (dimensions.ts).
//
//   machine at an event ──▶ append() ──▶ row in the newest segment, bytes beside it
//                                  └──▶ failure fact, if the call failed
//
// When the memory budget is reached, the oldest segments leave; how much left is counted, and answers say "at least".

import type { DurationNs, RelativeNs } from '../base/units.ts';
import { ERRNO_NAMES } from '../event/enums.ts';
import { EVENT_TYPES, EventFlag } from '../event/schema.ts';
import { STATE_ONLY, type EventCursor } from '../event/cursor.ts';
import { FIRST_NAMED, genericSyscall } from '../event/generic.ts';
import { syscallName } from '../event/syscalls.ts';
import type { Machine } from '../state/machine.ts';
import { targetOf } from '../state/target.ts';
import { Dimensions } from './dimensions.ts';
import { Failures } from './failures.ts';
import { RowFlag, Segment, SEGMENT_EVENTS, type EventRow } from './segment.ts';

const PROCINFO = 234;
const PROCEXIT = 186;

const staticFlags = EVENT_TYPES.map((type) => {
  let flags = type.isExit ? RowFlag.EXIT : 0;
  if (type.category === 'INTERNAL') flags |= RowFlag.HIDDEN;
  if (type.code === PROCINFO) flags |= RowFlag.CPU;
  if (type.isExit && type.params[0]?.name === 'res') {
    if ((type.flags & EventFlag.WRITES_TO_FD) !== 0) flags |= RowFlag.WRITE;
    else if ((type.flags & EventFlag.READS_FROM_FD) !== 0) flags |= RowFlag.READ;
  }
  return flags;
});

/** evt.type of any event: generic ones are called by their syscall. */
export function eventName(evt: EventCursor): string {
  if (evt.code >= FIRST_NAMED) return EVENT_TYPES[evt.code]?.name ?? '';
  return syscallName(genericSyscall(evt)) ?? 'unknown';
}

export class EventStore {
  readonly dims = new Dimensions();
  readonly failures = new Failures();
  segments: Segment[] = [];
  /** Shown events so far, those that left included. */
  events = 0;
  /** Events that left because of the budget. */
  evicted = 0;
  failed = 0;
  lastTs: RelativeNs = 0;
  private readonly budget: number;
  private readonly row: EventRow = {
    ts: 0,
    code: 0,
    cpu: 0,
    flags: 0,
    thread: -1,
    fd: -1,
    result: 0,
    latency: -1,
  };

  /** @param budgetBytes memory for events; Infinity keeps all */
  constructor(budgetBytes = Infinity) {
    this.budget = budgetBytes;
  }

  /** Stores the machine's current event. The returned row is valid until the next call. */
  append(machine: Machine, isHidden = false): Readonly<EventRow> {
    const { evt, thread } = machine;
    const row = this.row;
    let flags = staticFlags[evt.code] as number;
    if (isHidden || (evt.dumpFlags & STATE_ONLY) !== 0) flags |= RowFlag.HIDDEN;
    row.ts = evt.ts;
    row.code = evt.code;
    row.cpu = evt.cpu;
    row.result = machine.result;
    row.latency = machine.callLatency;
    row.thread = -1;
    row.fd = -1;
    if (thread !== undefined) {
      row.thread = this.dims.threadRow(machine, thread, evt.ts);
      const process = this.dims.processes[this.dims.processOf[row.thread] as number];
      if (process !== undefined) {
        process.last = evt.ts;
        if (evt.code === PROCEXIT && thread === process.main) process.alive = false;
      }
      const fd = machine.fd;
      if (fd !== undefined) {
        row.fd = this.dims.fdRow(fd, machine.fdNum, this.dims.processOf[row.thread] as number);
        if (fd.isFile) flags |= RowFlag.FILE;
        else if (fd.isInet || fd.isSocket) flags |= RowFlag.NET;
      }
      if ((flags & RowFlag.CPU) !== 0) row.result = thread.cpuUserDelta + thread.cpuSystemDelta;
    }
    if ((flags & RowFlag.EXIT) !== 0 && isErrno(machine.result)) flags |= RowFlag.FAILED;
    row.flags = flags;
    const segment = this.openSegment(evt.num);
    segment.append(row, evt.bytes, evt.start, evt.end);
    if (evt.ts > this.lastTs) this.lastTs = evt.ts;
    if ((flags & RowFlag.HIDDEN) === 0) this.events++;
    if ((flags & (RowFlag.FAILED | RowFlag.HIDDEN)) === RowFlag.FAILED && row.thread >= 0)
      this.addFailure(machine, row.thread);
    return row;
  }

  private addFailure(machine: Machine, thread: number): void {
    const { evt } = machine;
    this.failed++;
    const syscall = eventName(evt);
    this.failures.add(
      { errno: -machine.result, syscall, target: targetOf(machine) },
      evt.num,
      thread,
      evt.ts,
    );
  }

  private openSegment(num: number): Segment {
    const last = this.segments.at(-1);
    if (last !== undefined && !last.isFull) return last;
    last?.seal();
    this.evict();
    const segment = new Segment(num);
    this.segments.push(segment);
    return segment;
  }

  private evict(): void {
    let size = this.segments.reduce((sum, segment) => sum + segment.size, 0) + SEGMENT_EVENTS * 105;
    while (size > this.budget && this.segments.length > 1) {
      const oldest = this.segments.shift() as Segment;
      size -= oldest.size;
      this.evicted += oldest.length;
      this.failures.evictBefore((this.segments[0] as Segment).firstNum);
    }
  }

  /** Segment and index of an event by its number; undefined if it left or never was. */
  find(num: number): { readonly segment: Segment; readonly index: number } | undefined {
    let low = 0;
    let high = this.segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const segment = this.segments[middle] as Segment;
      if (num < segment.firstNum) high = middle - 1;
      else if (num >= segment.firstNum + segment.length) low = middle + 1;
      else return { segment, index: num - segment.firstNum };
    }
    return undefined;
  }

  /** Time that the stored events span. */
  get span(): DurationNs {
    const first = this.segments[0];
    return first === undefined ? 0 : this.lastTs - first.minTs;
  }
}

/** Results from -1 to -4095 are errors; anything lower is an address. */
function isErrno(result: number): boolean {
  return result < 0 && result > -4096;
}

/** ENOENT for 2; the number for what has no name. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}
