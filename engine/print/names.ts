// SPDX-License-Identifier: Apache-2.0
// Names of numbers: flags, signals, errnos, users, descriptors' letters.

import { ERRNO_NAMES, NAME_TABLES, SIGNAL_NAMES } from '../event/enums.ts';
import type { EventContext } from '../state/context.ts';
import { FD_TYPES, FdType, L4, Role, type Fd } from '../state/fd.ts';
import { formatEndpoint, formatIp } from '../state/tuple.ts';
import type { ByteText } from '../base/units.ts';
import type { PortProtocol, PrintOptions } from './options.ts';

const cache = new Map<string, Map<number, string>>();

/** Names of the flags set in `value`, joined by '|'; '' if none is known. The walk is the one of scap readers. */
export function flagNames(table: string, value: number): string {
  let known = cache.get(table);
  if (known === undefined) {
    known = new Map();
    cache.set(table, known);
  }
  let names = known.get(value);
  if (names === undefined) {
    names = walkFlags(table, value);
    if (known.size > 4096) known.clear();
    known.set(value, names);
  }
  return names;
}

function walkFlags(table: string, value: number): string {
  const names: string[] = [];
  let rest = value >>> 0;
  for (const [name, flag] of NAME_TABLES[table] ?? []) {
    if (flag >>> 0 === value >>> 0) {
      names.push(name);
      break;
    }
    if (flag !== 0 && (rest & flag) >>> 0 === flag >>> 0) {
      names.push(name);
      rest = (rest & ~flag) >>> 0;
    }
  }
  return names.join('|');
}

export function errnoLabel(errno: number): string {
  return ERRNO_NAMES[errno] ?? '';
}

export function signalText(signal: number): string {
  return SIGNAL_NAMES[signal] ?? '';
}

const NOBODY = 0xffffffff;

export function userText(ctx: EventContext, uid: number): ByteText {
  if (uid === NOBODY) return '<NONE>';
  return ctx.user(uid)?.name ?? '<NA>';
}

export function groupText(ctx: EventContext, gid: number): ByteText {
  if (gid === NOBODY) return '<NONE>';
  return ctx.group(gid)?.name ?? '<NA>';
}

const L4_CHAR: Readonly<Record<number, string>> = {
  [L4.TCP]: 't',
  [L4.UDP]: 'u',
  [L4.ICMP]: 'i',
  [L4.RAW]: 'r',
};

/** The letters in `<4t>`: kind, and for IP sockets the protocol where a role makes it certain. */
export function fdTypeText(fd: Fd): string {
  const char = FD_TYPES[fd.type]?.char ?? 'o';
  if (!fd.isInet) return char;
  if (!fd.isServerSocket && fd.role === Role.NONE && fd.l4 !== L4.RAW) return char;
  return char + (L4_CHAR[fd.l4] ?? '');
}

/** Protocol under which the port of a descriptor has its name. */
export function portProtocol(fd: Fd | undefined): PortProtocol {
  return fd?.l4 === L4.UDP ? 'udp' : 'tcp';
}

export function portText(port: number, protocol: PortProtocol, options: PrintOptions): string {
  return options.portName?.(port, protocol) ?? String(port);
}

export function endpointText(
  ip: Uint8Array,
  port: number,
  protocol: PortProtocol,
  options: PrintOptions,
): string {
  if (options.portName === undefined) return formatEndpoint(ip, port);
  return `${formatIp(ip)}:${portText(port, protocol, options)}`;
}

/** Name of a descriptor, with names of ports where the options ask for them. */
export function fdNameText(fd: Fd, options: PrintOptions): ByteText {
  // a name that is no tuple was given by bind: nobody served there yet
  if (options.portName === undefined || !fd.isInet || !(fd.isServerSocket || fd.name.includes('->')))
    return fd.name;
  const protocol = portProtocol(fd);
  const source = endpointText(fd.sourceIp, fd.sourcePort, protocol, options);
  if (fd.type === FdType.IPV4_SERVSOCK || fd.type === FdType.IPV6_SERVSOCK) return source;
  return `${source}->${endpointText(fd.destIp, fd.destPort, protocol, options)}`;
}

/** Bytes outside 0x20–0x7e removed, as names print. */
export function printable(text: ByteText): ByteText {
  return CONTROL.test(text) ? text.replace(/[^\x20-\x7e]/g, '') : text;
}
const CONTROL = /[^\x20-\x7e]/;
