// SPDX-License-Identifier: Apache-2.0
// How processes and threads begin, become another program, change who and where they are, and end.

import type { EventCursor } from '../../event/cursor.ts';
import { membershipOf } from '../container.ts';
import { Fd } from '../fd.ts';
import type { HandlerTable, Machine } from '../machine.ts';
import { joinPath, normaliseCwd } from '../path.ts';
import { ExeFlag } from '../program.ts';
import { copyFds, NO_USER, Thread, ThreadFlag, unknownThread } from '../thread.ts';
import { pathOf } from './file.ts';

/** A tid that is cloned again this soon was reported twice; later, it was reused. */
const REUSE_NS = 2e9;
const RLIMIT_NOFILE = 7;
const O_CLOEXEC = 4096;
const AT_EMPTY_PATH = 1;
const UNCHANGED = 0xffffffff;

// ---- clone ----

/** Where the params of a clone exit stand, by how many there are. */
function cloneLayout(count: number): { flags: number; comm: number; cgroups: number; memory: boolean } {
  if (count >= 20) return { flags: 15, comm: 13, cgroups: 14, memory: true };
  if (count >= 17) return { flags: 14, comm: 13, cgroups: -1, memory: true };
  if (count >= 16) return { flags: 13, comm: -1, cgroups: -1, memory: true };
  return { flags: 8, comm: -1, cgroups: -1, memory: false };
}

function cloneExit(machine: Machine): void {
  const { evt } = machine;
  const result = evt.int(0);
  if (result < 0) return;
  const flags = evt.uint(cloneLayout(evt.count).flags);
  const vtid = evt.count > 18 ? evt.int(18) : evt.tid;
  const inNamespace = (flags & ThreadFlag.CHILD_IN_PIDNS) !== 0 || evt.tid !== vtid;
  if (result === 0) cloneChild(machine, evt, flags, inNamespace);
  else if (!inNamespace) cloneParent(machine, evt, result, flags);
}

function cloneChild(machine: Machine, evt: EventCursor, flags: number, inNamespace: boolean): void {
  const known = machine.threads.get(evt.tid);
  if (known !== undefined) {
    const stale =
      known.cloneTime === undefined
        ? !machine.classic && known.isUnknown
        : evt.ts - known.cloneTime > REUSE_NS;
    if (!stale) {
      if (inNamespace && evt.count > 19) {
        known.vtid = evt.int(18);
        known.vpid = evt.int(19);
      }
      return;
    }
    machine.removeThread(known, true);
  }
  const parentTid = (flags & ThreadFlag.CLONE_THREAD) !== 0 ? evt.int(4) : evt.int(5);
  machine.thread = buildChild(
    machine,
    evt,
    evt.tid,
    parentTid,
    flags | ThreadFlag.CLONE_INVERTED,
    inNamespace,
  );
}

function cloneParent(machine: Machine, evt: EventCursor, childTid: number, flags: number): void {
  if ((flags & ThreadFlag.CLONE_NEWPID) !== 0 && !machine.classic) return;
  const known = machine.threads.get(childTid);
  if (known !== undefined) {
    if ((known.flags & ThreadFlag.CLONE_INVERTED) !== 0) return;
    machine.removeThread(known, true);
  } else if (!machine.classic) {
    // the child was there and is gone again: a vfork, or a very short life
    const exit = machine.exitTime(childTid);
    if (exit !== undefined && evt.ts - exit < REUSE_NS) return;
  }
  buildChild(machine, evt, childTid, evt.tid, flags, false);
  machine.thread ??= machine.threads.get(evt.tid);
}

