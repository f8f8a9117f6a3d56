// SPDX-License-Identifier: Apache-2.0
// Constants of a filter, converted to the type of what they are compared with, once.

import { FilterError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import type { FieldEnv, FieldType, Value } from '../field/field.ts';
import { servicePort } from '../print/ports.ts';
import type { Literal } from './ast.ts';

/** An address with the number of its leading bits that count. */
export type Network = { readonly address: Uint8Array; readonly bits: number };

const INTEGERS: Readonly<Partial<Record<FieldType, readonly [bigint, bigint]>>> = {
  INT16: [-(1n << 15n), (1n << 15n) - 1n],
  INT32: [-(1n << 31n), (1n << 31n) - 1n],
  INT64: [-(1n << 63n), (1n << 63n) - 1n],
  UINT32: [0n, (1n << 32n) - 1n],
  UINT64: [0n, (1n << 64n) - 1n],
  RELTIME: [-(1n << 63n), (1n << 64n) - 1n],
  ABSTIME: [0n, (1n << 64n) - 1n],
};

export function isNumber(type: FieldType): boolean {
  return type in INTEGERS || type === 'PORT' || type === 'DOUBLE';
}

/** @throws FilterError `bad-value` */
export function constant(literal: Literal, type: FieldType, env: FieldEnv): Value {
  const { text } = literal;
  const range = INTEGERS[type];
  if (range !== undefined) return integer(literal, range);
  switch (type) {
    case 'PORT':
      if (/^\d+$/.test(text)) return integer(literal, [0n, 65535n]);
      return (
        env.servicePort?.(text) ??
        servicePort(text) ??
        wrong(literal, `"${text}" is neither a port nor a service that is known here`)
      );
    case 'DOUBLE':
      return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : wrong(literal, `"${text}" is no number`);
    case 'BOOL':
      return text === 'true'
        ? true
        : text === 'false'
          ? false
          : wrong(literal, `"${text}" is neither true nor false`);
    case 'IPADDR':
      return address(text) ?? wrong(literal, `"${text}" is no IP address`);
    default:
      return text;
  }
}

function integer(literal: Literal, [low, high]: readonly [bigint, bigint]): Value {
  const { text } = literal;
  if (!/^[+-]?\d+$/.test(text)) return wrong(literal, `"${text}" is no whole number`);
  const value = BigInt(text.replace(/^\+/, ''));
  if (value < low || value > high) return wrong(literal, `${text} is out of range: ${low} to ${high}`);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function wrong(literal: Literal, message: string): never {
  throw new FilterError('bad-value', message, literal.position, literal.span);
}

/** @throws FilterError `bad-value` */
export function network(literal: Literal): Network {
  const { text } = literal;
  const slash = text.lastIndexOf('/');
  const ip = address(slash < 0 ? text : text.slice(0, slash));
  if (ip === undefined) return wrong(literal, `"${text}" is no network; one is written as 192.168.0.0/16`);
  if (slash < 0) {
    // an IPv6 network without length means its first 64 bits
    return ip.length === 16
      ? { address: ip, bits: 64 }
      : wrong(literal, `"${text}" has no prefix length; a network is written as ${text}/24`);
  }
  const bits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > ip.length * 8)
    return wrong(literal, `/${bits} is no prefix length`);
  return { address: ip, bits: Number(bits) };
}

export function inNetwork(ip: Uint8Array, { address, bits }: Network): boolean {
  if (ip.length !== address.length) return false;
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff;
    if ((((ip[bit >> 3] as number) ^ (address[bit >> 3] as number)) & mask) !== 0) return false;
  }
  return true;
}

/** Bytes of an address in text form; undefined if it is none. */
export function address(text: ByteText): Uint8Array | undefined {
  return text.includes(':') ? ipv6(text) : ipv4(text);
}

function ipv4(text: ByteText): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined;
  return Uint8Array.from(parts, Number);
}

function ipv6(text: ByteText): Uint8Array | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  let whole = text;
  if (embedded !== null) {
    const tail = ipv4(embedded[2] ?? '');
    if (tail === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = tail;
    whole = `${embedded[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = whole.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const [before = [], after = []] = groups;
  const missing = 8 - before.length - after.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...before, ...Array.from({ length: halves.length === 2 ? missing : 0 }, () => '0'), ...after];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}

/** Bytes written as hexadecimal digits. @throws FilterError `bad-value` */
export function hexBytes(literal: Literal): ByteText {
  const { text } = literal;
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text))
    return wrong(literal, `"${text}" is no even number of hexadecimal digits`);
  return text.replace(/../g, (digits) => String.fromCharCode(Number.parseInt(digits, 16)));
}
