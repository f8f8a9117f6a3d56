// SPDX-License-Identifier: Apache-2.0
// socket, bind, connect, accept, send and receive: what they make of a descriptor.

import { Fd, FdType, L4, Role } from '../fd.ts';
import type { HandlerTable, Machine } from '../machine.ts';
import { learnFromTransfer, nameInetFd, setTuple, setUnixTuple } from '../sockets.ts';
import { formatEndpoint, isV4Mapped, parseAddress, parseTuple } from '../tuple.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const EINPROGRESS = 115;

function protocolOf(type: number, protocol: number): number {
  const raw = type === SOCK_RAW;
  switch (protocol) {
    case 6:
      return raw ? L4.RAW : L4.TCP;
    case 17:
      return raw ? L4.RAW : L4.UDP;
    case 1:
      return raw ? L4.RAW : L4.ICMP;
    case 255:
      return L4.RAW;
    case 0:
      if ((type & 0xff) === SOCK_STREAM) return L4.TCP;
      if ((type & 0xff) === SOCK_DGRAM) return L4.UDP;
      return L4.UNKNOWN;
    default:
      return L4.UNKNOWN;
  }
}

function emptySocket(domain: number, type: number, protocol: number): Fd {
  const fd = new Fd();
  switch (domain) {
    case AF_UNIX:
      fd.type = FdType.UNIX_SOCK;
      break;
    case AF_INET:
      fd.type = FdType.IPV4_SOCK;
      fd.l4 = protocolOf(type, protocol);
      break;
    case AF_INET6:
      fd.type = FdType.IPV6_SOCK;
      fd.sourceIp = new Uint8Array(16);
      fd.destIp = new Uint8Array(16);
      fd.l4 = protocolOf(type, protocol);
      break;
    case AF_NETLINK:
      fd.type = FdType.NETLINK;
      break;
    default:
      fd.type = FdType.UNKNOWN;
  }
  return fd;
}

function socketExit(machine: Machine): void {
  const { evt, enter } = machine;
  const num = evt.int(0);
  if (num < 0) return;
  if (enter !== undefined) machine.addFd(num, emptySocket(enter.int(0), enter.int(1), enter.int(2)));
  else if (evt.count >= 4) machine.addFd(num, emptySocket(evt.int(1), evt.int(2), evt.int(3)));
}

function socketpairExit(machine: Machine): void {
  const { evt } = machine;
  if (evt.int(0) < 0) return;
  for (const index of [1, 2]) {
    const fd = new Fd();
    fd.type = FdType.UNIX_SOCK;
    fd.unixSource = evt.big(3);
    fd.unixDest = evt.big(4);
    machine.addFd(evt.int(index), fd);
  }
}

function bindExit(machine: Machine): void {
  const { evt, fd } = machine;
  if (fd === undefined || evt.int(0) < 0) return;
  const address = parseAddress(evt.data(1));
  if (address === undefined) return;
  fd.row = -1;
  if (address.family === 'unix') {
    fd.name = address.path;
    return;
  }
  if (address.port > 0) {
    const mapped = isV4Mapped(address.ip);
    fd.type = address.ip.length === 4 || mapped ? FdType.IPV4_SERVSOCK : FdType.IPV6_SERVSOCK;
    fd.sourceIp = mapped ? address.ip.slice(12) : address.ip;
    fd.sourcePort = address.port;
    fd.role = Role.SERVER;
  }
  fd.name = formatEndpoint(address.ip, address.port);
}

function connectEnter(machine: Machine): void {
  const { evt, fd } = machine;
  if (fd === undefined || evt.count < 2) return;
  presetPeer(machine, fd, parseAddress(evt.data(1)));
}

function presetPeer(machine: Machine, fd: Fd, address: ReturnType<typeof parseAddress>): void {
  if (address === undefined) return;
  fd.row = -1;
  if (address.family === 'unix') {
    fd.type = FdType.UNIX_SOCK;
    fd.name = address.path;
    return;
  }
  const mapped = isV4Mapped(address.ip) && !machine.classic;
  const ip = mapped ? address.ip.slice(12) : address.ip;
  if (ip.length !== fd.sourceIp.length) {
    fd.sourceIp = new Uint8Array(ip.length);
    fd.sourcePort = 0;
  }
  fd.type = ip.length === 4 ? FdType.IPV4_SOCK : FdType.IPV6_SOCK;
  fd.destIp = ip;
  fd.destPort = address.port;
}

