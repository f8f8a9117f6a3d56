// SPDX-License-Identifier: Apache-2.0
// The machine as it is: all threads, their descriptors, users, groups and interfaces, from /proc.

import { statSync, type Stats } from 'node:fs';
import { cpus, hostname, networkInterfaces, totalmem, uptime } from 'node:os';
import { toByteText } from '../../engine/base/text.ts';
import type { ByteText } from '../../engine/base/units.ts';
import type {
  Snapshot,
  SnapshotFd,
  SnapshotGroup,
  SnapshotInterface,
  SnapshotThread,
  SnapshotUser,
} from '../../engine/event/source.ts';
import { address } from '../../engine/filter/constants.ts';
import { FdType } from '../../engine/state/fd.ts';
import { ThreadFlag } from '../../engine/state/thread.ts';
import { listNumbers, readCgroups, readLink, readStat, readStatus, readStrings, readText } from './procfs.ts';
import { readSockets, type SocketFacts } from './sockets.ts';

const LIMIT_STRINGS = 4096;
const NO_LIMIT = -1;

/** Anonymous descriptors, by what /proc calls them. */
const ANONYMOUS: readonly (readonly [prefix: string, type: number])[] = [
  ['anon_inode:[eventpoll]', FdType.EVENTPOLL],
  ['anon_inode:[eventfd', FdType.EVENT],
  ['anon_inode:inotify', FdType.INOTIFY],
  ['anon_inode:[signalfd', FdType.SIGNALFD],
  ['anon_inode:[timerfd', FdType.TIMERFD],
  ['anon_inode:[io_uring', FdType.IOURING],
  ['anon_inode:[userfaultfd', FdType.USERFAULTFD],
  ['anon_inode:bpf', FdType.BPF],
  ['anon_inode:[pidfd', FdType.PIDFD],
  ['/memfd:', FdType.MEMFD],
  ['pipe:', FdType.FIFO],
];

function stat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

class Reader {
  private readonly socketsOf = new Map<string, Map<string, SocketFacts>>();

  private sockets(pid: number): Map<string, SocketFacts> {
    const namespace = readLink(`/proc/${pid}/ns/net`);
    let sockets = this.socketsOf.get(namespace);
    if (sockets === undefined) {
      sockets = readSockets(pid);
      this.socketsOf.set(namespace, sockets);
    }
    return sockets;
  }

  fds(pid: number): SnapshotFd[] {
    return listNumbers(`/proc/${pid}/fd`).flatMap((fd): SnapshotFd[] => {
      const link = readLink(`/proc/${pid}/fd/${fd}`);
      if (link === '') return [];
      const socket = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (socket !== undefined) {
        const facts = this.sockets(pid).get(socket);
        return [
          facts === undefined
            ? { fd, type: FdType.UNSUPPORTED, inode: BigInt(socket), name: '' }
            : { fd, ...facts },
        ];
      }
      const inode = BigInt(/\[(\d+)\]$/.exec(link)?.[1] ?? 0);
      const anonymous = ANONYMOUS.find(([prefix]) => link.startsWith(prefix));
      if (anonymous !== undefined) return [{ fd, type: anonymous[1], inode, name: link }];
      const facts = stat(`/proc/${pid}/fd/${fd}`);
      const type = facts?.isDirectory() === true ? FdType.DIRECTORY : FdType.FILE_V2;
      return [
        {
          fd,
          type,
          inode: BigInt(facts?.ino ?? 0),
          name: link,
          openFlags: 0,
          device: Number(facts?.dev ?? 0) & 0xffffffff,
        },
      ];
    });
  }

