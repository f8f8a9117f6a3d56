// SPDX-License-Identifier: Apache-2.0
// A capture file as a source of events. Memory does not grow with the file: a window of it is held, and handed out as batches
// of whole event blocks.
//
//   file ─▶ [gunzip] ─▶ window ─▶ section header, lists ─▶ snapshot item
//                             └─▶ event blocks, unchanged ─▶ events items
//
// Blocks of unknown type before the first event are skipped by their length. After it, only a section header may come: the next
// capture of a concatenated file. Facts: scap-format, sections 1 and 2.

import { setTimeout as sleep } from 'node:timers/promises';
import { ByteReader } from '../../engine/base/bytes.ts';
import { CaptureError } from '../../engine/base/errors.ts';
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
import { openInput, type ByteInput } from './input.ts';
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
import { BATCH, Window } from './window.ts';

/** No block of a sane capture is larger. */
const BLOCK_LIMIT = 1 << 28;
/** How long a file that is followed is left alone when it has nothing new. */
const FOLLOW_MS = 100;

export type FileOptions = {
  /** At its end, wait for what is still to be written. */
  readonly follow?: boolean;
};

export class FileSource implements EventSource {
  readonly kind = 'file' as const;
  readonly name: string;
  private readonly input: ByteInput;
  private readonly window: Window;
  private readonly follow: boolean;
  private started = false;
  private events = 0;
  private finished = false;

  /** @param input bytes of a capture, from wherever; open() takes a path */
  constructor(path: string, input: ByteInput, options: FileOptions & { readonly batch?: number } = {}) {
    this.name = path;
    this.input = input;
    this.window = new Window(input, options.batch ?? BATCH);
    this.follow = options.follow ?? false;
  }

  /**
   * Opens a capture, plain or gzip; `-` is standard input.
   *
   * @throws InputError `no-file` if it cannot be read, CaptureError `not-a-capture` if it is something else
   */
  static async open(path: string, options: FileOptions = {}): Promise<FileSource> {
    const source = new FileSource(path, openInput(path), options);
    try {
      await source.checkMagic();
    } catch (error: unknown) {
      await source.close();
      throw error;
    }
    return source;
  }

  /** @throws CaptureError `empty`, `not-a-capture` */
  async checkMagic(): Promise<void> {
    const { window, name } = this;
    const whole = await window.has(12);
    if (window.left === 0 && window.damage === undefined)
      throw new CaptureError('empty', `${name} is empty: it is no capture`, 0);
    if (window.damage !== undefined)
      throw new CaptureError('not-a-capture', `${name}: ${window.damage.message}`, 0);
    if (!whole || window.bytes.readUInt32LE(window.at) !== block.SECTION_HEADER) {
      throw new CaptureError(
        'not-a-capture',
        `${name} is no scap capture: it does not begin with a section header`,
        0,
      );
    }
  }

  async next(): Promise<SourceItem | undefined> {
    if (this.finished) return undefined;
    if (!this.started) {
      this.started = true;
      return { kind: 'snapshot', snapshot: await this.readSection() };
    }
    const { window } = this;
    const bytes = await this.readBatch();
    if (bytes !== undefined) return { kind: 'events', bytes };
    if (window.left < 8 || window.ended) {
      if (window.damage !== undefined) {
        this.finished = true;
        throw new CaptureError(
          'truncated',
          `${this.name} is damaged at byte ${window.offset}: ${window.damage.message}`,
          window.offset,
        );
      }
      if (this.follow && this.isUnfinished()) {
        await sleep(FOLLOW_MS);
        window.ended = false;
        return { kind: 'idle' };
      }
    }
    this.finished = window.left < 8;
    if (this.finished) {
      if (window.left > 0) throw this.truncated();
      if (this.events === 0)
        throw new CaptureError('no-events', `${this.name} holds no events`, window.offset);
      return undefined;
    }
    const type = window.bytes.readUInt32LE(window.at);
    if (type === block.SECTION_HEADER) return { kind: 'snapshot', snapshot: await this.readSection() };
    this.finished = true;
    if (block.isEventBlock(type)) throw this.truncated();
    throw new CaptureError(
      'corrupt',
      `${this.name} is damaged at byte ${window.offset}: there is no block of type 0x${type.toString(16)}`,
      window.offset,
    );
  }

