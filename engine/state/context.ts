// SPDX-License-Identifier: Apache-2.0
// What there is to know at one event: the event itself, and the state around it at that moment. Fields, filters, printers and
// protocol parsers read this and nothing else. While a stream is read, Machine is the context; over stored events, the store
// sets one up from its dimension rows. Both look the same.

import type { ByteText, DurationNs } from '../base/units.ts';
import type { EventCursor } from '../event/cursor.ts';
import type { Container } from './container.ts';
import type { Fd } from './fd.ts';
import type { Spans, TracerEvent } from './spans.ts';
import type { Thread } from './thread.ts';

export type User = {
  readonly uid: number;
  readonly gid: number;
  readonly name: ByteText;
  readonly home: ByteText;
  readonly shell: ByteText;
};

export type Group = { readonly gid: number; readonly name: ByteText };

export interface EventContext {
  readonly evt: EventCursor;
  /** Thread of the event; undefined where it has none, or none that is known (clone exits, switch). */
  readonly thread: Thread | undefined;
  /** Descriptor that the call is about (or just created); undefined if it has none or it is unknown. */
  readonly fd: Fd | undefined;
  /** Its number, as far as told; -1 if none. */
  readonly fdNum: number;
  /** Time in the call: 0 on enters; on exits from enter to exit; tracepoints in between show the thread's last one. Undefined without a thread. */
  readonly latency: DurationNs | undefined;
  /** The enter event of this exit, if it was kept (its params are then authoritative for paths and flags). */
  readonly enter: EventCursor | undefined;

  /** The calls of this stream come as pairs of enter and exit; otherwise exits have it all. */
  readonly inPairs: boolean;
  /** The call gave the descriptor its name, or another one. */
  readonly nameChanged: boolean;

  /** The span that this event begins or ends, where it is a write to /dev/null that says so. */
  readonly tracer: TracerEvent | undefined;
  /** All spans that are open; undefined where they are not followed. */
  readonly spans: Spans | undefined;

  /** Name of the machine. */
  readonly hostname: ByteText;

  /** By tid, as known at this event. */
  threadByTid(tid: number): Thread | undefined;
  /** Leader of the thread's group; the thread itself if the leader is unknown. */
  mainThread(thread: Thread): Thread;
  /** The thread with the tid that the thread names as parent; undefined at the end of what is known. */
  parent(thread: Thread): Thread | undefined;
  /** Descriptor table that the thread uses. */
  fdTable(thread: Thread): ReadonlyMap<number, Fd>;
  container(id: ByteText): Container | undefined;
  user(uid: number): User | undefined;
  group(gid: number): Group | undefined;
  /** Whether an address (4 or 16 bytes) belongs to this machine or the thread's container. */
  isLocalAddress(ip: Uint8Array, thread: Thread | undefined): boolean;
}