  process(pid: number): SnapshotThread[] {
    const base = `/proc/${pid}`;
    const [exe = '', ...args] = readStrings(`${base}/cmdline`);
    const shared = {
      pid,
      exe,
      exepath: readLink(`${base}/exe`),
      args,
      env: limited(readStrings(`${base}/environ`)),
      cwd: readLink(`${base}/cwd`) || '/',
      root: readLink(`${base}/root`) || '/',
      fdlimit: Number(/^Max open files\s+(\d+)/m.exec(readText(`${base}/limits`))?.[1] ?? NO_LIMIT),
      loginuid: Number(readText(`${base}/loginuid`) || 0xffffffff),
      exeWritable: false,
    };
    const leader = this.thread(base, pid, shared, this.fds(pid));
    if (leader === undefined) return [];
    const others = listNumbers(`${base}/task`).filter((tid) => tid !== pid);
    return [leader, ...others.flatMap((tid) => this.thread(`${base}/task/${tid}`, tid, shared, []) ?? [])];
  }

  private thread(
    base: string,
    tid: number,
    shared: Pick<
      SnapshotThread,
      'pid' | 'exe' | 'exepath' | 'args' | 'env' | 'cwd' | 'root' | 'fdlimit' | 'loginuid' | 'exeWritable'
    >,
    fds: readonly SnapshotFd[],
  ): SnapshotThread | undefined {
    const facts = readStat(`${base}/stat`);
    const status = readStatus(`${base}/status`);
    if (facts === undefined || status === undefined) return undefined;
    return {
      ...shared,
      tid,
      ptid: facts.ppid,
      sid: facts.session,
      vpgid: status.vpgid < 0 ? facts.pgrp : status.vpgid,
      comm: facts.comm,
      // kernel threads have no command line
      exe: shared.exe === '' ? facts.comm : shared.exe,
      flags: tid === shared.pid ? 0 : ThreadFlag.CLONE_THREAD | ThreadFlag.CLONE_FILES,
      uid: status.uid,
      gid: status.gid,
      vtid: status.vtid,
      vpid: status.vpid,
      vmSize: status.vmSize,
      vmRss: status.vmRss,
      vmSwap: status.vmSwap,
      majorFaults: facts.majorFaults,
      minorFaults: facts.minorFaults,
      cgroups: readCgroups(`${base}/cgroup`),
      tty: facts.tty,
      fds,
    };
  }
}

function limited(strings: readonly ByteText[]): ByteText[] {
  let size = 0;
  return strings.filter((text) => (size += text.length + 1) <= LIMIT_STRINGS);
}

function users(): SnapshotUser[] {
  return readText('/etc/passwd')
    .split('\n')
    .flatMap((line) => {
      const [name = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
      return /^\d+$/.test(uid) ? [{ uid: Number(uid), gid: Number(gid), name, home, shell }] : [];
    });
}

function groups(): SnapshotGroup[] {
  return readText('/etc/group')
    .split('\n')
    .flatMap((line) => {
      const [name = '', , gid = ''] = line.split(':');
      return /^\d+$/.test(gid) ? [{ gid: Number(gid), name }] : [];
    });
}

function interfaces(): SnapshotInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).flatMap((item): SnapshotInterface[] => {
      const ip = address(item.address.replace(/%.*$/, ''));
      const netmask = address(item.netmask);
      if (ip === undefined || netmask === undefined) return [];
      const broadcast = ip.map((byte, i) => byte | (~(netmask[i] as number) & 0xff));
      return [{ name: toByteText(name), address: ip, netmask, broadcast, linkSpeed: 0n }];
    }),
  );
}

/** Takes the snapshot. `skip`: a process to leave out, sonde itself. */
export function takeSnapshot(skip: number): Snapshot {
  const reader = new Reader();
  const pids = listNumbers('/proc').filter((pid) => pid !== skip);
  return {
    machine: {
      cpus: cpus().length,
      memory: BigInt(totalmem()),
      maxPid: BigInt(readText('/proc/sys/kernel/pid_max').trim() || 32768),
      hostname: toByteText(hostname()),
      bootTime: BigInt(Math.round(Date.now() - uptime() * 1000)) * 1_000_000n,
    },
    threads: pids.flatMap((pid) => reader.process(pid)),
    users: users(),
    groups: groups(),
    interfaces: interfaces(),
  };
}
