// SPDX-License-Identifier: Apache-2.0
// Addresses and connections: their bytes in events, and their text.

import { byteText } from '../base/text.ts';
import type { ByteText } from '../base/units.ts';

/** Dotted quad, or the compressed lower-case form of IPv6 (`::ffff:1.2.3.4` for mapped addresses). Bytes in network order. */
export function formatIp(ip: Uint8Array): ByteText {
  if (ip.length === 4) return `${ip[0]}.${ip[1]}.${ip[2]}.${ip[3]}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((ip[i] as number) << 8) | (ip[i + 1] as number));
  const zeros = longestZeros(groups);
  const embedded = embedsIpv4(groups, zeros);
  const shown = embedded ? 6 : 8;
  let text = '';
  for (let i = 0; i < shown; i++) {
    if (i === zeros.start && zeros.length > 1) {
      text += '::';
      i += zeros.length - 1;
      continue;
    }
    if (text !== '' && !text.endsWith(':')) text += ':';
    text += (groups[i] as number).toString(16);
  }
  if (!embedded) return text;
  return `${text}${text.endsWith(':') ? '' : ':'}${formatIp(ip.subarray(12))}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  return best;
}

// As inet_ntop: ::a.b.c.d and ::ffff:a.b.c.d show their last four bytes as IPv4; ::1 and :: do not.
function embedsIpv4(groups: readonly number[], zeros: { start: number; length: number }): boolean {
  if (zeros.start !== 0) return false;
  return (
    zeros.length === 6 ||
    (zeros.length === 7 && groups[7] !== 1) ||
    (zeros.length === 5 && groups[5] === 0xffff)
  );
}

export function formatEndpoint(ip: Uint8Array, port: number): ByteText {
  return `${formatIp(ip)}:${port}`;
}

export function isZero(ip: Uint8Array): boolean {
  for (let i = 0; i < ip.length; i++) if (ip[i] !== 0) return false;
  return true;
}

/** Whether an IPv6 address stands for an IPv4 one, as scap readers test it. */
export function isV4Mapped(ip: Uint8Array): boolean {
  if (ip.length !== 16) return false;
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false;
  if (ip[10] === 0xff && ip[11] === 0xff) return true;
  for (let i = 10; i < 16; i++) if (ip[i] !== 0) return false;
  return true;
}

export function sameIp(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export type InetTuple = {
  readonly family: 'inet';
  readonly sourceIp: Uint8Array;
  readonly sourcePort: number;
  readonly destIp: Uint8Array;
  readonly destPort: number;
};

export type UnixTuple = {
  readonly family: 'unix';
  readonly source: bigint;
  readonly dest: bigint;
  readonly path: ByteText;
};

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

const port = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8);

function big(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(at, true);
}

// slice() takes several times as long for so few bytes
function copy(bytes: Uint8Array, at: number, size: number): Uint8Array {
  const part = new Uint8Array(size);
  for (let i = 0; i < size; i++) part[i] = bytes[at + i] as number;
  return part;
}

function untilNul(bytes: Uint8Array, at: number): ByteText {
  const nul = bytes.indexOf(0, at);
  return byteText(bytes, at, nul < 0 ? bytes.length : nul);
}

/** A SOCKTUPLE param; undefined if it is empty, of another family, or has an impossible size. The addresses are copies. */
export function parseTuple(bytes: Uint8Array): InetTuple | UnixTuple | undefined {
  switch (bytes[0]) {
    case AF_INET:
      if (bytes.length !== 13) return undefined;
      return {
        family: 'inet',
        sourceIp: copy(bytes, 1, 4),
        sourcePort: port(bytes, 5),
        destIp: copy(bytes, 7, 4),
        destPort: port(bytes, 11),
      };
    case AF_INET6: {
      if (bytes.length !== 37) return undefined;
      const sourceIp = copy(bytes, 1, 16);
      const destIp = copy(bytes, 19, 16);
      const mapped = isV4Mapped(sourceIp) && isV4Mapped(destIp);
      return {
        family: 'inet',
        sourceIp: mapped ? sourceIp.slice(12) : sourceIp,
        sourcePort: port(bytes, 17),
        destIp: mapped ? destIp.slice(12) : destIp,
        destPort: port(bytes, 35),
      };
    }
    case AF_UNIX:
      if (bytes.length < 17) return undefined;
      return { family: 'unix', source: big(bytes, 1), dest: big(bytes, 9), path: untilNul(bytes, 17) };
    default:
      return undefined;
  }
}

export type Address =
  | { readonly family: 'inet'; readonly ip: Uint8Array; readonly port: number }
  | { readonly family: 'unix'; readonly path: ByteText };

/** A SOCKADDR param; undefined if it is empty, of another family, or has an impossible size. */
export function parseAddress(bytes: Uint8Array): Address | undefined {
  switch (bytes[0]) {
    case AF_INET:
      return bytes.length === 7 ? { family: 'inet', ip: copy(bytes, 1, 4), port: port(bytes, 5) } : undefined;
    case AF_INET6: {
      if (bytes.length !== 19) return undefined;
      return { family: 'inet', ip: copy(bytes, 1, 16), port: port(bytes, 17) };
    }
    case AF_UNIX:
      return { family: 'unix', path: untilNul(bytes, 1) };
    default:
      return undefined;
  }
}

/** Unix tuple as it prints: `SRC->DST path`, addresses in hex. */
export function formatUnixTuple(tuple: UnixTuple): ByteText {
  return `${tuple.source.toString(16)}->${tuple.dest.toString(16)} ${tuple.path}`;
}
