// SPDX-License-Identifier: Apache-2.0
// The machine's tables from a snapshot.

import type { Snapshot, SnapshotFd, SnapshotThread } from '../event/source.ts';
import { membershipOf } from './container.ts';
import { Fd, FdType, Role } from './fd.ts';
import type { Machine } from './machine.ts';
import { normaliseCwd } from './path.ts';
import { nameInetFd } from './sockets.ts';
import { Thread, ThreadFlag } from './thread.ts';
import { isV4Mapped } from './tuple.ts';

export function loadSnapshot(machine: Machine, snapshot: Snapshot): void {
  machine.hostname = snapshot.machine.hostname;
  machine.cpus = snapshot.machine.cpus;
  machine.bootTime = snapshot.machine.bootTime;
  machine.interfaces = snapshot.interfaces;
  for (const user of snapshot.users) machine.users.set(user.uid, user);
  for (const group of snapshot.groups) machine.groups.set(group.gid, group);
  const serverPorts = new Set<number>();
  for (const item of snapshot.threads) {
    const thread = toThread(item);
    if (item.pidnsStart !== undefined && item.pidnsStart > 0n)
      thread.pidnsStart = snapshot.machine.bootTime + item.pidnsStart;
    for (const fd of item.fds) {
      const loaded = toFd(fd, machine.classic);
      if (loaded.isServerSocket) serverPorts.add(loaded.sourcePort);
      thread.fds.set(fd.fd, loaded);
    }
    machine.threads.set(thread.tid, thread);
  }
  for (const thread of machine.threads.values()) {
    if ((thread.flags & ThreadFlag.CLONE_THREAD) !== 0) {
      const main = machine.threads.get(thread.pid);
      if (main !== undefined) main.childCount++;
    }
    // a connection whose source port is one that this machine serves was accepted, not made
    for (const fd of thread.fds.values()) {
      if (fd.type !== FdType.IPV4_SOCK) continue;
      if (serverPorts.has(fd.sourcePort)) {
        [fd.sourceIp, fd.destIp] = [fd.destIp, fd.sourceIp];
        [fd.sourcePort, fd.destPort] = [fd.destPort, fd.sourcePort];
        fd.role = Role.SERVER;
        nameInetFd(fd);
      } else {
        fd.role = Role.CLIENT;
      }
    }
  }
}

function toThread(item: SnapshotThread): Thread {
  const thread = new Thread(item.tid, item.pid);
  thread.ptid = item.ptid;
  thread.sid = item.sid;
  thread.vpgid = item.vpgid;
  thread.tty = item.tty;
  thread.loginuid = item.loginuid;
  thread.comm = item.comm;
  thread.exe = item.exe;
  thread.exepath = item.exepath;
  thread.args = item.args;
  if (item.tid === item.pid) {
    thread.env = item.env;
    thread.cwd = normaliseCwd(item.cwd);
  }
  thread.root = item.root;
  thread.flags = item.flags;
  thread.fdlimit = item.fdlimit;
  thread.uid = item.uid;
  thread.gid = item.gid;
  thread.vtid = item.vtid;
  thread.vpid = item.vpid;
  thread.vmSize = item.vmSize;
  thread.vmRss = item.vmRss;
  thread.vmSwap = item.vmSwap;
  thread.majorFaults = item.majorFaults;
  thread.minorFaults = item.minorFaults;
  ({ cgroups: thread.cgroups, containerId: thread.containerId } = membershipOf(item.cgroups.join('\0')));
  thread.exeWritable = item.exeWritable;
  thread.exeFile = item.exeFile;
  thread.capabilities = item.capabilities;
  return thread;
}

function toFd(item: SnapshotFd, classic: boolean): Fd {
  const fd = new Fd();
  fd.type = item.type;
  fd.inode = item.inode;
  fd.name = item.name;
  fd.openFlags = item.openFlags ?? 0;
  fd.device = item.device ?? 0;
  fd.l4 = item.l4 ?? 0;
  if (item.sourceIp !== undefined) fd.sourceIp = item.sourceIp;
  if (item.destIp !== undefined) fd.destIp = item.destIp;
  fd.sourcePort = item.sourcePort ?? 0;
  fd.destPort = item.destPort ?? 0;
  fd.unixSource = item.sourceAddress ?? 0n;
  fd.unixDest = item.destAddress ?? 0n;
  if (fd.type === FdType.IPV6_SOCK && isV4Mapped(fd.sourceIp) && isV4Mapped(fd.destIp)) {
    fd.type = FdType.IPV4_SOCK;
    fd.sourceIp = fd.sourceIp.slice(12);
    fd.destIp = fd.destIp.slice(12);
  }
  if (fd.isInet) nameInetFd(fd);
  if (fd.type === FdType.IPV4_SOCK || fd.type === FdType.IPV6_SOCK) fd.connected = true;
  if (fd.isServerSocket && !classic) fd.role = Role.SERVER;
  if (fd.type === FdType.UNIX_SOCK) fd.role = fd.name === '' ? Role.CLIENT : Role.SERVER;
  return fd;
}
