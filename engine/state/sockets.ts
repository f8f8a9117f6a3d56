// SPDX-License-Identifier: Apache-2.0
// What tuples in events say about a socket: addresses, role, name. Source = client, destination = server, always.

import { type Fd, FdType, L4, Role } from './fd.ts';
import type { Machine } from './machine.ts';
import {
  formatEndpoint,
  formatIp,
  formatUnixTuple,
  isZero,
  sameIp,
  type InetTuple,
  type UnixTuple,
} from './tuple.ts';

/** Sets the name of an IPv4 or IPv6 descriptor from its addresses. */
export function nameInetFd(fd: Fd): void {
  fd.row = -1;
  if (fd.isServerSocket) {
    fd.name = formatEndpoint(fd.sourceIp, fd.sourcePort);
    return;
  }
  const portless = fd.type === FdType.IPV4_SOCK && (fd.l4 === L4.ICMP || fd.l4 === L4.RAW);
  if (portless) fd.name = `${formatIp(fd.sourceIp)}->${formatIp(fd.destIp)}`;
  else if (fd.type === FdType.IPV4_SOCK && (fd.l4 === L4.UNKNOWN || fd.l4 === L4.NA)) fd.name = '<unknown>';
  else fd.name = `${formatEndpoint(fd.sourceIp, fd.sourcePort)}->${formatEndpoint(fd.destIp, fd.destPort)}`;
}

const ZERO4 = new Uint8Array(4);
const ZERO16 = new Uint8Array(16);
/** What stands in the padding byte there. */
const PADDING = 0xff;

/** Makes the descriptor a connected socket of the tuple's family, keeping what fits. */
function becomeConnected(machine: Machine, fd: Fd, tuple: InetTuple): void {
  const ipv4 = tuple.sourceIp.length === 4;
  const type = ipv4 ? FdType.IPV4_SOCK : FdType.IPV6_SOCK;
  if (fd.type === type) return;
  if (machine.classic && ipv4 && fd.type === FdType.IPV4_SERVSOCK) {
    // sysdig 0.29.3 reads the memory of the server address (ip, port, l4) as that of a tuple (source ip, destination ip, ports, l4)
    fd.destIp = new Uint8Array([fd.sourcePort & 0xff, fd.sourcePort >> 8, fd.l4, PADDING]);
    fd.sourcePort = 0;
    fd.destPort = 0;
    fd.l4 = L4.UNKNOWN;
  } else {
    fd.sourceIp = ipv4 ? ZERO4 : ZERO16;
    fd.destIp = ipv4 ? ZERO4 : ZERO16;
    fd.sourcePort = 0;
    fd.destPort = 0;
  }
  fd.type = type;
}

/** For accept and connect: the tuple is what the kernel says, both ends. */
export function setTuple(machine: Machine, fd: Fd, tuple: InetTuple, overwriteDest: boolean): boolean {
  const same =
    (sameEnd(fd.sourceIp, fd.sourcePort, tuple.sourceIp, tuple.sourcePort) &&
      sameEnd(fd.destIp, fd.destPort, tuple.destIp, tuple.destPort)) ||
    (sameEnd(fd.sourceIp, fd.sourcePort, tuple.destIp, tuple.destPort) &&
      sameEnd(fd.destIp, fd.destPort, tuple.sourceIp, tuple.sourcePort));
  if (same && !fd.isServerSocket) return false;
  fd.row = -1;
  becomeConnected(machine, fd, tuple);
  fd.sourceIp = tuple.sourceIp;
  fd.sourcePort = tuple.sourcePort;
  if (overwriteDest || isZero(fd.destIp)) fd.destIp = tuple.destIp;
  if (overwriteDest || fd.destPort === 0) fd.destPort = tuple.destPort;
  // a tuple that is only learned now belongs to a datagram socket
  if (fd.l4 === L4.UNKNOWN) fd.l4 = L4.UDP;
  patchUnbound(machine, fd);
  return true;
}

function sameEnd(ipA: Uint8Array, portA: number, ipB: Uint8Array, portB: number): boolean {
  return portA === portB && sameIp(ipA, ipB);
}

/** Sockets bound to "any" have no source address until one is chosen: take the interface that leads to the other end. */
function patchUnbound(machine: Machine, fd: Fd): void {
  const sourceZero = isZero(fd.sourceIp);
  if (sourceZero === isZero(fd.destIp)) return;
  const known = sourceZero ? fd.destIp : fd.sourceIp;
  const patch = interfaceFor(machine, known);
  if (patch === undefined) return;
  if (sourceZero) fd.sourceIp = patch;
  else fd.destIp = patch;
}

function interfaceFor(machine: Machine, ip: Uint8Array): Uint8Array | undefined {
  const candidates = machine.interfaces.filter((item) => item.address.length === ip.length);
  const own = candidates.find((item) => sameIp(item.address, ip));
  if (own !== undefined) return own.address;
  const near = candidates.find((item) =>
    ip.length === 16
      ? sameIp(item.address.subarray(0, 8), ip.subarray(0, 8))
      : item.address.every(
          (byte, i) =>
            (byte & (item.netmask[i] as number)) === ((ip[i] as number) & (item.netmask[i] as number)),
        ),
  );
  if (near !== undefined) return near.address;
  return candidates.find((item) => !isLoopback(item.address))?.address;
}

function isLoopback(ip: Uint8Array): boolean {
  return ip.length === 4 ? ip[0] === 127 : ip[15] === 1 && isZero(ip.subarray(0, 15));
}

/** Unix sockets after connect and accept: kernel addresses, and the tuple as name. */
export function setUnixTuple(fd: Fd, tuple: UnixTuple): void {
  fd.row = -1;
  fd.type = FdType.UNIX_SOCK;
  fd.unixSource = tuple.source;
  fd.unixDest = tuple.dest;
  fd.name = formatUnixTuple(tuple);
}

/**
 * What a datagram's addresses tell about a socket that was not connected: on first sight, who receives is the server and who
 * sends is the client. `sent`: the data left this process.
 */
export function learnFromTransfer(
  machine: Machine,
  fd: Fd,
  tuple: InetTuple | UnixTuple,
  sent: boolean,
): void {
  if (tuple.family === 'unix') {
    setUnixTuple(fd, tuple);
    return;
  }
  if (!setTuple(machine, fd, tuple, false)) return;
  if (fd.role === Role.NONE) {
    const guess = sent ? Role.CLIENT : Role.SERVER;
    fd.role = machine.classic && fd.isIpv6 ? Role.CLIENT : guess;
  }
  if (sent ? fd.role === Role.SERVER : fd.role === Role.CLIENT) {
    [fd.sourceIp, fd.destIp] = [fd.destIp, fd.sourceIp];
    [fd.sourcePort, fd.destPort] = [fd.destPort, fd.sourcePort];
  }
  nameInetFd(fd);
}
