// SPDX-License-Identifier: Apache-2.0
// Makes enter and exit pairs of live events, so that readers of every age find the same calls, results and latencies in a file.
//
//   exit at 10.5 ms that took 3 ms   ──▶   enter at 7.5 ms … exit at 10.5 ms
//
// A live exit knows all that its enter knew, and how long the call took. Enters go where their time is: what comes is held back for
// a moment, and an enter moves forward past what happened during its call. One that is older than all that is held back stands
// before the rest, with its own time: readers go by the thread, not by the place.
//
// Calls that sysdig 0.29.3 has no event for are written as the event it has for them (dup2 as dup), or as a generic event that
// carries the whole one as an option: sysdig sees the name, sonde all of it. Advice for writers: scap-format, section 7.

import { EventCursor } from '../engine/event/cursor.ts';
import { SIZES } from '../engine/event/encode.ts';
import { CLASSIC_SYSCALLS, FIRST_NAMED, GENERIC_EXIT } from '../engine/event/generic.ts';
import { EVENT_TYPES, eventType, type EventType } from '../engine/event/schema.ts';
import { BlockType, EventOption } from '../engine/event/source.ts';
import { SYSCALLS_X86_64 } from '../engine/event/syscalls.ts';

/** Nanoseconds that events are held back; longer calls have their enter in the wrong place. */
const WINDOW = 250e6;
/** Events that are held back at most. */
const LIMIT = 1 << 16;
/** Bytes of a block's flags, where it has any. */
const FLAGS = 4;
/** The largest option. */
const OPTION_LIMIT = 65_000;

/** Params that have another name there. */
const RENAMED: Readonly<Record<string, string>> = { fd: 'oldfd', res_or_fd: 'fd' };

const EXECVE = 293;
const [EXEPATH, FILENAME] = ['trusted_exepath', 'filename'].map((name) =>
  eventType(EXECVE).params.findIndex((param) => param.name === name),
) as [number, number];

/** How the exit of a code is written: as which codes, and which of its params theirs are; -1 = none of them. */
type Recipe = {
  readonly enter: number;
  readonly exit: number;
  readonly enterFrom: Int8Array;
  /** Undefined: the exit stays as it is. */
  readonly exitFrom: Int8Array | undefined;
  /** Generic: the scap and the kernel's number. */
  readonly syscall: readonly [sc: number, native: number] | undefined;
};

function paramsFrom(target: EventType, source: EventType): Int8Array {
  return Int8Array.from(target.params, ({ name }) => {
    const same = source.params.findIndex((param) => param.name === name);
    const other = RENAMED[name];
    return same >= 0 || other === undefined ? same : source.params.findIndex((param) => param.name === other);
  });
}

const recipes = EVENT_TYPES.map((type): Recipe | undefined => {
  if (!type.isExit || type.source !== 'SYSCALL') return undefined;
  const code = type.code;
  if (type.classic !== undefined) {
    const enterFrom = paramsFrom(eventType(code - 1), type);
    return { enter: code - 1, exit: code, enterFrom, exitFrom: undefined, syscall: undefined };
  }
  const call = SYSCALLS_X86_64.find(([, , exit]) => exit === code);
  if (call === undefined) return undefined;
  const [native, sc, , known] = call;
  if (known > 0) {
    const [enter, exit] = [eventType(known - 1), eventType(known)];
    return {
      enter: enter.code,
      exit: exit.code,
      enterFrom: paramsFrom(enter, type),
      exitFrom: paramsFrom(exit, type),
      syscall: undefined,
    };
  }
  const syscall = [sc < CLASSIC_SYSCALLS ? sc : 0, native] as const;
  const none = new Int8Array(0);
  return { enter: GENERIC_EXIT - 1, exit: GENERIC_EXIT, enterFrom: none, exitFrom: undefined, syscall };
});

