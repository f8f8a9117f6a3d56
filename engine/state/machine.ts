// SPDX-License-Identifier: Apache-2.0
// The traced machine: threads, descriptors, users and containers, brought up to date by one event after the other. At each
// event it is the EventContext that fields, printers and parsers read.
//
//   apply(event):  what the last event postponed ▶ reset (thread, fd, latency) ▶ handler of the event's family (apply/*.ts)
//
// Captures of two kinds come through here: enter and exit pairs (sysdig until 2024, and what sonde records), where the fd and
// the path of a call stand in its enter; and exits alone (sonde live, current libraries), where the exit has it all.
// Facts: the state description of the format, sections 1 to 7. Nothing in a stream is ever an error here: lost halves, reused
// tids and unknown threads are normal.

import type { ByteText, DurationNs, EpochNs, RelativeNs } from '../base/units.ts';
import { EventCursor, headerOffset, SMALLEST_BLOCK } from '../event/cursor.ts';
import { FIRST_NAMED, GENERIC_EXIT } from '../event/generic.ts';
import { EVENT_TYPE_COUNT, EVENT_TYPES, EventFlag } from '../event/schema.ts';
import type { Snapshot } from '../event/source.ts';
import { applyFile } from './apply/file.ts';
import { applyMeta } from './apply/meta.ts';
import { applyProcess, countCpu, countMemory } from './apply/process.ts';
import { applySocket } from './apply/socket.ts';
import type { Container } from './container.ts';
import type { EventContext, Group, User } from './context.ts';
import type { Fd } from './fd.ts';
import { loadSnapshot } from './load.ts';
import { Spans, type TracerEvent } from './spans.ts';
import { isZero, sameIp } from './tuple.ts';
import { ThreadFlag, unknownThread, type Thread } from './thread.ts';

/** Changes the machine by one event of the kind it is registered for. */
export type Handler = (machine: Machine) => void;

/** Handlers by `name<` (exits) and `name>` (enters). */
export type HandlerTable = Readonly<Record<string, Handler>>;

/** An own address with its netmask. */
export type Interface = {
  readonly name: ByteText;
  readonly address: Uint8Array;
  readonly netmask: Uint8Array;
};

/** Where a closed descriptor is parked when its number was given out again before the close returned. */
const PARKED_FD = -2;

/** Enters that are copied for their exit: the exit lacks what they hold, or they hold it more reliably. */
const STORED_ENTERS = new Set(
  'open creat openat openat2 sendto sendmsg socket eventfd chdir fchdir shutdown getrlimit setrlimit prlimit sendfile setresuid setresgid setuid setgid execve execveat setpgid connect fcntl'.split(
    ' ',
  ),
);
const STORED_ENTER_LIMIT = 4096;

// What the reset does with an event, by code.
const PROCINFO = 234;
const NO_THREAD = 1;
const LOOK_ONLY = 2;
const resetKind = EVENT_TYPES.map((type) => {
  const flags = type.classic?.flags ?? type.flags;
  if (type.code === PROCINFO) return LOOK_ONLY;
  if ((flags & EventFlag.SKIPPARSERESET) !== 0) return NO_THREAD;
  return type.source === 'METAEVENT' || type.source === 'PLUGIN' ? NO_THREAD : 0;
});
const usesFd = EVENT_TYPES.map((type) => ((type.classic?.flags ?? type.flags) & EventFlag.USES_FD) !== 0);
const enterFdParam = EVENT_TYPES.map((type) => {
  const index = type.params.findIndex((param) => param.type === 'FD');
  return index < 0 ? 0 : index;
});
const isCloneExit = EVENT_TYPES.map((type) => type.isExit && /^(clone3?|v?fork)$/.test(type.name));
// Current captures have enters of these alone, because their exits cannot be trusted with the path or address.
const LONE_ENTERS = new Set('open creat openat openat2 connect execve execveat'.split(' '));
/** Enters that come only where all calls come in pairs, by code. */
export const makesPairs = Uint8Array.from(EVENT_TYPES, (type) =>
  !type.isExit && type.source === 'SYSCALL' && !LONE_ENTERS.has(type.name) ? 1 : 0,
);
const isSwitch = EVENT_TYPES.map((type) => type.name === 'switch');
const isCopyFileRange = EVENT_TYPES.map((type) => type.isExit && type.name === 'copy_file_range');
const storesEnter = EVENT_TYPES.map((type) => !type.isExit && STORED_ENTERS.has(type.name));
const isFcntlEnter = EVENT_TYPES.map((type) => !type.isExit && type.name === 'fcntl');
/** Commands of fcntl that make a descriptor: F_DUPFD, F_DUPFD_CLOEXEC. */
const DUPLICATES = new Set([1, 26]);
/** Events that 0.29.3 looks at whatever the filter says, by code. */
const changesState = Uint8Array.from(EVENT_TYPES, (type) =>
  ((type.classic?.flags ?? type.flags) & EventFlag.MODIFIES_STATE) !== 0 ? 1 : 0,
);
/** Events that, where they are rejected, make 0.29.3 forget the call in progress, by code. */
const endsCall = Uint8Array.from(EVENT_TYPES, ({ code }) =>
  changesState[code] !== 1 && resetKind[code] === 0 && isSwitch[code] !== true ? 1 : 0,
);
const hasResult = EVENT_TYPES.map(
  (type) => type.isExit && (type.params[0]?.name === 'res' || type.params[0]?.name === 'fd'),
);
const WRITE_EXIT = 9;