function buildChild(
  machine: Machine,
  evt: EventCursor,
  tid: number,
  parentTid: number,
  flags: number,
  inNamespace: boolean,
): Thread {
  const layout = cloneLayout(evt.count);
  let parent = machine.threads.get(parentTid);
  if (parent === undefined || parent.isUnknown) {
    parent = repairParent(machine, evt, parentTid, parent);
  }
  const isThread = (flags & ThreadFlag.CLONE_THREAD) !== 0;
  const child = new Thread(tid, isThread ? evt.int(4) : tid);
  child.ptid = parentTid;
  child.comm = parent.comm;
  child.exe = parent.exe;
  child.exepath = parent.exepath;
  child.args = parent.args;
  child.root = parent.root;
  child.sid = parent.sid;
  child.vpgid = parent.vpgid;
  child.tty = parent.tty;
  child.loginuid = parent.loginuid;
  child.exeWritable = parent.exeWritable;
  child.exeFile = parent.exeFile;
  child.capabilities = parent.capabilities;
  child.pidnsStart = parent.pidnsStart;
  if (evt.count > 20 && evt.big(20) > 0n) child.pidnsStart = machine.bootTime + evt.big(20);
  if (!isThread) child.env = parent.env;
  child.flags = flags;
  if (isThread) {
    // threads share their leader's table even if the flag is missing
    if (!machine.classic) child.flags |= ThreadFlag.CLONE_FILES;
  } else {
    child.cwd = machine.mainThread(parent).cwd;
    copyFds(machine.fdTable(parent), child.fds);
  }
  if (evt.has(1)) child.exe = evt.text(1);
  child.args = evt.strings(2);
  child.comm = layout.comm < 0 ? child.exe : evt.text(layout.comm);
  child.fdlimit = evt.int(7);
  if (layout.memory) readMemory(evt, child);
  child.uid = evt.uint(layout.flags + 1);
  child.gid = evt.uint(layout.flags + 2);
  child.vtid = inNamespace && evt.count > 18 ? evt.int(18) : tid;
  child.vpid = inNamespace && evt.count > 19 ? evt.int(19) : child.pid;
  child.cloneTime = evt.ts;
  child.firstSeen = evt.ts;
  if (layout.cgroups >= 0) {
    ({ cgroups: child.cgroups, containerId: child.containerId } = membershipOf(evt.raw(layout.cgroups)));
  } else {
    child.cgroups = parent.cgroups;
    child.containerId = parent.containerId;
  }
  machine.addThread(child);
  return child;
}

/** Right after a clone, parent and child are the same program: an unknown parent can be learned from the event. */
function repairParent(machine: Machine, evt: EventCursor, tid: number, known: Thread | undefined): Thread {
  const parent = known ?? unknownThread(tid, machine.classic);
  const layout = cloneLayout(evt.count);
  parent.exe = evt.text(1);
  parent.args = evt.strings(2);
  parent.comm = layout.comm < 0 ? parent.exe : evt.text(layout.comm);
  parent.row = -1;
  if (known === undefined && tid >= 0) {
    parent.firstSeen = evt.ts;
    machine.threads.set(tid, parent);
  }
  return parent;
}

/** Page faults and memory: params 8 to 12 of clone and execve. */
function readMemory(evt: EventCursor, thread: Thread): void {
  thread.majorFaults = evt.uint(8);
  thread.minorFaults = evt.uint(9);
  thread.vmSize = evt.uint(10);
  thread.vmRss = evt.uint(11);
  thread.vmSwap = evt.uint(12);
}

// ---- execve ----

function execveExit(machine: Machine): void {
  const { evt, thread, enter } = machine;
  if (thread === undefined || evt.int(0) < 0) return;
  const count = evt.count;
  thread.row = -1;
  thread.exe = evt.text(1);
  thread.comm = count >= 15 ? evt.text(13) : thread.exe;
  thread.args = evt.strings(2);
  thread.pid = evt.int(4);
  if (thread.ptid < 0) thread.ptid = evt.int(5);
  thread.fdlimit = evt.int(7);
  if (count >= 13) readMemory(evt, thread);
  const environment = count >= 16 ? 15 : count - 1;
  if (count >= 14) thread.env = evt.strings(environment);
  if (count >= 16) {
    ({ cgroups: thread.cgroups, containerId: thread.containerId } = membershipOf(evt.raw(14)));
  }
  if (count >= 17) thread.tty = evt.uint(16);
  if (count >= 18) thread.vpgid = evt.int(17);
  if (count >= 19) thread.loginuid = evt.uint(18);
  if (count >= 20) thread.exeWritable = (evt.int(19) & ExeFlag.WRITABLE) !== 0;
  if (count >= 26) readProgram(evt, thread);
  if (count > 26 && evt.has(26)) thread.uid = evt.uint(26);
  if (count > 29 && evt.has(29)) thread.gid = evt.uint(29);
  const path = exePath(machine, evt, enter);
  if (path !== undefined) thread.exepath = path;
  thread.flags &= ThreadFlag.IS_MAIN_THREAD | ThreadFlag.CLONE_INVERTED;
  thread.closed = false;
  if (count > 6 && evt.has(6) && !machine.classic) {
    const cwd = evt.text(6);
    if (cwd.startsWith('/')) thread.cwd = normaliseCwd(cwd);
  }
  if (!machine.classic) becomeProgram(machine, thread);
}

