// SPDX-License-Identifier: Apache-2.0
// Damaged captures and random filters, against the whole way of an event: file, lists, cursor, state, filter, line. Whatever comes
// must be events, or an error with a code; never anything else.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ByteInput } from '../../collector/capture/input.ts';
import { FileSource } from '../../collector/capture/file-source.ts';
import { Pairing } from '../../collector/pairing.ts';
import { InputError } from '../../engine/base/errors.ts';
import { EventCursor } from '../../engine/event/cursor.ts';
import { Numbering } from '../../engine/event/numbering.ts';
import { DEFAULT_ENV } from '../../engine/field/field.ts';
import { FIELD_CLASSES } from '../../engine/field/registry.ts';
import { compileFilter, type CompiledFilter } from '../../engine/filter/compile.ts';
import { compileFormat, defaultFormat, type OutputFormat } from '../../engine/print/format.ts';
import { ByteSink } from '../../engine/print/sink.ts';
import { Machine } from '../../engine/state/machine.ts';

/** Repeatable random numbers (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** 0 … below - 1 */
  below(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** A capture in pieces: blocks before the first event, and events. */
type Seed = { readonly lists: readonly Uint8Array[]; readonly events: readonly Uint8Array[] };

const EVENT_BLOCKS = new Set([0x204, 0x208, 0x216, 0x217, 0x221, 0x222]);

function readSeed(path: string): Seed {
  const raw = readFileSync(path);
  const bytes = raw[0] === 0x1f ? gunzipSync(raw) : raw;
  const [lists, events]: Uint8Array[][] = [[], []];
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 4);
    if (length < 12 || at + length > bytes.length) break;
    const block = new Uint8Array(bytes.subarray(at, at + length));
    if (EVENT_BLOCKS.has(bytes.readUInt32LE(at))) events?.push(block);
    // long lists would take all of the time
    else if (length < 4096) lists?.push(block);
    at += length;
  }
  return { lists: lists as Uint8Array[], events: events as Uint8Array[] };
}

class MemoryInput implements ByteInput {
  readonly size: number;
  taken = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  fill(buffer: Uint8Array, at: number, end: number): Promise<number> {
    const part = this.bytes.subarray(this.taken, this.taken + end - at);
    buffer.set(part, at);
    this.taken += part.length;
    return Promise.resolve(part.length);
  }

  close(): void {
    this.taken = this.size;
  }
}

const EVENTS = 12;
const LISTS = 6;
const BATCH = 4096;
const INTERESTING = [0, 1, 2, 3, 7, 8, 16, 0x7f, 0x80, 0xff];

export class Fuzzer {
  inputs = 0;
  events = 0;
  errors = 0;
  filters = 0;
  private readonly random: Random;
  private readonly seeds: readonly Seed[];
  private readonly formats: readonly OutputFormat[];
  private readonly compiled: CompiledFilter[] = [];
  private readonly words: readonly string[];
  private machine = new Machine();
  private readonly sink = new ByteSink();

  constructor(seed: number, captures: readonly string[]) {
    this.random = new Random(seed);
    this.seeds = captures.map(readSeed);
    const fields = FIELD_CLASSES.flatMap((item) => item.fields).filter((field) => field.arg !== 'required');
    this.words = [
      ...fields.map((field) => field.name),
      ...'= != < <= > >= contains icontains startswith endswith glob in pmatch exists intersects bcontains and or not ( ) , nginx 0 -1 0x10 127.0.0.1 10.0.0.0/8 /etc "a b" \'x\' tolower( val( basename( toupper( len( b64( evt.arg.fd evt.rawarg.res proc.aname[1] evt.type.is.open true < >'.split(
        ' ',
      ),
    ];
    this.formats = [
      compileFormat(defaultFormat('plain'), DEFAULT_ENV),
      compileFormat(
        `*${fields
          .filter(({ only }) => only !== 'filter')
          .map((field) => `%${field.name}`)
          .join(' ')}`,
        DEFAULT_ENV,
      ),
    ];
    for (let k = 0; k < 50; k++) this.filter();
  }