// A write whose data may be a tracer.
function mayTrace(evt: EventCursor, at: number): boolean {
  evt.seek(at);
  if (evt.size(1) === 0) return false;
  const first = evt.bytes[evt.at(1)];
  return first === 0x3e || first === 0x3c || first === 0x5b;
}

const handlers: readonly (Handler | undefined)[] = EVENT_TYPES.map((type) => {
  const key = `${type.name}${type.isExit ? '<' : '>'}`;
  return applyProcess[key] ?? applyFile[key] ?? applySocket[key] ?? applyMeta[key];
});

/** How much of the events of a code is wanted. */
export const Look = {
  /** What changes the state. */
  STATE: 0,
  /** All: somebody looks at them. */
  WHOLE: 1,
  /** Not even that: what they change in the state, nobody asks for. */
  NEVER: 2,
} as const;

/** Events that change only how much of the processor and of memory a thread uses, by the fields that tell it. */
const USAGE: readonly (readonly [event: RegExp, fields: RegExp])[] = [
  [/^procinfo$/, /thread\.cpu/],
  [/^switch$/, /exectime|vm|pf(major|minor)/],
];

/**
 * Codes of events that can be left out where only certain fields are read, 1 each: sums of time and memory, which most filters and lines do not have.
 *
 * @param text filter and format
 */
export function neverRead(text: string): Uint8Array {
  return Uint8Array.from(EVENT_TYPES, ({ name }) => {
    const usage = USAGE.find(([event]) => event.test(name));
    if (usage === undefined || usage[1].test(text)) return 0;
    return 1;
  });
}

// How an event passes by: not at all (it changes more than its thread's call in progress), or as an enter or exit.
const PASS_ENTER = 1;
const PASS_ENTER_FD = 2;
const PASS_EXIT = 3;
const PASS_PROCINFO = 4;
const PASS_SWITCH = 5;
const passKind = Uint8Array.from(EVENT_TYPES, (type) => {
  const { code } = type;
  if (code === PROCINFO) return PASS_PROCINFO;
  if (isSwitch[code] === true) return PASS_SWITCH;
  if (type.source !== 'SYSCALL' || resetKind[code] !== 0 || handlers[code] !== undefined) return 0;
  if (isCloneExit[code] === true || isCopyFileRange[code] === true || storesEnter[code] === true) return 0;
  if (type.isExit) return PASS_EXIT;
  return usesFd[code] === true ? PASS_ENTER_FD : PASS_ENTER;
});

export class Machine implements EventContext {
  readonly threads = new Map<number, Thread>();
  readonly users = new Map<number, User>();
  readonly groups = new Map<number, Group>();
  readonly containers = new Map<ByteText, Container>();
  interfaces: readonly Interface[] = [];
  hostname: ByteText = '';
  cpus = 0;
  bootTime: EpochNs = 0n;
  /** Repeats what sysdig 0.29.3 does where it is known to be wrong: for output that must equal its own. */
  readonly classic: boolean;

