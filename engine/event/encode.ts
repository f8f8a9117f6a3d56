// SPDX-License-Identifier: Apache-2.0
// Builds the bytes of an event block: for events that sonde itself makes (containers, procinfo, the enters in a recording) and
// for tests.

import { ByteWriter } from '../base/bytes.ts';
import type { ByteText, DurationNs, EpochNs } from '../base/units.ts';
import { EventFlag, eventType, type Param } from './schema.ts';
import { BlockType, EventOption } from './source.ts';

/** Numbers for integer types, ByteText for strings and addresses (strings get their NUL here), bytes for everything else. */
export type ParamValue = number | bigint | ByteText | Uint8Array;

export type EncodedEvent = {
  readonly code: number;
  readonly ts: EpochNs;
  /** -1: no thread */
  readonly tid: number;
  readonly cpu?: number;
  /** In the table's order; fewer than the table has is an older layout. */
  readonly params: readonly ParamValue[];
  readonly dumpFlags?: number;
  readonly latency?: DurationNs;
};

const STRING_TYPES = new Set(['CHARBUF', 'FSPATH', 'FSRELPATH']);

/** Bytes of a value, by type; what is not here has any length. */
export const SIZES: Readonly<Record<string, number>> = {
  INT8: 1, UINT8: 1, SIGTYPE: 1, FLAGS8: 1, ENUMFLAGS8: 1, L4PROTO: 1, SOCKFAMILY: 1,
  INT16: 2, UINT16: 2, SYSCALLID: 2, PORT: 2, FLAGS16: 2, ENUMFLAGS16: 2,
  INT32: 4, UINT32: 4, BOOL: 4, FLAGS32: 4, ENUMFLAGS32: 4, UID: 4, GID: 4, SIGSET: 4, MODE: 4, FD32: 4, PID32: 4,
  INT64: 8, UINT64: 8, ERRNO: 8, FD: 8, PID: 8, RELTIME: 8, ABSTIME: 8,
}; // prettier-ignore

/** Bytes of a param's value; what is no integer type is taken as it is. */
function encodeParam(param: Param, value: ParamValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const writer = new ByteWriter();
  if (typeof value === 'string') {
    writer.text(value);
    if (STRING_TYPES.has(param.type)) writer.u8(0);
  } else {
    const size = SIZES[param.type];
    const big = BigInt(value);
    if (size === undefined) throw new Error(`param ${param.name}: a ${param.type} is given as bytes`);
    for (let i = 0; i < size; i++) writer.u8(Number((big >> BigInt(8 * i)) & 0xffn));
  }
  return writer.bytes().slice();
}

/** Appends the event as a whole block. */
export function writeEvent(writer: ByteWriter, event: EncodedEvent): void {
  const type = eventType(event.code);
  const large = (type.flags & EventFlag.LARGE_PAYLOAD) !== 0;
  const values = event.params.map((value, i) => encodeParam(type.params[i] as Param, value));
  const start = writer.length;
  const flagged = (event.dumpFlags ?? 0) !== 0;
  if (large) writer.u32(flagged ? BlockType.EVF_V2_LARGE : BlockType.EV_V2_LARGE);
  else writer.u32(flagged ? BlockType.EVF_V2 : BlockType.EV_V2);
  writer.u32(0);
  writer.u16(event.cpu ?? 0);
  if (flagged) writer.u32(event.dumpFlags ?? 0);
  writer.u64(event.ts);
  writer.u64(BigInt(event.tid));
  const sizes = values.reduce((sum, value) => sum + value.length, 0);
  writer.u32(26 + values.length * (large ? 4 : 2) + sizes);
  writer.u16(event.code);
  writer.u32(values.length);
  for (const value of values) {
    if (large) writer.u32(value.length);
    else writer.u16(value.length);
  }
  for (const value of values) writer.data(value);
  while ((writer.length - start) % 4 !== 0) writer.u8(0);
  if (event.latency !== undefined) {
    writer.u16(EventOption.LATENCY);
    writer.u16(8);
    writer.u64(BigInt(event.latency));
    writer.u32(EventOption.END);
  }
  writer.u32(writer.length + 4 - start);
  writer.patchU32(start + 4, writer.length - start);
}

/** The event as a block of its own. */
export function encodeEvent(event: EncodedEvent): Uint8Array {
  const writer = new ByteWriter();
  writeEvent(writer, event);
  return writer.bytes().slice();
}
