// SPDX-License-Identifier: Apache-2.0
// The machine's tables as a snapshot, as they are at this event: what a file that begins here has to say first. load.ts is the way
// back.

import type { Snapshot, SnapshotFd, SnapshotThread } from '../event/source.ts';
import { FdType, Role, type Fd } from './fd.ts';
import type { Machine } from './machine.ts';
import { ThreadFlag, type Thread } from './thread.ts';

/** Flags that only a reader makes. */
const OWN_FLAGS = ThreadFlag.CLONE_INVERTED | ThreadFlag.IS_MAIN_THREAD;

/** @param began the snapshot that the machine was loaded from: what never changes is taken from it */
export function saveSnapshot(machine: Machine, began: Snapshot): Snapshot {
  return {
    machine: began.machine,
    interfaces: began.interfaces,
    users: [...machine.users.values()],
    groups: [...machine.groups.values()],
    threads: [...machine.threads.values()].map((thread) => saveThread(machine, thread)),
  };
}

function saveThread(machine: Machine, thread: Thread): SnapshotThread {
  const { tid, pid, ptid, sid, vpgid, comm, exe, exepath, args, root, fdlimit, uid, gid } = thread;
  const { loginuid, vtid, vpid, vmSize, vmRss, vmSwap, majorFaults, minorFaults, tty, exeWritable } = thread;
  const main = machine.mainThread(thread);
  return {
    tid, pid, ptid, sid, vpgid, comm, exe, exepath, args, root, fdlimit, uid, gid,
    loginuid, vtid, vpid, vmSize, vmRss, vmSwap, majorFaults, minorFaults, tty, exeWritable,
    ...(thread.exeFile === undefined ? {} : { exeFile: thread.exeFile }),
    ...(thread.capabilities === undefined ? {} : { capabilities: thread.capabilities }),
    env: main.env,
    cwd: main.cwd,
    flags: (thread.flags & ~OWN_FLAGS) >>> 0,
    cgroups: thread.cgroups.map(([subsystem, path]) => `${subsystem}=${path}`),
    fds: [...thread.fds].flatMap(([num, fd]) => (num < 0 ? [] : [saveFd(num, fd)])),
  }; // prettier-ignore
}

function saveFd(num: number, fd: Fd): SnapshotFd {
  const { inode, name, openFlags, device, l4 } = fd;
  // files that were opened are told by their flags, too
  const type = fd.type === FdType.FILE ? FdType.FILE_V2 : fd.type;
  const base = { fd: num, type, inode, name };
  if (fd.isServerSocket) return { ...base, sourceIp: fd.sourceIp, sourcePort: fd.sourcePort, l4 };
  if (fd.isInet) {
    // lists have the own end first; readers turn accepted connections round by their port
    const [source, dest] =
      fd.role === Role.SERVER
        ? [[fd.destIp, fd.destPort] as const, [fd.sourceIp, fd.sourcePort] as const]
        : [[fd.sourceIp, fd.sourcePort] as const, [fd.destIp, fd.destPort] as const];
    return {
      ...base,
      sourceIp: source[0],
      sourcePort: source[1],
      destIp: dest[0],
      destPort: dest[1],
      l4,
    };
  }
  if (type === FdType.UNIX_SOCK) return { ...base, sourceAddress: fd.unixSource, destAddress: fd.unixDest };
  return type === FdType.FILE_V2 ? { ...base, openFlags, device } : base;
}