  // ---- the context of the current event ----

  evt: EventCursor = new EventCursor();
  thread: Thread | undefined = undefined;
  fd: Fd | undefined = undefined;
  latency: DurationNs | undefined = undefined;
  nameChanged = false;
  tracer: TracerEvent | undefined = undefined;
  readonly spans = new Spans();
  /** Set before the first event by who knows the stream, or by the first enter. */
  inPairs = false;
  /** Result of an exit: >= 0, or -errno. 0 where the event has none. */
  result = 0;
  /** The current exit really took this long, not just since some enter; -1 = unknown. */
  callLatency: DurationNs = -1;

  private readonly enterCursor = new EventCursor();
  /** The event's own enter was kept; 1: as bytes in the thread, 2: loaded into enterCursor. */
  private enterState: 0 | 1 | 2 = 0;
  private exitedThread: Thread | undefined = undefined;
  private finishedCall: Thread | undefined = undefined;
  /** The descriptor that the event closed: it is removed before the next, so that this one can still be described. */
  private closedIn: Map<number, Fd> | undefined = undefined;
  private closedNum = 0;
  /** When threads exited, for clones that are reported after it. */
  private readonly recentExits = new Map<number, RelativeNs>();
  private readonly lastSwitch: RelativeNs[] = [];

  constructor(options: { readonly classic?: boolean } = {}) {
    this.classic = options.classic ?? false;
  }

  /** Starts over from a snapshot: at the beginning, and at each further section of a capture. */
  load(snapshot: Snapshot): void {
    this.threads.clear();
    this.users.clear();
    this.groups.clear();
    this.recentExits.clear();
    this.closedIn = undefined;
    this.exitedThread = undefined;
    this.finishedCall = undefined;
    this.spans.clear();
    loadSnapshot(this, snapshot);
  }

  /** Brings the machine up to date by the event under the cursor and makes it the current one. */
  apply(evt: EventCursor): void {
    this.begin(evt);
    this.finish(evt);
  }

  /**
   * The same as sysdig 0.29.3 does it when it filters (without its -d): what changes no state is filtered before it is looked at, and
   * what was rejected is no call's exit. So a filter can change what later events show.
   *
   * @param test whether the event matches
   */
  applyFiltered(evt: EventCursor, test: (ctx: EventContext) => boolean): boolean {
    this.begin(evt);
    if (changesState[evt.code] !== 1 && evt.carrier < 0) {
      const matches = test(this);
      if (matches) this.finish(evt);
      else if (this.thread !== undefined && endsCall[evt.code] === 1) this.thread.lastEnterCode = -1;
      if (!matches) this.finishedCall = undefined;
      return matches;
    }
    this.finish(evt);
    const matches = test(this);
    if (!matches) this.finishedCall = undefined;
    return matches;
  }

  private begin(evt: EventCursor): void {
    this.finishPrevious();
    this.evt = evt;
    const code = evt.code;
    this.thread = undefined;
    this.fd = undefined;
    this.enterState = 0;
    this.latency = undefined;
    this.result = 0;
    this.callLatency = -1;
    this.nameChanged = false;
    this.tracer = undefined;
    if (resetKind[code] === 0) {
      this.reset(evt, code);
      if (code === WRITE_EXIT) this.trace(evt);
    } else if (resetKind[code] === LOOK_ONLY) {
      this.thread = this.threads.get(evt.tid);
    }
  }

  private finish(evt: EventCursor): void {
    const handler = handlers[evt.code];
    if (handler !== undefined && (evt.tid >= 0 || resetKind[evt.code] !== 0)) {
      const before = this.fd;
      const name = before?.name ?? '';
      handler(this);
      const { fd } = this;
      this.nameChanged = fd !== undefined && fd.name !== name && (fd === before || fd.openedBy === evt.num);
    }
    if (evt.carrier >= 0 && this.classic && this.inPairs) evt.wrap();
  }