/** Rights and program file: params 20 to 25 of execve. A file has a number; where it is 0, none of this was captured. */
function readProgram(evt: EventCursor, thread: Thread): void {
  const inode = evt.big(23);
  if (inode === 0n) {
    thread.exeFile = undefined;
    return;
  }
  thread.exeFile = { inode, changed: evt.big(24), modified: evt.big(25), flags: evt.uint(19) };
  thread.capabilities = { inheritable: evt.big(20), permitted: evt.big(21), effective: evt.big(22) };
}

function exePath(machine: Machine, evt: EventCursor, enter: EventCursor | undefined): string | undefined {
  if (evt.count > 27 && evt.has(27)) return evt.text(27);
  if (enter === undefined) return undefined;
  if (enter.type.name === 'execveat') {
    const dirfd = enter.int(0);
    const path = enter.text(1);
    if (path === '' && (enter.int(2) & AT_EMPTY_PATH) !== 0) {
      return machine.thread && machine.fdTable(machine.thread).get(dirfd)?.name;
    }
    return pathOf(machine, dirfd, path);
  }
  const path = enter.text(0);
  const thread = machine.thread as Thread;
  return path === '<NA>' ? path : joinPath(machine.mainThread(thread).cwd, path);
}

// The kernel closes what is marked so, and ends all other threads of the group.
function becomeProgram(machine: Machine, thread: Thread): void {
  for (const [num, fd] of thread.fds) if ((fd.openFlags & O_CLOEXEC) !== 0) thread.fds.delete(num);
  if (thread.childCount === 0) return;
  // a Map may lose entries while it is walked
  for (const other of machine.threads.values()) {
    if (other.pid === thread.pid && other !== thread) machine.removeThread(other, true);
  }
  thread.childCount = 0;
}

// ---- the rest ----

function procexit(machine: Machine): void {
  if (machine.thread !== undefined) machine.exitThread(machine.thread);
}

function procinfo(machine: Machine): void {
  if (machine.thread !== undefined) countCpu(machine.evt, machine.thread);
}

/** CPU time of a thread, in ticks: a procinfo event a second. */
export function countCpu(evt: EventCursor, thread: Thread): void {
  const user = evt.uint(0);
  const system = evt.uint(1);
  thread.cpuUserDelta = thread.cpuUser < 0 ? 0 : user - thread.cpuUser;
  thread.cpuSystemDelta = thread.cpuSystem < 0 ? 0 : system - thread.cpuSystem;
  thread.cpuUser = user;
  thread.cpuSystem = system;
}

function schedSwitch(machine: Machine): void {
  if (machine.thread !== undefined) countMemory(machine, machine.evt, machine.thread);
}

/** Page faults of a thread and memory of its process, as a switch tells them. */
export function countMemory(machine: Machine, evt: EventCursor, thread: Thread): void {
  if (evt.count < 6) return;
  thread.majorFaults = evt.uint(1);
  thread.minorFaults = evt.uint(2);
  const main = machine.mainThread(thread);
  main.vmSize = evt.uint(3);
  main.vmRss = evt.uint(4);
  main.vmSwap = evt.uint(5);
}

function memoryExit(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || evt.count < 4) return;
  thread.vmSize = evt.uint(1);
  thread.vmRss = evt.uint(2);
  thread.vmSwap = evt.uint(3);
}

