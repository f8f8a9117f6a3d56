// SPDX-License-Identifier: Apache-2.0
// A reusable cursor over a batch of event blocks. Nothing is copied or decoded until it is asked for, and no object is made
// for an event: the hot path of everything.
//
//   batch.bytes:  ┌ block ─────────────────────────────────────────────────────────────────┐┌ block …
//                 │type│len│cpu│[flags]│ts│tid│len│code│[n]│ n × length │ values │pad│opts│len│
//                 start                 header          ▲lengthsAt   ▲valuesAt          end

import { CaptureError } from '../base/errors.ts';
import { byteText } from '../base/text.ts';
import type { ByteText, DurationNs, RelativeNs } from '../base/units.ts';
import { FIRST_NAMED } from './generic.ts';
import { EVENT_TYPES, EVENT_TYPE_COUNT, EventFlag, type EventType } from './schema.ts';
import { BlockType, EventOption } from './source.ts';

const EMPTY = new Uint8Array(0);

const isWide = Uint8Array.from(EVENT_TYPES, (type) => ((type.flags & EventFlag.LARGE_PAYLOAD) !== 0 ? 1 : 0));

// notification and infra events were written with a header length 3 too large (scap-format 3.2)
const OVERSTATED_HEADER = new Set([280, 286]);

/** Dump flag of events that only carry state and are never shown. */
export const STATE_ONLY = 1;

/** Bytes of a block with an event without params. */
export const SMALLEST_BLOCK = 36;

/** Where the event header begins in the block at `start`: u64 time, u64 tid, u32 length, u16 code. */
export function headerOffset(start: number, view: DataView): number {
  const type = view.getUint32(start, true);
  const flagged = type === BlockType.EVF_V2 || type === BlockType.EVF_V2_LARGE || type === BlockType.EVF;
  return start + (flagged ? 14 : 10);
}

/** Bytes of an event without params, as the oldest blocks have it. */
const HEADER = 22;

export class EventCursor {
  bytes: Uint8Array = EMPTY;
  view: DataView = new DataView(EMPTY.buffer);
  /** Offset of the block in `bytes`, and of the byte after it. */
  start = 0;
  end = 0;

  /** Running number in the capture, counted by whoever drives the cursor. */
  num = 0;
  code = 0;
  cpu = 0;
  /** -1: the event belongs to no thread. */
  tid = 0;
  /** Dump flags of the block: STATE_ONLY. */
  dumpFlags = 0;
  /** Nanoseconds since the base, see setBase(). */
  ts: RelativeNs = 0;

  private headerAt = 0;
  private lengthsAt = 0;
  private valuesAt = 0;
  private eventEnd = 0;
  private originalAt = 0;
  /** Where the options begin. */
  private optionsAt = 0;
  /** Code of the generic event that carries this one in a file; -1: it is no such. */
  carrier = -1;
  private wide = false;
  /** The block stores how many params there are. */
  private stored = true;
  /** Params, or -1 while nobody has asked for them. */
  private params = -1;
  // ts of the first event as two halves, so that relative times need no bigint
  /** The base in seconds and nanoseconds: with ts, the time of an event without bigints. */
  baseSeconds = 0;
  baseNanos = 0;
  private baseLow = 0;
  private baseHigh = 0;
  // offsets of the params found so far; param k starts at offsets[k]
  private offsets = new Int32Array(64);
  private known = 0;

  /** Nanoseconds since the epoch of ts 0. */
  setBase(base: bigint): void {
    this.baseSeconds = Number(base / 1_000_000_000n);
    this.baseNanos = Number(base % 1_000_000_000n);
    this.baseLow = Number(base & 0xffffffffn);
    this.baseHigh = Number(base >> 32n);
  }

  get base(): bigint {
    return (BigInt(this.baseHigh) << 32n) | BigInt(this.baseLow);
  }

  /** Absolute time, ns since the epoch: for printing, not per event. */
  get epochNs(): bigint {
    return this.view.getBigUint64(this.headerAt, true);
  }

