// SPDX-License-Identifier: Apache-2.0
// The EventContext of a stored event: fields, filters and printers read it as if the stream had just got there.

import type { ByteText, DurationNs } from '../base/units.ts';
import { EventCursor } from '../event/cursor.ts';
import type { Container } from '../state/container.ts';
import type { EventContext, Group, User } from '../state/context.ts';
import type { Fd } from '../state/fd.ts';
import type { Machine } from '../state/machine.ts';
import type { Thread } from '../state/thread.ts';
import type { Segment } from './segment.ts';
import type { EventStore } from './store.ts';

const NO_FDS: ReadonlyMap<number, Fd> = new Map();

export class StoredContext implements EventContext {
  readonly evt = new EventCursor();
  thread: Thread | undefined = undefined;
  fd: Fd | undefined = undefined;
  fdNum = -1;
  latency: DurationNs | undefined = undefined;
  readonly enter = undefined;
  readonly inPairs = false;
  readonly nameChanged = false;
  readonly tracer = undefined;
  readonly spans = undefined;
  private loaded: Uint8Array | undefined = undefined;
  private readonly store: EventStore;
  private readonly machine: Machine;

  constructor(store: EventStore, machine: Machine) {
    this.store = store;
    this.machine = machine;
    this.evt.setBase(machine.evt.base);
  }

  /** Makes an event the current one. */
  moveTo(segment: Segment, index: number): void {
    if (this.loaded !== segment.bytes) {
      this.evt.load(segment.bytes);
      this.evt.setBase(this.machine.evt.base);
      this.loaded = segment.bytes;
    }
    this.evt.seek(segment.offset[index] as number);
    this.evt.num = segment.firstNum + index;
    const { dims } = this.store;
    const threadRow = segment.thread[index] as number;
    this.thread = threadRow < 0 ? undefined : dims.threads[threadRow];
    const fdRow = segment.fd[index] as number;
    this.fd = fdRow < 0 ? undefined : dims.fds[fdRow];
    this.fdNum = fdRow < 0 ? -1 : (dims.fdNum[fdRow] as number);
    const latency = segment.latency[index] as number;
    this.latency = this.thread === undefined ? undefined : Math.max(0, latency);
  }

  get hostname(): ByteText {
    return this.machine.hostname;
  }

  threadByTid(tid: number): Thread | undefined {
    return this.thread?.tid === tid ? this.thread : this.machine.threadByTid(tid);
  }

  mainThread(thread: Thread): Thread {
    return this.related(thread, this.store.dims.mainOf) ?? thread;
  }

  parent(thread: Thread): Thread | undefined {
    return this.related(thread, this.store.dims.parentOf);
  }

  // Dimension rows lead to other dimension rows: as things were then, not as they are now.
  private related(thread: Thread, column: readonly number[]): Thread | undefined {
    const { dims } = this.store;
    const other = column[thread.row] ?? -1;
    return other < 0 ? undefined : dims.threads[other];
  }

  fdTable(): ReadonlyMap<number, Fd> {
    return this.fd === undefined ? NO_FDS : new Map([[this.fdNum, this.fd]]);
  }

  container(id: ByteText): Container | undefined {
    return this.machine.container(id);
  }

  user(uid: number): User | undefined {
    return this.machine.user(uid);
  }

  group(gid: number): Group | undefined {
    return this.machine.group(gid);
  }

  isLocalAddress(ip: Uint8Array, thread: Thread | undefined): boolean {
    return this.machine.isLocalAddress(ip, thread);
  }
}