export class Pairing {
  private readonly write: (bytes: Uint8Array) => void;
  private readonly cursor = new EventCursor();
  private hasBase = false;
  private newest = 0;
  // the events that are held back, in their order: time, and where their bytes are
  private times = new Float64Array(4096);
  private starts = new Int32Array(4096);
  private sizes = new Int32Array(4096);
  private count = 0;
  private bytes = new Uint8Array(1 << 20);
  private view = new DataView(this.bytes.buffer);
  private used = 0;

  /** @param write gets whole blocks, nearly in time order; they may change afterwards */
  constructor(write: (bytes: Uint8Array) => void) {
    this.write = write;
  }

  /** @param bytes whole event blocks */
  add(bytes: Uint8Array): void {
    const { cursor } = this;
    cursor.load(bytes);
    while (cursor.next()) this.addEvent(cursor);
    this.release(this.count > LIMIT ? this.newest : this.newest - WINDOW);
  }

  /** Writes all that is held back. */
  flush(): void {
    this.release(Infinity);
  }

  private addEvent(evt: EventCursor): void {
    if (evt.epochNs === 0n) {
      // containers that were there before have no time: they stay where they are
      this.hold(this.newest, this.copy(evt, evt.start, evt.end), this.count);
      return;
    }
    if (!this.hasBase) {
      evt.setBase(evt.epochNs);
      evt.seek(evt.start);
      this.hasBase = true;
    }
    const { ts } = evt;
    if (ts > this.newest) this.newest = ts;
    const latency = (evt.code & 1) === 1 ? evt.latency : -1;
    const recipe = latency < 0 ? undefined : recipes[evt.code];
    if (recipe === undefined) {
      // no live exit, or one of which nothing more is known
      const at = this.copy(evt, evt.start, evt.end);
      if (evt.code < FIRST_NAMED) this.hideNewSyscall(evt, at);
      this.hold(ts, at, this.count);
      return;
    }
    const enterAt = this.writeEnter(evt, recipe, latency);
    this.hold(ts - latency, enterAt, this.placeOf(ts - latency));
    this.hold(ts, this.writeExit(evt, recipe), this.count);
  }

  // ---- the order ----

  private placeOf(ts: number): number {
    let place = this.count;
    while (place > 0 && (this.times[place - 1] as number) > ts) place--;
    return place;
  }

  private hold(ts: number, at: number, place: number): void {
    if (this.count === this.times.length) {
      this.times = grown(this.times, Float64Array);
      this.starts = grown(this.starts, Int32Array);
      this.sizes = grown(this.sizes, Int32Array);
    }
    if (place < this.count) {
      this.times.copyWithin(place + 1, place, this.count);
      this.starts.copyWithin(place + 1, place, this.count);
      this.sizes.copyWithin(place + 1, place, this.count);
    }
    this.times[place] = ts;
    this.starts[place] = at;
    this.sizes[place] = this.used - at;
    this.count++;
  }

  private release(until: number): void {
    let ready = 0;
    while (ready < this.count && (this.times[ready] as number) <= until) ready++;
    if (ready === 0) return;
    const out = new Uint8Array(this.used);
    let length = 0;
    const append = (from: number, to: number): void => {
      for (let k = from; k < to; k++) {
        const start = this.starts[k] as number;
        const size = this.sizes[k] as number;
        out.set(this.bytes.subarray(start, start + size), length);
        length += size;
      }
    };
    append(0, ready);
    this.write(out.subarray(0, length));
    // what stays moves to the front
    const written = length;
    append(ready, this.count);
    this.bytes.set(out.subarray(written, length));
    this.used = length - written;
    this.times.copyWithin(0, ready, this.count);
    this.sizes.copyWithin(0, ready, this.count);
    this.count -= ready;
    for (let k = 0, at = 0; k < this.count; k++) {
      this.starts[k] = at;
      at += this.sizes[k] as number;
    }
  }

  // ---- the bytes ----