  /** Points the cursor before the first block of a batch. */
  load(bytes: Uint8Array, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)): void {
    this.bytes = bytes;
    this.view = view;
    this.start = 0;
    this.end = 0;
  }

  /**
   * Moves to the next event of a code that the table knows; unknown ones are skipped.
   *
   * @returns false at the end of the batch
   * @throws CaptureError `corrupt` for lengths that cannot be; offset is within the batch
   */
  next(): boolean {
    while (this.end < this.bytes.length) {
      this.seek(this.end);
      if (this.code < EVENT_TYPE_COUNT) return true;
    }
    return false;
  }

  /** Shows the generic event again that carries this one. */
  wrap(): void {
    this.seek(this.start, false);
  }

  /** Points the cursor at the block that starts at `offset` of the loaded batch. */
  seek(offset: number, unwrap = true): void {
    const view = this.view;
    if (offset + SMALLEST_BLOCK > this.bytes.length) throw this.corrupt(offset, 'an event block ends early');
    const block = view.getUint32(offset, true);
    const length = view.getUint32(offset + 4, true);
    const end = offset + length;
    if (length < SMALLEST_BLOCK || end > this.bytes.length)
      throw this.corrupt(offset, 'an event block has an impossible length');
    this.start = offset;
    this.end = end;
    let at = offset + 8;
    this.cpu = view.getInt16(at, true);
    at += 2;
    let stored = true;
    this.dumpFlags = 0;
    switch (block) {
      case BlockType.EV_V2:
      case BlockType.EV_V2_LARGE:
        break;
      case BlockType.EVF_V2:
      case BlockType.EVF_V2_LARGE:
        this.dumpFlags = view.getUint32(at, true);
        at += 4;
        break;
      case BlockType.EVF:
        this.dumpFlags = view.getUint32(at, true);
        at += 4;
        stored = false;
        break;
      default:
        stored = false; // EV and its early alias
    }
    this.headerAt = at;
    this.ts =
      (view.getUint32(at + 4, true) - this.baseHigh) * 4294967296 + (view.getUint32(at, true) - this.baseLow);
    // small integers are much faster keys than doubles
    const tidHigh = view.getInt32(at + 12, true);
    const tidLow = view.getInt32(at + 8, true);
    if (tidHigh === 0 && tidLow >= 0) this.tid = tidLow;
    else this.tid = tidHigh === -1 ? -1 : tidHigh * 4294967296 + (tidLow >>> 0);
    const eventLength = view.getUint32(at + 16, true);
    this.code = view.getUint16(at + 20, true);
    this.eventEnd = at + eventLength;
    if (this.code >= EVENT_TYPE_COUNT) {
      this.params = 0;
      return;
    }
    if (OVERSTATED_HEADER.has(this.code)) this.eventEnd = Math.min(this.eventEnd, end - 4);
    if (eventLength < HEADER || this.eventEnd > end - 4)
      throw this.corrupt(offset, 'an event is longer than its block');
    this.stored = stored;
    this.params = -1;
    // options start at the next multiple of 4 after the event, counted from the block's start
    this.optionsAt = offset + ((this.eventEnd - offset + 3) & ~3);
    this.carrier = -1;
    if (unwrap && this.code < FIRST_NAMED && this.optionsAt + 12 < end) this.unwrap();
  }

  // What a generic event stands for takes its place.
  private unwrap(): void {
    const at = this.option(EventOption.ORIGINAL, 8);
    if (at < 0) return;
    const code = this.view.getUint16(at, true);
    if (code >= EVENT_TYPE_COUNT) return;
    this.carrier = this.code;
    this.code = code;
    this.eventEnd = at + this.view.getUint16(at - 2, true);
    // its count stands 4 bytes from its code, that of an event 2
    this.originalAt = at - 18;
  }

  /** Params present in this event. */
  get count(): number {
    return this.params < 0 ? this.locate() : this.params;
  }

  // Most events are only counted, or pass by: where their params are is found when somebody wants one.
  private locate(): number {
    const type = EVENT_TYPES[this.code];
    if (type === undefined) return (this.params = 0);
    // with a stored count, the params follow the code in both
    const at = this.carrier < 0 ? this.headerAt : this.originalAt;
    this.wide = isWide[this.code] === 1;
    const width = this.wide ? 4 : 2;
    let count: number;
    if (this.stored) {
      count = this.view.getUint32(at + 22, true);
      this.lengthsAt = at + 26;
      if (this.lengthsAt + count * width > this.eventEnd)
        throw this.corrupt(this.start, 'an event has more params than bytes');
    } else {
      this.lengthsAt = at + 22;
      count = this.countParams(type, this.start);
    }
    this.valuesAt = this.lengthsAt + count * width;
    this.offsets[0] = this.valuesAt;
    this.known = 0;
    this.params = count;
    return count;
  }

  get type(): EventType {
    return EVENT_TYPES[this.code] as EventType;
  }

  /** Length of param `index` in bytes. */
  size(index: number): number {
    if (index >= this.count) return 0;
    return this.wide
      ? this.view.getUint32(this.lengthsAt + index * 4, true)
      : this.view.getUint16(this.lengthsAt + index * 2, true);
  }

  /** Offset of param `index` in `bytes`. */
  at(index: number): number {
    if (this.params < 0) this.locate();
    if (index >= this.offsets.length) {
      const grown = new Int32Array(index * 2);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    const offsets = this.offsets;
    while (this.known < index) {
      const next = (offsets[this.known] as number) + this.size(this.known);
      if (next > this.eventEnd)
        throw this.corrupt(this.start, 'the params of an event are longer than the event');
      offsets[++this.known] = next;
    }
    return offsets[index] as number;
  }

  /** Whether the param is there and not empty: an empty one means "unknown" in current captures. */
  has(index: number): boolean {
    return index < this.count && this.size(index) > 0;
  }

  /** Integer param as a number, by its own size and read as signed; beyond ±2^53 it loses low bits. 0 if absent. */
  int(index: number): number {
    if (index >= this.count) return 0;
    const at = this.at(index);
    switch (this.size(index)) {
      case 8:
        return this.check(at, 8)
          ? this.view.getInt32(at + 4, true) * 4294967296 + this.view.getUint32(at, true)
          : 0;
      case 4:
        return this.check(at, 4) ? this.view.getInt32(at, true) : 0;
      case 2:
        return this.check(at, 2) ? this.view.getInt16(at, true) : 0;
      case 1:
        return this.check(at, 1) ? this.view.getInt8(at) : 0;
      default:
        return 0;
    }
  }

  /** Integer param as a number, read as unsigned. */
  uint(index: number): number {
    if (index >= this.count) return 0;
    const at = this.at(index);
    switch (this.size(index)) {
      case 8:
        return this.check(at, 8)
          ? this.view.getUint32(at + 4, true) * 4294967296 + this.view.getUint32(at, true)
          : 0;
      case 4:
        return this.check(at, 4) ? this.view.getUint32(at, true) : 0;
      case 2:
        return this.check(at, 2) ? this.view.getUint16(at, true) : 0;
      case 1:
        return this.check(at, 1) ? this.view.getUint8(at) : 0;
      default:
        return 0;
    }
  }

  /** Eight-byte param exactly. */
  big(index: number): bigint {
    const at = this.at(index);
    return this.size(index) === 8 && this.check(at, 8)
      ? this.view.getBigInt64(at, true)
      : BigInt(this.int(index));
  }

  /** String param, up to its first NUL. */
  text(index: number): ByteText {
    if (index >= this.count) return '';
    const at = this.at(index);
    const end = at + this.size(index);
    this.check(at, end - at);
    const nul = this.bytes.indexOf(0, at);
    return byteText(this.bytes, at, nul >= 0 && nul < end ? nul : end);
  }

  /** The whole bytes of a param as text, NULs included. */
  raw(index: number): ByteText {
    if (index >= this.count) return '';
    const at = this.at(index);
    this.check(at, this.size(index));
    return byteText(this.bytes, at, at + this.size(index));
  }

  /** The bytes of a param, a view into the batch. */
  data(index: number): Uint8Array {
    if (index < 0 || index >= this.count) return EMPTY;
    const at = this.at(index);
    this.check(at, this.size(index));
    // never a Buffer, whose slice() does not copy
    return new Uint8Array(this.view.buffer, this.view.byteOffset + at, this.size(index));
  }

  /** NUL-separated strings of a param (args, env, cgroups); the last may lack its NUL. */
  strings(index: number): ByteText[] {
    const text = this.raw(index);
    if (text === '') return [];
    const parts = text.split('\0');
    if (parts.at(-1) === '') parts.pop();
    return parts;
  }

  /** Latency that the event itself carries (live events), or -1. */
  get latency(): DurationNs {
    const at = this.option(EventOption.LATENCY, 8);
    return at < 0 ? -1 : this.view.getUint32(at + 4, true) * 4294967296 + this.view.getUint32(at, true);
  }

  /** Result that the event carries besides its params (live generic events): >= 0 or -errno; undefined if none. */
  get carriedResult(): number | undefined {
    const at = this.option(EventOption.RESULT, 8);
    return at < 0 ? undefined : this.view.getInt32(at + 4, true) * 4294967296 + this.view.getUint32(at, true);
  }

  /** Path that the event carries besides its params (live generic events); '' if none. */
  get target(): ByteText {
    const at = this.option(EventOption.TARGET, 1);
    return at < 0
      ? ''
      : byteText(this.bytes, at, at + this.view.getUint16(at - 2, true)).replace(/\0.*$/s, '');
  }

  /** End of the event with its padding: what comes after are options. */
  get paddedEnd(): number {
    return this.optionsAt;
  }

  /** Value of an option; undefined if the event does not have it. */
  optionBytes(code: number): Uint8Array | undefined {
    const at = this.option(code, 0);
    return at < 0 ? undefined : this.bytes.subarray(at, at + this.view.getUint16(at - 2, true));
  }

  // Offset of an option's value of at least `size` bytes; -1 if the event does not have it.
  private option(wanted: number, size: number): number {
    let at = this.optionsAt;
    const end = this.end - 4;
    while (at + 4 <= end) {
      const code = this.view.getUint16(at, true);
      const length = this.view.getUint16(at + 2, true);
      if (code === EventOption.END || at + 4 + length > end) return -1;
      if (code === wanted) return length >= size ? at + 4 : -1;
      at += 4 + (((length + 3) >> 2) << 2);
    }
    return -1;
  }

  // Blocks before 0x216 do not store the count: the right one is the first, from the table's down, whose lengths add up.
  private countParams(type: EventType, offset: number): number {
    const declared =
      this.view.getUint32(this.headerAt + 16, true) - (OVERSTATED_HEADER.has(this.code) ? 3 : 0);
    const width = this.wide ? 4 : 2;
    for (let n = type.params.length; n >= 0; n--) {
      if (22 + width * n > declared) continue;
      let total = 22 + width * n;
      for (let k = 0; k < n && total <= declared; k++) {
        const at = this.lengthsAt + k * width;
        total += this.wide ? this.view.getUint32(at, true) : this.view.getUint16(at, true);
      }
      if (total === declared) return n;
    }
    throw this.corrupt(offset, `an event of type ${this.code} has lengths that do not add up`);
  }

  // Guards reads of a value that the event's own lengths put beyond the event.
  private check(at: number, size: number): boolean {
    if (at + size > this.eventEnd) throw this.corrupt(this.start, 'a param is longer than its event');
    return true;
  }

  private corrupt(offset: number, what: string): CaptureError {
    return new CaptureError('corrupt', what, offset);
  }
}