/** The ids that setuid and its family ask for: in the enter, or after the result in current exits. */
function setIds(field: 'uid' | 'gid', which: number): (machine: Machine) => void {
  return ({ evt, enter, thread }) => {
    if (thread === undefined || evt.int(0) < 0) return;
    const from = enter ?? evt;
    const index = enter === undefined ? which + 1 : which;
    if (index >= from.count) return;
    const id = from.uint(index);
    if (id === UNCHANGED || id === NO_USER) return;
    thread[field] = id;
    thread.row = -1;
  };
}

function setsidExit(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || evt.int(0) < 0) return;
  thread.sid = evt.int(0);
  thread.row = -1;
}

function changeDirectory(machine: Machine, path: string): void {
  const main = machine.thread && machine.mainThread(machine.thread);
  if (main === undefined) return;
  main.cwd = normaliseCwd(joinPath(main.cwd, path));
}

function chdirExit(machine: Machine): void {
  if (machine.evt.int(0) >= 0) changeDirectory(machine, machine.evt.text(1));
}

function fchdirExit(machine: Machine): void {
  if (machine.evt.int(0) >= 0 && machine.fd !== undefined) changeDirectory(machine, machine.fd.name);
}

function getcwdExit(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || evt.int(0) < 0) return;
  machine.mainThread(thread).cwd = normaliseCwd(evt.text(1));
}

function chrootExit(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || evt.int(0) !== 0) return;
  thread.root = joinPath(machine.mainThread(thread).cwd, evt.text(1));
  thread.row = -1;
}

function rlimitExit(machine: Machine): void {
  const { evt, enter, thread } = machine;
  if (thread === undefined || evt.int(0) < 0) return;
  const params = evt.type.params;
  const resourceParam = params.findIndex((param) => param.name === 'resource');
  const enterParam = enter?.type.params.findIndex((param) => param.name === 'resource') ?? -1;
  const resource =
    enter !== undefined && enterParam >= 0
      ? enter.int(enterParam)
      : resourceParam > 0 && resourceParam < evt.count
        ? evt.int(resourceParam)
        : -1;
  if (resource !== RLIMIT_NOFILE) return;
  const current = params.findIndex((param) => param.name === 'cur' || param.name === 'newcur');
  if (current > 0 && evt.int(current) >= 0) machine.mainThread(thread).fdlimit = evt.int(current);
}

/** pidfd_getfd: a copy of another process's descriptor. */
function pidfdGetfdExit(machine: Machine): void {
  const { evt, thread, fd } = machine;
  if (thread === undefined || fd === undefined || evt.int(0) < 0 || !fd.name.startsWith('/proc/')) return;
  const target = machine.threads.get(Number(fd.name.slice('/proc/'.length)));
  const copied = target && machine.fdTable(target).get(evt.int(2));
  if (copied !== undefined) machine.addFd(evt.int(0), Fd.copyOf(copied));
}

export const applyProcess: HandlerTable = {
  'clone<': cloneExit,
  'clone3<': cloneExit,
  'fork<': cloneExit,
  'vfork<': cloneExit,
  'execve<': execveExit,
  'execveat<': execveExit,
  'procexit>': procexit,
  'procinfo>': procinfo,
  'switch>': schedSwitch,
  'brk<': memoryExit,
  'mmap<': memoryExit,
  'mmap2<': memoryExit,
  'munmap<': memoryExit,
  'setuid<': setIds('uid', 0),
  'setresuid<': setIds('uid', 1),
  'setreuid<': setIds('uid', 1),
  'setgid<': setIds('gid', 0),
  'setresgid<': setIds('gid', 1),
  'setregid<': setIds('gid', 1),
  'setsid<': setsidExit,
  'chdir<': chdirExit,
  'fchdir<': fchdirExit,
  'getcwd<': getcwdExit,
  'chroot<': chrootExit,
  'getrlimit<': rlimitExit,
  'setrlimit<': rlimitExit,
  'prlimit<': rlimitExit,
  'pidfd_getfd<': pidfdGetfdExit,
};