  /** One damaged capture. @throws what should never be thrown */
  async capture(): Promise<void> {
    this.inputs++;
    const bytes = this.damagedCapture();
    try {
      await this.readAll(bytes);
    } catch (error: unknown) {
      if (!(error instanceof InputError) || error.code === '') throw new Unexpected(bytes, error);
      this.errors++;
    }
  }

  private async readAll(bytes: Uint8Array): Promise<void> {
    const { random } = this;
    // mostly the machine of the last capture: damage may need two to show
    if (random.below(8) === 0) this.machine = new Machine({ classic: random.below(2) === 0 });
    const { machine } = this;
    const cursor = new EventCursor();
    const numbering = new Numbering();
    const filter = random.of(this.compiled);
    // all fields at once take most of the time
    const format = this.formats[random.below(16) === 0 ? 1 : 0] as OutputFormat;
    const form = random.below(3);
    const source = new FileSource('fuzz', new MemoryInput(bytes), { batch: BATCH });
    await source.checkMagic();
    const pairing = new Pairing(() => undefined);
    for (let item = await source.next(); item !== undefined; item = await source.next()) {
      if (item.kind === 'snapshot') machine.load(item.snapshot);
      if (item.kind !== 'events') continue;
      if (form === 2) pairing.add(item.bytes);
      cursor.load(item.bytes);
      for (;;) {
        if (form === 1 && numbering.inStream) numbering.count += machine.pass(cursor, filter.codes, true);
        if (!cursor.next()) break;
        this.events++;
        numbering.next(cursor);
        if (form === 1) machine.applyFiltered(cursor, filter.test);
        else machine.apply(cursor);
        if (form === 0) filter.test(machine);
        if (random.below(4) === 0) this.put(format, machine);
        else if (random.below(16) === 0) format.json(machine);
      }
    }
  }

  private put(format: OutputFormat, machine: Machine): void {
    this.sink.length = 0;
    format.put(machine, this.sink);
  }

  private damagedCapture(): Uint8Array {
    const { random } = this;
    const seed = random.of(this.seeds);
    const header = seed.lists[0] as Uint8Array;
    const parts = [header];
    for (let k = random.below(LISTS); k > 0; k--) parts.push(random.of(seed.lists));
    // a run of events, and some from elsewhere
    const from = random.below(seed.events.length);
    for (let k = 0; k < EVENTS; k++)
      parts.push(
        random.below(6) === 0
          ? random.of(random.of(this.seeds).events)
          : (seed.events[(from + k) % seed.events.length] as Uint8Array),
      );
    const bytes = new Uint8Array(Buffer.concat(parts));
    for (let k = random.below(6); k > 0; k--) this.damage(bytes, header.length);
    return random.below(10) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
  }

  private damage(bytes: Uint8Array, spared: number): void {
    const { random } = this;
    const at =
      random.below(20) === 0 ? random.below(bytes.length) : spared + random.below(bytes.length - spared);
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        break;
      case 2:
        bytes[at] = random.of(INTERESTING);
        break;
      case 3:
        bytes.copyWithin(at, random.below(bytes.length), Math.min(bytes.length, at + random.below(40)));
        break;
      case 4:
        bytes.fill(random.of(INTERESTING), at, at + random.below(9));
        break;
    }
  }

  /** One random filter. @throws what should never be thrown */
  filter(): void {
    this.filters++;
    const { random } = this;
    const text = Array.from({ length: 1 + random.below(12) }, () => random.of(this.words)).join(' ');
    const likely = `${random.of(this.words)} ${random.of(['=', '!=', '<', '>=', 'contains', 'in', 'exists'])} ${random.of(['1', '(a, b)', '', "'x y'", '127.0.0.1'])}`;
    try {
      const filter = compileFilter(random.below(2) === 0 ? text : likely, DEFAULT_ENV);
      this.compiled[random.below(64)] = filter;
      for (let k = 0; k < 64; k++) this.compiled[k] ??= filter;
    } catch (error: unknown) {
      if (!(error instanceof InputError)) throw new Unexpected(Buffer.from(text), error);
    }
  }
}

/** What no input may cause, with the input. */
export class Unexpected extends Error {
  readonly input: Uint8Array;

  constructor(input: Uint8Array, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.input = input;
  }
}