  private trace(evt: EventCursor): void {
    const { thread } = this;
    if (thread === undefined || evt.int(0) <= 0) return;
    const fd = this.fd ?? this.fdTable(thread).get(thread.lastFd);
    if (fd?.name !== '/dev/null') return;
    this.tracer = this.spans.feed(evt.raw(1), thread, evt.ts, evt.epochNs);
    // it stands for the span now, and not for a write
    if (this.tracer !== undefined && this.classic) {
      this.fd = undefined;
      this.latency = 0;
    }
  }

  get enter(): EventCursor | undefined {
    if (this.enterState === 1) {
      const thread = this.thread as Thread;
      this.enterCursor.load(thread.storedEnter as Uint8Array, thread.storedEnterView);
      this.enterCursor.seek(0);
      this.enterState = this.enterCursor.code === this.evt.code - 1 ? 2 : 0;
    }
    return this.enterState === 2 ? this.enterCursor : undefined;
  }

  /**
   * Goes over the events from the cursor on that nobody asks for, and takes note of them where all they change is their thread's
   * call in progress: most reads, writes, polls … The least work an event can be: code, thread and time, read where they stand.
   *
   * @param asked by code: a Look
   * @param filtered they are rejected by a filter, as in applyFiltered()
   * @returns how many events were passed; the cursor's next() is the first that was not
   */
  pass(evt: EventCursor, asked: Uint8Array, filtered: boolean): number {
    const { view, bytes } = evt;
    const size = bytes.length;
    let at = evt.end;
    let passed = 0;
    let thread: Thread | undefined = undefined;
    let tidOfThread = -1;
    let begun = false;
    while (at + SMALLEST_BLOCK <= size) {
      const length = view.getUint32(at + 4, true);
      if (length < SMALLEST_BLOCK || at + length > size) break;
      const header = headerOffset(at, view);
      let code = view.getUint16(header + 20, true);
      if (code < EVENT_TYPE_COUNT) {
        const look = asked[code];
        if (look === Look.NEVER) {
          passed++;
          at += length;
          continue;
        }
        if (code < FIRST_NAMED && look === Look.STATE) {
          // a generic event may stand for another
          evt.seek(at);
          ({ code } = evt);
        }
        const kind = passKind[code] as number;
        if (kind === 0 || look === Look.WHOLE) break;
        // no tid has more than 31 bits; -1 is none
        const tid = view.getInt32(header + 8, true);
        if (tid < 0) break;
        if (!begun) this.finishPrevious();
        begun = true;
        if (tid !== tidOfThread) {
          thread = this.threads.get(tid);
          tidOfThread = tid;
        }
        if (thread !== undefined) {
          if (kind === PASS_EXIT) {
            if (code === WRITE_EXIT && mayTrace(evt, at)) break;
            const paired = thread.lastEnterCode === code - 1;
            if (!paired && !(this.classic && this.inPairs)) break;
            // what a filter rejects uses up no enter
            if (!paired || !filtered) thread.storedEnterValid = false;
          } else {
            evt.seek(at);
            this.passEnter(evt, thread, kind);
          }
          if (filtered && endsCall[code] === 1) thread.lastEnterCode = -1;
          else if (kind === PASS_EXIT && !this.classic) thread.lastEnterCode = -1;
        } else if (kind !== PASS_PROCINFO) {
          break;
        }
        passed++;
      }
      at += length;
    }
    evt.end = at;
    return passed;
  }

  private passEnter(evt: EventCursor, thread: Thread, kind: number): void {
    if (kind === PASS_PROCINFO) {
      countCpu(evt, thread);
    } else if (kind === PASS_SWITCH) {
      this.countSwitch(evt, thread);
      countMemory(this, evt, thread);
    } else {
      thread.lastFd = kind === PASS_ENTER_FD ? evt.int(enterFdParam[evt.code] as number) : -1;
      thread.lastEnterCode = evt.code;
      thread.latency = 0;
      thread.enterTime = evt.ts;
      if (!this.classic) thread.storedEnterValid = false;
    }
  }

  get fdNum(): number {
    return this.thread === undefined ? -1 : this.thread.lastFd;
  }

  // ---- reset ----

