// SPDX-License-Identifier: Apache-2.0
// Writes a capture file: the lists of a snapshot, then batches of event blocks as they come.
//
// Whatever happens (a full disk, a signal), the file ends after a whole block: each batch is written in one piece, and taken back
// to the last whole one if that fails.

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { InputError } from '../engine/base/errors.ts';
import { ByteWriter } from '../engine/base/bytes.ts';
import type { ByteText } from '../engine/base/units.ts';
import { EventCursor, STATE_ONLY } from '../engine/event/cursor.ts';
import {
  BlockType,
  type EventSource,
  type Snapshot,
  type SourceItem,
  type SourceStats,
} from '../engine/event/source.ts';
import {
  BYTE_ORDER_MAGIC,
  FD_LISTS,
  INTERFACE_LISTS,
  MACHINE_INFO,
  PROCESS_LISTS,
  SECTION_HEADER,
  USER_LISTS,
} from './capture/blocks.ts';
import { paramIndexes } from '../engine/print/args.ts';
import { Pairing } from './pairing.ts';
import { writeFds, writeInterfaces, writeMachine, writeThreads, writeUsers } from './capture/lists.ts';

const UNKNOWN_LENGTH = 0xffffffffffffffffn;

/** One block: type, length, body, padding, length. */
function writeBlock(writer: ByteWriter, type: number, body: () => void): void {
  const start = writer.length;
  writer.u32(type);
  writer.u32(0);
  body();
  while ((writer.length - start) % 4 !== 0) writer.u8(0);
  writer.u32(writer.length + 4 - start);
  writer.patchU32(start + 4, writer.length - start);
}

/** Everything before the first event: section header and lists. */
export function encodeSection(snapshot: Snapshot): Uint8Array {
  const writer = new ByteWriter();
  writeBlock(writer, SECTION_HEADER, () => {
    writer.u32(BYTE_ORDER_MAGIC);
    writer.u16(1);
    writer.u16(2);
    writer.u64(UNKNOWN_LENGTH);
  });
  writeBlock(writer, MACHINE_INFO, () => writeMachine(writer, snapshot.machine));
  writeBlock(writer, INTERFACE_LISTS.at(-1) as number, () => writeInterfaces(writer, snapshot.interfaces));
  writeBlock(writer, USER_LISTS.at(-1) as number, () => writeUsers(writer, snapshot.users, snapshot.groups));
  writeBlock(writer, PROCESS_LISTS.at(-1) as number, () => writeThreads(writer, snapshot.threads));
  // readers want a thread before its descriptors
  for (const thread of snapshot.threads) {
    writeBlock(writer, FD_LISTS.at(-1) as number, () => writeFds(writer, thread.tid, thread.fds));
  }
  return writer.bytes();
}

const FLAGGED: Readonly<Record<number, number>> = {
  [BlockType.EV]: BlockType.EVF,
  [BlockType.EV_V2]: BlockType.EVF_V2,
  [BlockType.EV_V2_LARGE]: BlockType.EVF_V2_LARGE,
};

/** The same event block, marked as one that only carries state and is never shown. */
export function asStateOnly(block: Uint8Array): Uint8Array {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const type = FLAGGED[view.getUint32(0, true)];
  if (type === undefined) {
    // it has flags already
    const copy = block.slice();
    copy[FLAGS_AT] = (copy[FLAGS_AT] as number) | STATE_ONLY;
    return copy;
  }
  const grown = new Uint8Array(block.length + 4);
  grown.set(block.subarray(0, FLAGS_AT));
  grown.set(block.subarray(FLAGS_AT), FLAGS_AT + 4);
  grown[FLAGS_AT] = STATE_ONLY;
  const changed = new DataView(grown.buffer);
  changed.setUint32(0, type, true);
  changed.setUint32(4, grown.length, true);
  changed.setUint32(grown.length - 4, grown.length, true);
  return grown;
}

/** Flags stand after block type, length and cpu. */
const FLAGS_AT = 10;
const BUFFER = 256 * 1024;

export type RecorderOptions = {
  /** gzip, a member for each piece, so that what was written before a crash can be read */
  readonly compress?: boolean;
  /** Exits as they come, without enters: smaller, for sonde and current readers. */
  readonly native?: boolean;
  /** Stars in place of the values of environment variables. */
  readonly maskEnv?: boolean;
  /** No users and groups. */
  readonly excludeUsers?: boolean;
};