  // Whether what is there ends within a block, or after one: nothing that could not go on.
  private isUnfinished(): boolean {
    const { window } = this;
    if (window.left < 8) return true;
    const type = window.bytes.readUInt32LE(window.at);
    return block.isEventBlock(type) && isLength(window.bytes.readUInt32LE(window.at + 4));
  }

  stats(): SourceStats {
    const { size, taken } = this.input;
    return { events: this.events, drops: {}, progress: size > 0 ? Math.min(1, taken / size) : 0 };
  }

  close(): Promise<void> {
    this.finished = true;
    this.input.close();
    return Promise.resolve();
  }

  private truncated(): CaptureError {
    const { offset } = this.window;
    return new CaptureError(
      'truncated',
      `${this.name} ends in the middle of a block at byte ${offset}: it was cut, or is still being written`,
      offset,
    );
  }

  // ---- events ----

  private async readBatch(): Promise<Uint8Array | undefined> {
    const { window } = this;
    let end = this.wholeBlocks();
    while (end === window.at && !window.ended && this.mayBegin()) {
      await window.more();
      end = this.wholeBlocks();
    }
    if (end === window.at) return undefined;
    const bytes = window.bytes.subarray(window.at, end);
    window.at = end;
    return bytes;
  }

  /** Whether more bytes could make a whole event block of what is here. */
  private mayBegin(): boolean {
    const { window } = this;
    if (window.left < 8) return true;
    const length = window.bytes.readUInt32LE(window.at + 4);
    return (
      block.isEventBlock(window.bytes.readUInt32LE(window.at)) && isLength(length) && window.left < length
    );
  }

  /** Where the run of whole event blocks from here ends. */
  private wholeBlocks(): number {
    const { bytes, end } = this.window;
    const view = new DataView(bytes.buffer, bytes.byteOffset, end);
    let { at } = this.window;
    let events = 0;
    while (at + 8 <= end) {
      if (!block.isEventBlock(view.getUint32(at, true))) break;
      const length = view.getUint32(at + 4, true);
      if (!isLength(length) || at + length > end) break;
      at += length;
      events++;
    }
    this.events += events;
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
    const { window } = this;
    for (;;) {
      if (!(await window.has(8))) {
        if (window.left > 0) throw this.truncated();
        break;
      }
      const code = window.bytes.readUInt32LE(window.at);
      const type = block.ALIASES.get(code) ?? code;
      if (block.isEventBlock(type)) break;
      if (type === block.SECTION_HEADER && headers++ > 0) break;
      const length = window.bytes.readUInt32LE(window.at + 4);
      if (length < 12 || length > BLOCK_LIMIT) {
        throw new CaptureError(
          'corrupt',
          `${this.name} is damaged at byte ${window.offset}: a block says it has ${length} bytes`,
          window.offset,
        );
      }
      if (!(await window.has(length))) throw this.truncated();
      const reader = new ByteReader(window.bytes, window.at + 8, window.at + length - 4);
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
          `${this.name} is damaged at byte ${window.offset}: a list of type 0x${type.toString(16)} does not fit its block`,
          window.offset,
        );
      }
      window.at += length;
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
        this.window.offset,
      );
    }
    const major = reader.u16();
    if (major > 1) {
      throw new CaptureError(
        'version',
        `${this.name} has version ${major} of the format; sonde reads version 1`,
        this.window.offset,
      );
    }
  }
}

/** A length that an event block can have. */
function isLength(length: number): boolean {
  return length >= 36 && length % 4 === 0 && length <= BLOCK_LIMIT;
}