  /** Room for `size` bytes; where they begin. */
  private room(size: number): number {
    const at = this.used;
    this.used += size;
    if (this.used > this.bytes.length) {
      const more = new Uint8Array(Math.max(this.used, this.bytes.length * 2));
      more.set(this.bytes);
      this.bytes = more;
      this.view = new DataView(more.buffer);
    }
    return at;
  }

  private copy(evt: EventCursor, from: number, to: number): number {
    const at = this.room(to - from);
    this.bytes.set(evt.bytes.subarray(from, to), at);
    return at;
  }

  // sysdig 0.29.3 crashes on the numbers of newer calls; the kernel's number beside it still tells the call.
  private hideNewSyscall(evt: EventCursor, blockAt: number): void {
    if (evt.carrier >= 0 || evt.uint(0) < CLASSIC_SYSCALLS || evt.count < 2) return;
    const at = blockAt + evt.at(0) - evt.start;
    this.bytes.fill(0, at, at + evt.size(0));
  }

  private writeEnter(evt: EventCursor, recipe: Recipe, latency: number): number {
    const time = evt.epochNs - BigInt(latency);
    if (evt.code === EXECVE && evt.text(FILENAME) === '') {
      // the new program has taken the place of the path: the file that it is tells most
      const from = Int8Array.of(EXEPATH);
      return this.writeEvent(evt, recipe.enter, time, from, { own: false });
    }
    if (recipe.syscall === undefined) {
      const own = evt.code < FIRST_NAMED;
      return this.writeEvent(evt, recipe.enter, time, recipe.enterFrom, { own });
    }
    return this.writeGeneric(evt, recipe, recipe.enter, time, evt.code - 1);
  }

  private writeExit(evt: EventCursor, recipe: Recipe): number {
    if (recipe.syscall !== undefined)
      return this.writeGeneric(evt, recipe, recipe.exit, evt.epochNs, evt.code);
    if (recipe.exitFrom !== undefined)
      return this.writeEvent(evt, recipe.exit, evt.epochNs, recipe.exitFrom, { own: false });
    // the event as it is, without its latency: that is told by the enter
    const at = this.copy(evt, evt.start, evt.paddedEnd);
    if (evt.code < FIRST_NAMED) {
      this.hideNewSyscall(evt, at);
      this.copyOptions(evt);
    }
    return this.finish(at);
  }

  private copyOptions(evt: EventCursor): void {
    let some = false;
    for (const code of [EventOption.RESULT, EventOption.TARGET]) {
      const option = evt.optionBytes(code);
      if (option === undefined) continue;
      this.option(code, option);
      some = true;
    }
    if (some) this.view.setUint32(this.room(4), EventOption.END, true);
  }

  private option(code: number, value: Uint8Array): void {
    const padded = (value.length + 3) & ~3;
    const at = this.room(4 + padded);
    this.view.setUint16(at, code, true);
    this.view.setUint16(at + 2, value.length, true);
    this.bytes.set(value, at + 4);
    this.bytes.fill(0, at + 4 + value.length, at + 4 + padded);
  }

  /** Block type to padding; the trailer and the total length come with finish(). */
  private header(evt: EventCursor, code: number, time: bigint, params: number): number {
    const flags = evt.dumpFlags === 0 ? 0 : FLAGS;
    const at = this.room(36 + flags + params * 2);
    const { view } = this;
    view.setUint32(at, flags === 0 ? BlockType.EV_V2 : BlockType.EVF_V2, true);
    view.setUint16(at + 8, evt.cpu, true);
    if (flags > 0) view.setUint32(at + 10, evt.dumpFlags, true);
    const header = at + 10 + flags;
    view.setBigUint64(header, time, true);
    view.setBigInt64(header + 8, BigInt(evt.tid), true);
    view.setUint16(header + 20, code, true);
    view.setUint32(header + 22, params, true);
    return at;
  }

  private pad(evt: EventCursor, at: number): void {
    const size = this.used - at;
    const header = at + 10 + (evt.dumpFlags === 0 ? 0 : FLAGS);
    this.view.setUint32(header + 16, size - (header - at), true);
    const gap = -size & 3;
    const end = this.room(gap);
    this.bytes.fill(0, end, end + gap);
  }