  private reset(evt: EventCursor, code: number): void {
    if (evt.tid < 0) return;
    let thread = this.threads.get(evt.tid);
    if (thread === undefined) {
      if (isCloneExit[code] === true || isSwitch[code] === true) return;
      thread = this.addUnknown(evt.tid);
    }
    this.thread = thread;
    if ((code & 1) === 0) this.resetEnter(evt, code, thread);
    else this.resetExit(evt, code, thread);
    this.latency = thread.latency;
  }

  private resetEnter(evt: EventCursor, code: number, thread: Thread): void {
    if (isSwitch[code] === true) {
      this.countSwitch(evt, thread);
      return;
    }
    // tracepoints lie within a call and leave it alone; sysdig 0.29.3 takes them for enters
    if (!this.classic && EVENT_TYPES[code]?.source !== 'SYSCALL') return;
    if (makesPairs[code] === 1) this.inPairs = true;
    thread.lastFd = -1;
    thread.lastEnterCode = code;
    thread.latency = 0;
    thread.enterTime = evt.ts;
    if (!this.classic) thread.storedEnterValid = false;
    if (usesFd[code] === true) {
      thread.lastFd = evt.int(enterFdParam[code] as number);
      this.fd = this.fdTable(thread).get(thread.lastFd);
    }
    if (this.classic && isFcntlEnter[code] === true && !DUPLICATES.has(evt.int(1))) return;
    if (storesEnter[code] === true && evt.count > 0 && evt.end - evt.start <= STORED_ENTER_LIMIT) {
      thread.storeEnter(evt.bytes, evt.start, evt.end);
    }
  }

  private resetExit(evt: EventCursor, code: number, thread: Thread): void {
    this.finishedCall = thread;
    if (hasResult[code] === true) {
      this.result = evt.int(0);
    } else if (code === GENERIC_EXIT) {
      this.result = evt.carriedResult ?? 0;
    }
    const paired = thread.lastEnterCode === code - 1;
    const carried = evt.latency;
    if (carried >= 0) {
      thread.latency = carried;
      this.callLatency = carried;
    } else if (thread.enterTime !== undefined) {
      thread.latency = evt.ts - thread.enterTime;
      if (paired) this.callLatency = thread.latency;
    } else {
      thread.latency = 0;
    }
    if (paired) {
      if (thread.storedEnterValid) this.enterState = 1;
    } else if (this.classic && this.inPairs) {
      thread.storedEnterValid = false;
      return;
    } else {
      const index = EVENT_TYPES[code]?.fdParam ?? -1;
      if (index < 0 || index >= evt.count) return;
      // no enter told the fd, but the exit has it
      thread.lastFd = evt.int(index);
    }
    if (usesFd[code] === true) {
      if (isCopyFileRange[code] === true) thread.lastFd = evt.int(1);
      this.fd = this.fdTable(thread).get(thread.lastFd);
    }
  }

  private countSwitch(evt: EventCursor, thread: Thread): void {
    const previous = this.lastSwitch[evt.cpu];
    this.lastSwitch[evt.cpu] = evt.ts;
    thread.execTime = previous === undefined ? 0 : evt.ts - previous;
    thread.totalExecTime += thread.execTime;
  }

  private finishPrevious(): void {
    if (this.finishedCall !== undefined) {
      // an exit uses up its enter
      this.finishedCall.storedEnterValid = false;
      if (!this.classic) this.finishedCall.lastEnterCode = -1;
      this.finishedCall = undefined;
    }
    if (this.closedIn !== undefined) {
      this.closedIn.delete(this.closedNum);
      this.closedIn = undefined;
    }
    if (this.exitedThread !== undefined) {
      this.removeThread(this.exitedThread);
      this.exitedThread = undefined;
    }
  }

  // ---- threads ----

  addThread(thread: Thread): void {
    this.threads.set(thread.tid, thread);
    if ((thread.flags & ThreadFlag.CLONE_THREAD) !== 0) {
      const main = this.threads.get(thread.pid);
      if (main !== undefined) main.childCount++;
    }
  }