function connectExit(machine: Machine): void {
  const { evt, fd } = machine;
  if (fd === undefined) return;
  const result = evt.int(0);
  const pending = result === -EINPROGRESS;
  if (result < 0 && !pending) return;
  const tuple = parseTuple(evt.data(1));
  if (tuple === undefined) {
    // current captures repeat the address that was asked for
    if (evt.count > 3) presetPeer(machine, fd, parseAddress(evt.data(3)));
    return;
  }
  if (tuple.family === 'unix') {
    setUnixTuple(fd, tuple);
  } else {
    const wasServer = fd.role === Role.SERVER && fd.l4 === L4.UDP;
    const changed = setTuple(machine, fd, tuple, true);
    if (changed && wasServer) {
      [fd.sourceIp, fd.destIp] = [fd.destIp, fd.sourceIp];
      [fd.sourcePort, fd.destPort] = [fd.destPort, fd.sourcePort];
    }
    nameInetFd(fd);
  }
  if (fd.role === Role.NONE) fd.role = Role.CLIENT;
  fd.connectPending = pending;
  fd.connected = !pending;
}

function acceptExit(machine: Machine): void {
  const { evt } = machine;
  const num = evt.int(0);
  if (num < 0) return;
  const tuple = parseTuple(evt.data(1));
  if (tuple === undefined) return;
  const fd = new Fd();
  fd.role = Role.SERVER;
  fd.connected = true;
  if (tuple.family === 'unix') {
    setUnixTuple(fd, tuple);
  } else {
    fd.type = tuple.sourceIp.length === 4 ? FdType.IPV4_SOCK : FdType.IPV6_SOCK;
    fd.l4 = L4.TCP;
    fd.sourceIp = tuple.sourceIp;
    fd.sourcePort = tuple.sourcePort;
    fd.destIp = tuple.destIp;
    fd.destPort = tuple.destPort;
    nameInetFd(fd);
  }
  machine.addFd(num, fd);
}

/** sendto may be the first that is heard of a socket. */
function sendtoEnter(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || machine.fd !== undefined) return;
  const num = evt.int(0);
  const tuple = parseTuple(evt.data(2));
  if (num < 0 || tuple?.family !== 'inet') return;
  const fd = emptySocket(tuple.sourceIp.length === 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  machine.addFd(num, fd);
}

function learns(fd: Fd): boolean {
  return fd.name === '' || fd.l4 !== L4.TCP;
}

function receiveExit(machine: Machine): void {
  const { evt, fd } = machine;
  if (fd === undefined || !learns(fd) || evt.int(0) < 0) return;
  const index = evt.type.params.findIndex((param) => param.type === 'SOCKTUPLE');
  const tuple = index < 0 ? undefined : parseTuple(evt.data(index));
  if (tuple !== undefined) learnFromTransfer(machine, fd, tuple, false);
}

function sendExit(machine: Machine): void {
  const { evt, enter, fd } = machine;
  if (fd === undefined || !learns(fd) || evt.int(0) < 0) return;
  const event = enter ?? evt;
  const index = event.type.params.findIndex((param) => param.type === 'SOCKTUPLE');
  const tuple = index < 0 ? undefined : parseTuple(event.data(index));
  if (tuple !== undefined) learnFromTransfer(machine, fd, tuple, true);
}

/** SO_ERROR tells how an asynchronous connect ended. */
function getsockoptExit(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || evt.count < 5 || evt.int(0) < 0) return;
  thread.lastFd = evt.int(1);
  machine.fd ??= machine.fdTable(thread).get(thread.lastFd);
  const { fd } = machine;
  if (fd === undefined || !fd.connectPending) return;
  const value = evt.data(4);
  // DYN: selector 1 = errno
  if (value[0] !== 1) return;
  fd.connectPending = false;
  fd.connected = value.subarray(1).every((byte) => byte === 0);
}

export const applySocket: HandlerTable = {
  'socket<': socketExit,
  'socketpair<': socketpairExit,
  'bind<': bindExit,
  'connect>': connectEnter,
  'connect<': connectExit,
  'accept<': acceptExit,
  'accept4<': acceptExit,
  'sendto>': sendtoEnter,
  'recvfrom<': receiveExit,
  'recvmsg<': receiveExit,
  'recv<': receiveExit,
  'sendto<': sendExit,
  'sendmsg<': sendExit,
  'send<': sendExit,
  'getsockopt<': getsockoptExit,
};
