// SPDX-License-Identifier: Apache-2.0
// The sockets of a network namespace by inode, from /proc/PID/net: what the descriptors of the snapshot are connected to.

import { FdType, L4 } from '../../engine/state/fd.ts';
import type { SnapshotFd } from '../../engine/event/source.ts';
import { readText } from './procfs.ts';

export type SocketFacts = Omit<SnapshotFd, 'fd'>;

const TABLES: readonly (readonly [file: string, l4: number, width: 4 | 16])[] = [
  ['tcp', L4.TCP, 4],
  ['tcp6', L4.TCP, 16],
  ['udp', L4.UDP, 4],
  ['udp6', L4.UDP, 16],
  ['raw', L4.RAW, 4],
  ['raw6', L4.RAW, 16],
];

/** The kernel prints addresses as 32-bit words in the machine's order. */
function parseIp(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let word = 0; word < bytes.length; word += 4) {
    for (let i = 0; i < 4; i++)
      bytes[word + i] = Number.parseInt(hex.slice((word + 3 - i) * 2, (word + 3 - i) * 2 + 2), 16);
  }
  return bytes;
}

function parseEnd(text: string): { readonly ip: Uint8Array; readonly port: number } {
  const [ip = '', port = '0'] = text.split(':');
  return { ip: parseIp(ip), port: Number.parseInt(port, 16) };
}

/** By inode. `pid`: a process in the namespace. */
export function readSockets(pid: number): Map<string, SocketFacts> {
  const sockets = new Map<string, SocketFacts>();
  for (const [file, l4, width] of TABLES) {
    for (const line of readText(`/proc/${pid}/net/${file}`).split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      const inode = columns[9];
      if (inode === undefined) continue;
      const local = parseEnd(columns[1] ?? '');
      const remote = parseEnd(columns[2] ?? '');
      const isServer = remote.port === 0;
      const ipv4 = width === 4;
      const type = isServer
        ? ipv4
          ? FdType.IPV4_SERVSOCK
          : FdType.IPV6_SERVSOCK
        : ipv4
          ? FdType.IPV4_SOCK
          : FdType.IPV6_SOCK;
      sockets.set(inode, {
        type,
        inode: BigInt(inode),
        name: '',
        l4,
        sourceIp: local.ip,
        sourcePort: local.port,
        ...(isServer ? {} : { destIp: remote.ip, destPort: remote.port }),
      });
    }
  }
  for (const line of readText(`/proc/${pid}/net/unix`).split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const inode = columns[6];
    if (inode === undefined) continue;
    const address = /^([0-9a-f]+):$/.exec(columns[0] ?? '')?.[1] ?? '0';
    sockets.set(inode, {
      type: FdType.UNIX_SOCK,
      inode: BigInt(inode),
      name: columns.slice(7).join(' '),
      sourceAddress: BigInt(`0x${address}`),
      destAddress: 0n,
    });
  }
  return sockets;
}