  private addUnknown(tid: number): Thread {
    const thread = unknownThread(tid, this.classic);
    thread.firstSeen = this.evt.ts;
    for (const other of this.threads.values()) if (other.pid === tid && other !== thread) thread.childCount++;
    this.threads.set(tid, thread);
    return thread;
  }

  /** Marks the event's thread as gone; it stays until the next event, so that this one can still be described. */
  exitThread(thread: Thread): void {
    thread.closed = true;
    this.exitedThread = thread;
    if (this.recentExits.size > 4096) this.recentExits.clear();
    this.recentExits.set(thread.tid, this.evt.ts);
  }

  /** When a thread with this number exited lately; undefined if none did. */
  exitTime(tid: number): RelativeNs | undefined {
    return this.recentExits.get(tid);
  }

  removeThread(thread: Thread, force = false): void {
    if (this.threads.get(thread.tid) !== thread) return;
    if (thread.childCount > 0 && !force) return;
    this.threads.delete(thread.tid);
    if ((thread.flags & ThreadFlag.CLONE_THREAD) === 0) return;
    const main = this.threads.get(thread.pid);
    if (main === undefined) return;
    if (main.childCount > 0) main.childCount--;
    if (main.childCount === 0 && main.closed) this.threads.delete(main.tid);
  }

  threadByTid(tid: number): Thread | undefined {
    return this.threads.get(tid);
  }

  mainThread(thread: Thread): Thread {
    return thread.isMain ? thread : (this.threads.get(thread.pid) ?? thread);
  }

  parent(thread: Thread): Thread | undefined {
    return thread.ptid < 0 ? undefined : this.threads.get(thread.ptid);
  }

  // ---- descriptors ----

  fdTable(thread: Thread): Map<number, Fd> {
    if ((thread.flags & ThreadFlag.CLONE_FILES) === 0) return thread.fds;
    const main = this.mainThread(thread);
    if (main === thread && !thread.isMain) return this.addUnknown(thread.pid).fds;
    return main.fds;
  }

  /** Puts `fd` under `num` into the table of the event's thread and makes it the event's. */
  addFd(num: number, fd: Fd): void {
    const thread = this.thread;
    if (thread === undefined) return;
    const table = this.fdTable(thread);
    const old = table.get(num);
    if (old !== undefined && old.closeInProgress) {
      fd.closeCancelled = true;
      table.set(PARKED_FD, old);
    }
    fd.openedBy = this.evt.num;
    table.set(num, fd);
    thread.lastFd = num;
    this.fd = fd;
  }

  /** Removes a descriptor of the event's thread before the next event. */
  closeFd(num: number): void {
    const thread = this.thread;
    if (thread === undefined) return;
    const table = this.fdTable(thread);
    const fd = table.get(num);
    if (fd === undefined) return;
    if (fd.closeCancelled) {
      fd.closeCancelled = false;
      this.closedNum = PARKED_FD;
    } else {
      this.closedNum = num;
    }
    this.closedIn = table;
  }

  // ---- look-ups ----

  container(id: ByteText): Container | undefined {
    return this.containers.get(id);
  }

  user(uid: number): User | undefined {
    return this.users.get(uid);
  }

  group(gid: number): Group | undefined {
    return this.groups.get(gid);
  }

  isLocalAddress(ip: Uint8Array, thread: Thread | undefined): boolean {
    for (const item of this.interfaces) {
      if (item.address.length !== ip.length) continue;
      if (
        ip.length === 16 ? sameIp(item.address.subarray(0, 8), ip.subarray(0, 8)) : sameIp(item.address, ip)
      )
        return true;
    }
    const container = thread === undefined ? undefined : this.containers.get(thread.containerId);
    if (container === undefined || ip.length !== 4) return false;
    if (containerHas(container, ip)) return true;
    if (container.ip !== '' && container.ip !== '0.0.0.0') return false;
    for (const other of this.containers.values()) if (containerHas(other, ip)) return true;
    return false;
  }
}

function containerHas(container: Container, ip: Uint8Array): boolean {
  if (container.ip === '' || container.ip === '0.0.0.0') return isZero(ip);
  return container.ip === `${ip[0]}.${ip[1]}.${ip[2]}.${ip[3]}`;
}
