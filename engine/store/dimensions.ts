// SPDX-License-Identifier: Apache-2.0
// The dimensions of the star: one row for each incarnation of a thread and of a descriptor, and one for each process. A row never
// changes; when a thread becomes another program or a socket learns its peer, the next event gets a new row.

import type { ByteText, RelativeNs } from '../base/units.ts';
import { Fd } from '../state/fd.ts';
import type { Machine } from '../state/machine.ts';
import type { Thread } from '../state/thread.ts';

/** A process over its whole life, through all programs it became. */
export type ProcessRow = {
  /** `PID`, or `PID.START` (ns of its first sight in base 36) if it began during the capture: never used again. */
  readonly key: string;
  readonly pid: number;
  readonly first: RelativeNs;
  last: RelativeNs;
  alive: boolean;
  /** Newest row of its main thread. */
  thread: number;
  /** The main thread as it is now, for what changes too often to make rows of (memory). */
  readonly main: Thread;
};

export class Dimensions {
  readonly threads: Thread[] = [];
  /** By thread row: row of the parent thread as it was then, of the main thread, and of the process. -1 = unknown. */
  readonly parentOf: number[] = [];
  readonly mainOf: number[] = [];
  readonly processOf: number[] = [];
  readonly processes: ProcessRow[] = [];
  readonly fds: Fd[] = [];
  /** By fd row: the number, and the process it was used by. */
  readonly fdNum: number[] = [];
  readonly fdProcess: number[] = [];
  private readonly byKey = new Map<string, number>();

  processByKey(key: string): ProcessRow | undefined {
    const row = this.byKey.get(key);
    return row === undefined ? undefined : this.processes[row];
  }

  /** The thread's row, made anew if it changed. */
  threadRow(machine: Machine, thread: Thread, ts: RelativeNs): number {
    if (thread.row >= 0) return thread.row;
    const row = this.threads.length;
    thread.row = row;
    this.threads.push(thread.identity());
    this.parentOf.push(-1);
    this.mainOf.push(-1);
    this.processOf.push(-1);
    const main = machine.mainThread(thread);
    this.mainOf[row] = main === thread ? row : this.threadRow(machine, main, ts);
    const parent = machine.parent(thread);
    if (parent !== undefined && parent !== thread) this.parentOf[row] = this.threadRow(machine, parent, ts);
    this.processOf[row] = this.processRow(main, main === thread ? row : main.row, ts);
    return row;
  }

  private processRow(main: Thread, mainRow: number, ts: RelativeNs): number {
    if (main.process >= 0) {
      (this.processes[main.process] as ProcessRow).thread = mainRow;
      return main.process;
    }
    const first = main.cloneTime ?? main.firstSeen;
    const began = main.cloneTime !== undefined || main.firstSeen > 0;
    const key = began ? `${main.pid}.${Math.max(0, Math.round(first)).toString(36)}` : String(main.pid);
    const row = this.processes.length;
    main.process = row;
    this.processes.push({ key, pid: main.pid, first, last: ts, alive: true, thread: mainRow, main });
    this.byKey.set(key, row);
    return row;
  }

  /** The descriptor's row, made anew if it changed. */
  fdRow(fd: Fd, num: number, process: number): number {
    if (fd.row >= 0) return fd.row;
    const row = this.fds.length;
    fd.row = row;
    const copy = Fd.copyOf(fd);
    copy.openedBy = fd.openedBy;
    copy.row = row;
    this.fds.push(copy);
    this.fdNum.push(num);
    this.fdProcess.push(process);
    return row;
  }

  /** Name of a process for people: what its main thread is called now. */
  processName(process: number): ByteText {
    const row = this.processes[process];
    return row === undefined ? '' : (this.threads[row.thread] as Thread).comm;
  }
}
