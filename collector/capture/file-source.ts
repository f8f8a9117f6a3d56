// SPDX-License-Identifier: Apache-2.0
// A capture file as a source of events. Memory does not grow with the file: a window of it is held, and handed out as batches
// of whole event blocks.
//
//   file ─▶ [gunzip] ─▶ window ─▶ section header, lists ─▶ snapshot item
//                             └─▶ event blocks, unchanged ─▶ events items
//
// Blocks of unknown type before the first event are skipped by their length. After it, only a section header may come: the next
// capture of a concatenated file. Facts: scap-format, sections 1 and 2.

import { createReadStream, statSync, type ReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { ByteReader } from '../../engine/base/bytes.ts';
import { CaptureError, InputError } from '../../engine/base/errors.ts';
import type {
  EventSource,
  Snapshot,
  SnapshotFd,
  SnapshotGroup,
  SnapshotInterface,
  SnapshotUser,
  SourceItem,
  SourceStats,
} from '../../engine/event/source.ts';
import * as block from './blocks.ts';
import {
  readFds,
  readInterfaces,
  readMachine,
  readThreads,
  readUsers,
  UNKNOWN_MACHINE,
  type Machine,
  type ThreadWithoutFds,
} from './lists.ts';

/** Bytes of a batch; an event larger than this makes a batch of its own. */
const BATCH = 1 << 20;
/** No block of a sane capture is larger. */
const BLOCK_LIMIT = 1 << 28;

export class FileSource implements EventSource {
  readonly kind = 'file' as const;
  readonly name: string;
  private readonly stream: ReadStream;
  private readonly chunks: AsyncIterator<Buffer>;
  private readonly size: number;
  private window: Buffer = Buffer.alloc(0);
  private at = 0;
  /** Offset in the (uncompressed) capture of window[0]. */
  private base = 0;
  private ended = false;
  private damage: Error | undefined;
  private started = false;
  private events = 0;
  private finished = false;

  private constructor(path: string, stream: ReadStream, chunks: AsyncIterator<Buffer>, size: number) {
    this.name = path;
    this.stream = stream;
    this.chunks = chunks;
    this.size = size;
  }

  /**
   * Opens a capture, plain or gzip; `-` is standard input.
   *
   * @throws InputError `no-file` if it cannot be read, CaptureError `not-a-capture` if it is something else
   */
  static async open(path: string): Promise<FileSource> {
    let size = 0;
    if (path !== '-') {
      try {
        const stat = statSync(path);
        if (stat.isDirectory()) throw new InputError('no-file', `cannot read ${path}: it is a directory`);
        size = stat.size;
      } catch (error: unknown) {
        if (error instanceof InputError) throw error;
        throw new InputError('no-file', `cannot read ${path}: ${reason(error)}`);
      }
    }
    const stream = createReadStream(path === '-' ? '/dev/stdin' : path, { highWaterMark: BATCH });
    const raw = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    let first: IteratorResult<Buffer>;
    try {
      first = await raw.next();
    } catch (error: unknown) {
      throw new InputError('no-file', `cannot read ${path}: ${reason(error)}`);
    }
    if (first.done === true) throw new CaptureError('empty', `${path} is empty: it is no capture`, 0);
    const plain = prepend(first.value, raw);
    const zipped = first.value[0] === 0x1f && first.value[1] === 0x8b;
    const source = new FileSource(path, stream, zipped ? gunzip(plain) : plain, size);
    const magic = await source.peek(12);
    if (magic === undefined || magic.readUInt32LE(0) !== block.SECTION_HEADER) {
      await source.close();
      if (source.damage !== undefined)
        throw new CaptureError('not-a-capture', `${path}: ${source.damage.message}`, 0);
      throw new CaptureError(
        'not-a-capture',
        `${path} is no scap capture: it does not begin with a section header`,
        0,
      );
    }
    return source;
  }

  async next(): Promise<SourceItem | undefined> {
    if (this.finished) return undefined;
    if (!this.started) {
      this.started = true;
      return { kind: 'snapshot', snapshot: await this.readSection() };
    }
    const bytes = await this.readBatch();
    if (bytes !== undefined) return { kind: 'events', bytes };
    const header = await this.peek(8);
    if (header === undefined) {
      this.finished = true;
      if (this.damage !== undefined) {
        throw new CaptureError(
          'truncated',
          `${this.name} is damaged at byte ${this.offset}: ${this.damage.message}`,
          this.offset,
        );
      }
      if (this.left > 0) throw this.truncated();
      if (this.events === 0) throw new CaptureError('no-events', `${this.name} holds no events`, this.offset);
      return undefined;
    }
    const type = header.readUInt32LE(0);
    if (type === block.SECTION_HEADER) return { kind: 'snapshot', snapshot: await this.readSection() };
    this.finished = true;
    if (block.isEventBlock(type)) throw this.truncated();
    throw new CaptureError(
      'corrupt',
      `${this.name} is damaged at byte ${this.offset}: there is no block of type 0x${type.toString(16)}`,
      this.offset,
    );
  }

  stats(): SourceStats {
    const progress = this.size > 0 ? Math.min(1, this.stream.bytesRead / this.size) : 0;
    return { events: this.events, drops: {}, progress };
  }

  async close(): Promise<void> {
    this.finished = true;
    this.stream.destroy();
    await this.chunks.return?.();
  }

  // ---- the window ----

  private get left(): number {
    return this.window.length - this.at;
  }

  private get offset(): number {
    return this.base + this.at;
  }

  /** At least `size` bytes from here, or undefined if the file has no more. */
  private async peek(size: number): Promise<Buffer | undefined> {
    if (this.left < size) await this.fill(size);
    return this.left < size ? undefined : this.window.subarray(this.at);
  }

  private async fill(size: number): Promise<void> {
    const parts: Buffer[] = [this.window.subarray(this.at)];
    let total = this.left;
    while (total < size && !this.ended) {
      try {
        const chunk = await this.chunks.next();
        if (chunk.done === true) {
          this.ended = true;
        } else {
          parts.push(chunk.value);
          total += chunk.value.length;
        }
      } catch (error: unknown) {
        this.ended = true;
        this.damage = new Error(reason(error));
      }
    }
    this.base += this.at;
    this.at = 0;
    this.window = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, total);
  }

  private truncated(): CaptureError {
    return new CaptureError(
      'truncated',
      `${this.name} ends in the middle of a block at byte ${this.offset}: it was cut, or is still being written`,
      this.offset,
    );
  }

  // ---- events ----

  private async readBatch(): Promise<Uint8Array | undefined> {
    if (this.left < BATCH) await this.fill(BATCH);
    let end = this.wholeBlocks();
    if (end === this.at && this.left >= 8 && block.isEventBlock(this.window.readUInt32LE(this.at))) {
      // one event larger than the window
      const length = this.window.readUInt32LE(this.at + 4);
      if (length <= BLOCK_LIMIT) {
        await this.fill(length);
        end = this.wholeBlocks();
      }
    }
    if (end === this.at) return undefined;
    const bytes = this.window.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  /** Where the run of whole event blocks from here ends. */
  private wholeBlocks(): number {
    const window = this.window;
    let at = this.at;
    while (at + 8 <= window.length) {
      const type = window.readUInt32LE(at);
      if (!block.isEventBlock(type)) break;
      const length = window.readUInt32LE(at + 4);
      if (length < 36 || length % 4 !== 0) break;
      if (at + length > window.length) break;
      at += length;
      this.events++;
    }
    return at;
  }

  // ---- the lists before the first event ----

  private async readSection(): Promise<Snapshot> {
    let machine: Machine = UNKNOWN_MACHINE;
    const interfaces: SnapshotInterface[] = [];
    const users: SnapshotUser[] = [];
    const groups: SnapshotGroup[] = [];
    const threads: ThreadWithoutFds[] = [];
    const fds = new Map<number, SnapshotFd[]>();
    let headers = 0;
    for (;;) {
      const header = await this.peek(8);
      if (header === undefined) {
        if (this.left > 0) throw this.truncated();
        break;
      }
      const code = header.readUInt32LE(0);
      const type = block.ALIASES.get(code) ?? code;
      if (block.isEventBlock(type)) break;
      if (type === block.SECTION_HEADER && headers++ > 0) break;
      const length = header.readUInt32LE(4);
      if (length < 12 || length > BLOCK_LIMIT) {
        throw new CaptureError(
          'corrupt',
          `${this.name} is damaged at byte ${this.offset}: a block says it has ${length} bytes`,
          this.offset,
        );
      }
      const whole = await this.peek(length);
      if (whole === undefined) throw this.truncated();
      const reader = new ByteReader(whole, 8, length - 4);
      try {
        if (type === block.SECTION_HEADER) this.checkHeader(reader);
        else if (type === block.MACHINE_INFO) machine = readMachine(reader);
        else if (block.INTERFACE_LISTS.includes(type))
          interfaces.push(...readInterfaces(reader, type === 0x219));
        else if (block.USER_LISTS.includes(type)) {
          const lists = readUsers(reader, type === 0x220);
          users.push(...lists.users);
          groups.push(...lists.groups);
        } else if (block.PROCESS_LISTS.includes(type)) {
          threads.push(...readThreads(reader, block.PROCESS_LISTS.indexOf(type) + 1));
        } else if (block.FD_LISTS.includes(type)) {
          const list = readFds(reader, type === 0x218);
          fds.set(list.tid, [...(fds.get(list.tid) ?? []), ...list.fds]);
        }
      } catch (error: unknown) {
        if (!(error instanceof RangeError)) throw error;
        throw new CaptureError(
          'corrupt',
          `${this.name} is damaged at byte ${this.offset}: a list of type 0x${type.toString(16)} does not fit its block`,
          this.offset,
        );
      }
      this.at += length;
    }
    return {
      machine,
      interfaces,
      users,
      groups,
      threads: threads.map((thread) => ({ ...thread, fds: fds.get(thread.tid) ?? [] })),
    };
  }

  private checkHeader(reader: ByteReader): void {
    if (reader.u32() !== block.BYTE_ORDER_MAGIC) {
      throw new CaptureError(
        'not-a-capture',
        `${this.name} was not written on a little-endian machine, or is no scap capture`,
        this.offset,
      );
    }
    const major = reader.u16();
    if (major > 1) {
      throw new CaptureError(
        'version',
        `${this.name} has version ${major} of the format; sonde reads version 1`,
        this.offset,
      );
    }
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR') return 'the gzip stream is damaged or cut';
  return error instanceof Error ? error.message : String(error);
}

async function* prepend(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (;;) {
    const item = await rest.next();
    if (item.done === true) return;
    yield item.value;
  }
}

/** Several gzip members in a row are one stream, as for every scap reader. */
async function* gunzip(input: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const unzip = createGunzip({ chunkSize: BATCH });
  let failure: unknown;
  const feed = (async () => {
    try {
      for await (const chunk of input) {
        if (!unzip.write(chunk)) await new Promise<void>((resolve) => unzip.once('drain', () => resolve()));
      }
      unzip.end();
    } catch (error: unknown) {
      failure = error;
      unzip.destroy();
    }
  })();
  try {
    for await (const chunk of unzip) yield chunk as Buffer;
  } finally {
    await input.return(undefined);
  }
  await feed;
  if (failure !== undefined) throw failure;
}
