// SPDX-License-Identifier: Apache-2.0
// An open descriptor: what is known of a file, socket, pipe …

import type { ByteText } from '../base/units.ts';

/** Kinds of descriptors, numbers of the scap format. */
export const FdType = {
  UNKNOWN: 0,
  FILE: 1,
  DIRECTORY: 2,
  IPV4_SOCK: 3,
  IPV6_SOCK: 4,
  IPV4_SERVSOCK: 5,
  IPV6_SERVSOCK: 6,
  FIFO: 7,
  UNIX_SOCK: 8,
  EVENT: 9,
  UNSUPPORTED: 10,
  SIGNALFD: 11,
  EVENTPOLL: 12,
  INOTIFY: 13,
  TIMERFD: 14,
  NETLINK: 15,
  FILE_V2: 16,
  BPF: 17,
  USERFAULTFD: 18,
  IOURING: 19,
  MEMFD: 20,
  PIDFD: 21,
} as const;

/** The kind's letter in printed descriptors, and the value of fd.type; '' prints as <NA>. Indexed by FdType. */
export const FD_TYPES: readonly { readonly char: string; readonly name: string }[] = [
  { char: 'o', name: '' },
  { char: 'f', name: 'file' },
  { char: 'd', name: 'directory' },
  { char: '4', name: 'ipv4' },
  { char: '6', name: 'ipv6' },
  { char: '4', name: 'ipv4' },
  { char: '6', name: 'ipv6' },
  { char: 'p', name: 'pipe' },
  { char: 'u', name: 'unix' },
  { char: 'e', name: 'event' },
  { char: 'X', name: '' },
  { char: 's', name: 'signalfd' },
  { char: 'l', name: 'eventpoll' },
  { char: 'i', name: 'inotify' },
  { char: 't', name: 'timerfd' },
  { char: 'n', name: 'netlink' },
  { char: 'f', name: 'file' },
  { char: 'b', name: 'bpf' },
  { char: 'u', name: 'userfaultfd' },
  { char: 'r', name: 'io_uring' },
  { char: 'm', name: 'memfd' },
  { char: 'P', name: 'pidfd' },
];

/** Transport protocols, numbers of the scap format. */
export const L4 = { UNKNOWN: 0, NA: 1, TCP: 2, UDP: 3, ICMP: 4, RAW: 5 } as const;

/** Which end of a connection this machine's process is. Source = client, destination = server, in names and tuples. */
export const Role = { NONE: 0, CLIENT: 1, SERVER: 2 } as const;

const ZERO4 = new Uint8Array(4);

export class Fd {
  type: number = FdType.UNKNOWN;
  name: ByteText = '';
  /** scap open flags */
  openFlags = 0;
  role: number = Role.NONE;
  l4: number = L4.UNKNOWN;
  /** Addresses in network order, 4 or 16 bytes. A server socket's own address is in sourceIp and sourcePort. */
  sourceIp: Uint8Array = ZERO4;
  destIp: Uint8Array = ZERO4;
  sourcePort = 0;
  destPort = 0;
  /** Unix sockets: kernel addresses of both ends. */
  unixSource = 0n;
  unixDest = 0n;
  inode = 0n;
  device = 0;
  /** A tuple was set: the socket is connected. */
  connected = false;
  /** connect() is under way (EINPROGRESS). */
  connectPending = false;
  /** The descriptor does not block: EAGAIN is no error there. */
  closeInProgress = false;
  closeCancelled = false;
  /** Running number of the event that opened it; 0: it was open before the capture. Names the incarnation. */
  openedBy = 0;
  /** Row of the store's fd dimension that equals what is known now; -1 = something changed since. */
  row = -1;

  // field by field: a fork copies all descriptors, and Object.assign takes ten times as long
  static copyOf(other: Fd): Fd {
    const copy = new Fd();
    copy.type = other.type;
    copy.name = other.name;
    copy.openFlags = other.openFlags;
    copy.role = other.role;
    copy.l4 = other.l4;
    copy.sourceIp = other.sourceIp;
    copy.destIp = other.destIp;
    copy.sourcePort = other.sourcePort;
    copy.destPort = other.destPort;
    copy.unixSource = other.unixSource;
    copy.unixDest = other.unixDest;
    copy.inode = other.inode;
    copy.device = other.device;
    copy.connected = other.connected;
    copy.connectPending = other.connectPending;
    copy.openedBy = other.openedBy;
    return copy;
  }

  get isFile(): boolean {
    return this.type === FdType.FILE || this.type === FdType.FILE_V2 || this.type === FdType.DIRECTORY;
  }

  get isIpv4(): boolean {
    return this.type === FdType.IPV4_SOCK || this.type === FdType.IPV4_SERVSOCK;
  }

  get isIpv6(): boolean {
    return this.type === FdType.IPV6_SOCK || this.type === FdType.IPV6_SERVSOCK;
  }

  get isInet(): boolean {
    return this.type >= FdType.IPV4_SOCK && this.type <= FdType.IPV6_SERVSOCK;
  }

  get isServerSocket(): boolean {
    return this.type === FdType.IPV4_SERVSOCK || this.type === FdType.IPV6_SERVSOCK;
  }

  get isSocket(): boolean {
    return this.isInet || this.type === FdType.UNIX_SOCK || this.type === FdType.NETLINK;
  }
}

export type FdTable = Map<number, Fd>;
