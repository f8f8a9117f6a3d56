// SPDX-License-Identifier: Apache-2.0
// A thread of the traced machine, and through its main thread the process.

import type { ByteText, DurationNs, EpochNs, RelativeNs } from '../base/units.ts';
import { Fd, type FdTable } from './fd.ts';
import type { Capabilities, ExeFile } from './program.ts';

/** Bits of Thread.flags; values of the scap format, those marked "reader" never come from a file. */
export const ThreadFlag = {
  CLONE_FILES: 0x1,
  CLONE_NEWPID: 0x40,
  CLONE_PARENT: 0x100,
  CLONE_THREAD: 0x2000,
  /** reader: built from the child's own clone event */
  CLONE_INVERTED: 0x10000,
  CLONE_VFORK: 0x8000000,
  CHILD_IN_PIDNS: 0x20000000,
  /** reader */
  IS_MAIN_THREAD: 0x40000000,
} as const;

/** uid, gid and loginuid where nobody is known. */
export const NO_USER = 0xffffffff;

/** comm and exe of a thread of which nothing is known. */
const NOT_AVAILABLE = '<NA>';

export class Thread {
  tid: number;
  /** Thread group: the tid of the main thread. */
  pid: number;
  /** tid of the parent; -1 = unknown. */
  ptid = -1;
  sid = -1;
  vpgid = -1;
  tty = 0;
  loginuid = NO_USER;
  comm: ByteText = NOT_AVAILABLE;
  /** argv[0] */
  exe: ByteText = NOT_AVAILABLE;
  exepath: ByteText = '';
  /** argv[1..] */
  args: readonly ByteText[] = [];
  env: readonly ByteText[] = [];
  /** Ends in '/'. That of the process is the main thread's. */
  cwd: ByteText = '';
  root: ByteText = '';
  flags = 0;
  fdlimit = -1;
  uid = NO_USER;
  gid = NO_USER;
  /** In the innermost pid namespace; -1 = unknown. */
  vtid = -1;
  vpid = -1;
  /** kB */
  vmSize = 0;
  vmRss = 0;
  vmSwap = 0;
  majorFaults = 0;
  minorFaults = 0;
  /** [subsystem, path] */
  cgroups: readonly (readonly [ByteText, ByteText])[] = [];
  /** '' = on the host */
  containerId: ByteText = '';
  exeWritable = false;
  /** Undefined where the capture does not tell. */
  exeFile: ExeFile | undefined = undefined;
  capabilities: Capabilities | undefined = undefined;
  /** Start of its pid namespace, nanoseconds since 1970; 0 = not told. */
  pidnsStart: EpochNs = 0n;
  /** When it was cloned; undefined: it was there before the capture, or the clone was lost. */
  cloneTime: RelativeNs | undefined = undefined;
  /** First sight of this thread in the capture; with the tid it names an incarnation for ever. */
  firstSeen: RelativeNs = 0;
  /** Threads of the group besides the leader. */
  childCount = 0;
  /** CPU time in ticks of 10 ms as of the last procinfo event; -1 = none yet. */
  cpuUser = -1;
  cpuSystem = -1;
  /** Ticks between the last two procinfo events, which are a second apart: percent of a core. */
  cpuUserDelta = 0;
  cpuSystemDelta = 0;
  /** On CPU until the last switch away from it, and over the whole capture. */
  execTime: DurationNs = 0;
  totalExecTime: DurationNs = 0;

  /** Own descriptors; threads with CLONE_FILES use the main thread's. */
  readonly fds: FdTable = new Map();

  // ---- the call in progress ----

  lastEnterCode = -1;
  enterTime: RelativeNs | undefined = undefined;
  latency: DurationNs = 0;
  /** Descriptor of the last call; -1 = none. */
  lastFd = -1;
  /** Block of the enter event, kept where the exit needs its params; the buffer is kept for the next. */
  storedEnter: Uint8Array | undefined = undefined;
  storedEnterView: DataView | undefined = undefined;
  storedEnterValid = false;

  // ---- bookkeeping ----

  closed = false;
  /** Main threads: row of the store's process dimension; -1 = none yet. */
  process = -1;
  /** Row of the store's thread dimension that equals what is known now; -1 = something changed since. */
  row = -1;

  constructor(tid: number, pid: number) {
    this.tid = tid;
    this.pid = pid;
  }

  /** Keeps bytes [start, end) as the block of the current call's enter. */
  storeEnter(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    let kept = this.storedEnter;
    if (kept === undefined || kept.length < size) {
      kept = new Uint8Array((size | 127) + 1);
      this.storedEnter = kept;
      this.storedEnterView = new DataView(kept.buffer);
    }
    for (let i = 0; i < size; i++) kept[i] = bytes[start + i] as number;
    this.storedEnterValid = true;
  }

  get isMain(): boolean {
    return this.tid === this.pid || (this.flags & ThreadFlag.IS_MAIN_THREAD) !== 0;
  }

  get isUnknown(): boolean {
    return this.comm === NOT_AVAILABLE && this.exe === NOT_AVAILABLE;
  }

  /** A copy of what is known of the thread, for a row of the thread dimension: no descriptors, no call in progress. */
  identity(): Thread {
    const copy = new Thread(this.tid, this.pid);
    copy.row = this.row;
    copy.ptid = this.ptid;
    copy.sid = this.sid;
    copy.vpgid = this.vpgid;
    copy.tty = this.tty;
    copy.loginuid = this.loginuid;
    copy.comm = this.comm;
    copy.exe = this.exe;
    copy.exepath = this.exepath;
    copy.args = this.args;
    copy.env = this.env;
    copy.cwd = this.cwd;
    copy.root = this.root;
    copy.flags = this.flags;
    copy.fdlimit = this.fdlimit;
    copy.uid = this.uid;
    copy.gid = this.gid;
    copy.vtid = this.vtid;
    copy.vpid = this.vpid;
    copy.vmSize = this.vmSize;
    copy.vmRss = this.vmRss;
    copy.vmSwap = this.vmSwap;
    copy.majorFaults = this.majorFaults;
    copy.minorFaults = this.minorFaults;
    copy.cgroups = this.cgroups;
    copy.containerId = this.containerId;
    copy.exeWritable = this.exeWritable;
    copy.exeFile = this.exeFile;
    copy.capabilities = this.capabilities;
    copy.pidnsStart = this.pidnsStart;
    copy.cloneTime = this.cloneTime;
    copy.firstSeen = this.firstSeen;
    copy.childCount = this.childCount;
    return copy;
  }
}

/** A thread of which only the number is known. */
export function unknownThread(tid: number, classic: boolean): Thread {
  const thread = new Thread(tid, tid);
  // sysdig 0.29.3 takes root for whoever logged in
  if (classic) thread.loginuid = 0;
  return thread;
}

/** A copy of a descriptor table, as a forked child gets it. */
export function copyFds(from: FdTable, to: FdTable): void {
  to.clear();
  for (const [num, fd] of from) to.set(num, Fd.copyOf(fd));
}