  private finish(at: number): number {
    const trailer = this.room(4);
    const size = this.used - at;
    this.view.setUint32(trailer, size, true);
    this.view.setUint32(at + 4, size, true);
    return at;
  }

  /** An event of another code, its params taken from those of `evt`. */
  private writeEvent(
    evt: EventCursor,
    code: number,
    time: bigint,
    from: Int8Array,
    { own }: { readonly own: boolean },
  ): number {
    const { params } = eventType(code);
    const at = this.header(evt, code, time, params.length);
    const lengths = this.used - 2 * params.length;
    params.forEach(({ type }, k) => {
      const before = this.used;
      this.value(evt, type, from[k] as number);
      this.view.setUint16(lengths + 2 * k, this.used - before, true);
    });
    this.pad(evt, at);
    if (own && evt.uint(0) >= CLASSIC_SYSCALLS) this.bytes.fill(0, lengths + 4, lengths + 6);
    return this.finish(at);
  }

  // Numbers are never empty: sysdig 0.29.3 reads them all the same, from whatever comes next.
  private value(evt: EventCursor, type: string, from: number): void {
    const size = SIZES[type];
    if (type === 'DYN') {
      const at = this.room(9);
      const result = evt.int(from);
      this.bytes[at] = result < 0 ? 1 : 0;
      this.view.setBigInt64(at + 1, BigInt(result), true);
    } else if (size === undefined) {
      if (from >= 0 && from < evt.count) this.copy(evt, evt.at(from), evt.at(from) + evt.size(from));
    } else {
      const at = this.room(size);
      const number = from >= 0 && evt.has(from) ? BigInt.asUintN(64, evt.big(from)) : 0n;
      for (let k = 0; k < size; k++) this.bytes[at + k] = Number((number >> BigInt(8 * k)) & 0xffn);
    }
  }

  /** A generic event with the numbers of the call, and all of what it stands for as an option. */
  private writeGeneric(
    evt: EventCursor,
    recipe: Recipe,
    code: number,
    time: bigint,
    original: number,
  ): number {
    const at = this.header(evt, code, time, 2);
    const [sc, native] = recipe.syscall as readonly [number, number];
    this.view.setUint16(this.used - 4, 2, true);
    this.view.setUint16(this.used - 2, 2, true);
    const values = this.room(4);
    this.view.setUint16(values, sc, true);
    this.view.setUint16(values + 2, native, true);
    this.pad(evt, at);
    // result and path stand beside it: they are what is asked most
    if (original === evt.code) {
      if (evt.size(0) === 8) this.option(EventOption.RESULT, evt.data(0));
      const path = evt.type.params.findIndex((param) => param.type.startsWith('FS'));
      if (path >= 0 && evt.has(path)) this.option(EventOption.TARGET, evt.data(path));
    }
    const value = originalOf(evt, original);
    if (value.length < OPTION_LIMIT) this.option(EventOption.ORIGINAL, value);
    this.view.setUint32(this.room(4), EventOption.END, true);
    return this.finish(at);
  }
}

// u16 code, u16 0, u32 count, lengths, values: an event from its code on. Enters have no params.
function originalOf(evt: EventCursor, code: number): Uint8Array {
  const isEnter = code !== evt.code;
  const count = isEnter ? 0 : evt.count;
  const from = isEnter ? 0 : evt.at(0) - 2 * count;
  const to = isEnter ? 0 : evt.at(count);
  const value = new Uint8Array(8 + to - from);
  const view = new DataView(value.buffer);
  view.setUint16(0, code, true);
  view.setUint32(4, count, true);
  value.set(evt.bytes.subarray(from, to), 8);
  return value;
}

function grown<T extends Float64Array | Int32Array>(array: T, make: new (size: number) => T): T {
  const more = new make(array.length * 2);
  more.set(array);
  return more;
}