export class Recorder {
  private readonly path: string;
  private readonly fd: number;
  private readonly compress: boolean;
  private readonly pairing: Pairing | undefined;
  private readonly options: RecorderOptions;
  private written = 0;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;

  /** @throws InputError `cannot-write` */
  constructor(path: string, options: RecorderOptions = {}) {
    this.path = path;
    this.options = options;
    this.compress = options.compress ?? false;
    this.pairing = options.native === true ? undefined : new Pairing((bytes) => this.append(bytes));
    try {
      this.fd = openSync(path, 'w');
    } catch (error: unknown) {
      throw new InputError('cannot-write', `cannot write ${path}: ${(error as Error).message}`);
    }
  }

  section(snapshot: Snapshot): void {
    const { maskEnv, excludeUsers } = this.options;
    this.append(
      encodeSection({
        ...snapshot,
        ...(excludeUsers === true ? { users: [], groups: [] } : {}),
        ...(maskEnv === true
          ? { threads: snapshot.threads.map((thread) => ({ ...thread, env: thread.env.map(maskValue) })) }
          : {}),
      }),
    );
  }

  /** Bytes that the file has, or will have when it is flushed: those before compression, for what is not compressed yet. */
  get size(): number {
    return this.written + this.pendingBytes;
  }

  /** @param bytes whole event blocks; they may change afterwards */
  events(bytes: Uint8Array): void {
    const safe = this.options.maskEnv === true ? maskEnvironments(bytes) : bytes;
    if (this.pairing === undefined) this.append(safe === bytes ? bytes.slice() : safe);
    else this.pairing.add(safe);
  }

  /** @param block an event that is needed for the state, and is not to be shown */
  stateOnly(block: Uint8Array): void {
    this.events(asStateOnly(block));
  }

  private append(bytes: Uint8Array): void {
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    if (this.pendingBytes >= BUFFER) this.flush();
  }

  /** Writes what was held back. @throws InputError `cannot-write` */
  flush(): void {
    if (this.pendingBytes === 0) return;
    const plain = Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    this.write(this.compress ? gzipSync(plain) : plain);
  }

  private write(bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.fd, bytes, done, bytes.length - done);
    } catch (error: unknown) {
      ftruncateSync(this.fd, this.written);
      const reason =
        (error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'the disk is full' : (error as Error).message;
      throw new InputError(
        'cannot-write',
        `cannot write ${this.path}: ${reason}; the ${this.written} bytes before are whole`,
      );
    }
    this.written += bytes.length;
  }

  /** @throws InputError `cannot-write` */
  close(): void {
    try {
      this.pairing?.flush();
      this.flush();
    } finally {
      closeSync(this.fd);
    }
  }
}

const STAR = 0x2a;
const maskValue = (variable: ByteText): ByteText =>
  variable.replace(/=.*$/s, (value) => `=${'*'.repeat(value.length - 1)}`);

const envParam = paramIndexes('env');

// Names stay, values become stars: params keep their size.
function maskEnvironments(bytes: Uint8Array): Uint8Array {
  const cursor = new EventCursor();
  cursor.load(bytes);
  let copy: Uint8Array | undefined;
  while (cursor.next()) {
    const index = envParam[cursor.code] as number;
    if (index < 0 || index >= cursor.count) continue;
    copy ??= new Uint8Array(bytes);
    let inValue = false;
    for (let at = cursor.at(index), end = at + cursor.size(index); at < end; at++) {
      if (copy[at] === 0) inValue = false;
      else if (inValue) copy[at] = STAR;
      else inValue = copy[at] === 0x3d;
    }
  }
  return copy ?? bytes;
}

/** A source that is recorded while it is read. */
export function recorded(source: EventSource, path: string, options: RecorderOptions = {}): EventSource {
  const recorder = new Recorder(path, options);
  return {
    kind: source.kind,
    name: source.name,
    async next(): Promise<SourceItem | undefined> {
      const item = await source.next();
      if (item?.kind === 'snapshot') recorder.section(item.snapshot);
      else if (item?.kind === 'events') recorder.events(item.bytes);
      // a live recording is never far behind
      if (source.kind === 'live') recorder.flush();
      return item;
    },
    stats: (): SourceStats => source.stats(),
    async close(): Promise<void> {
      await source.close();
      recorder.close();
    },
  };
}
