// SPDX-License-Identifier: Apache-2.0
// The bytes of a capture, plain or gzip, from a file, a pipe or standard input.
//
//   file ─▶ [gunzip] ─▶ fill(buffer)

import { closeSync, fstatSync, openSync, read as readInto, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { createGunzip, type Gunzip } from 'node:zlib';
import { InputError } from '../../engine/base/errors.ts';

const readAsync = promisify(readInto);

/** Compressed bytes that are looked at in one go: what comes out of them is held in memory. */
const PIECE = 64 * 1024;

export interface ByteInput {
  /** Bytes of the file that were read so far, and that it has; 0 where that is not known. */
  readonly taken: number;
  readonly size: number;
  /**
   * Reads into `buffer` from `at`, at most up to `end`.
   *
   * @returns how many bytes; 0 at the end, as it is now
   * @throws Error with a reason that can be shown
   */
  fill(buffer: Uint8Array, at: number, end: number): Promise<number>;
  close(): void;
}

/** @throws InputError `no-file` */
export function openInput(path: string): ByteInput {
  let fd: number;
  let size: number;
  try {
    fd = path === '-' ? 0 : openSync(path, 'r');
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new Error('it is a directory');
    size = stat.isFile() ? stat.size : 0;
  } catch (error: unknown) {
    throw new InputError('no-file', `cannot read ${path}: ${reason(error)}`);
  }
  const file = new FileInput(fd, size);
  // two bytes tell; a pipe cannot be asked twice, so they are kept
  const head = new Uint8Array(2);
  let got = 0;
  try {
    while (got < 2) {
      const more = readSync(fd, head, got, 2 - got, null);
      if (more === 0) break;
      got += more;
    }
  } catch (error: unknown) {
    file.close();
    throw new InputError('no-file', `cannot read ${path}: ${reason(error)}`);
  }
  file.head = head.subarray(0, got);
  return head[0] === 0x1f && head[1] === 0x8b ? new GzipInput(file) : file;
}

class FileInput implements ByteInput {
  readonly size: number;
  taken = 0;
  /** What was read when the file was opened, and not handed out yet. */
  head = new Uint8Array(0);
  private readonly fd: number;
  private reading: Promise<unknown> = Promise.resolve();

  constructor(fd: number, size: number) {
    this.fd = fd;
    this.size = size;
  }

  async fill(buffer: Uint8Array, at: number, end: number): Promise<number> {
    let got = 0;
    if (this.head.length > 0) {
      got = Math.min(this.head.length, end - at);
      buffer.set(this.head.subarray(0, got), at);
      this.head = this.head.subarray(got);
    }
    if (at + got < end) {
      const reading = readAsync(this.fd, buffer, at + got, end - at - got, null);
      this.reading = reading.catch(() => undefined);
      try {
        got += (await reading).bytesRead;
      } catch (error: unknown) {
        throw new Error(reason(error), { cause: error });
      }
    }
    this.taken += got;
    return got;
  }

  close(): void {
    // a descriptor that is being read from must not be given to another file
    if (this.fd !== 0) void this.reading.then(() => closeSync(this.fd));
  }
}

/** Several gzip members in a row are one stream, as for every scap reader. */
class GzipInput implements ByteInput {
  readonly size: number;
  private readonly file: FileInput;
  private readonly unzip: Gunzip = createGunzip({ chunkSize: PIECE * 4 });
  private readonly piece = new Uint8Array(PIECE);
  /** What came out and was not handed out. */
  private out: Uint8Array[] = [];
  private outAt = 0;
  private ended = false;
  private failure: Error | undefined;

  constructor(file: FileInput) {
    this.file = file;
    this.size = file.size;
    this.unzip.on('data', (chunk: Uint8Array) => this.out.push(chunk));
    this.unzip.on('error', (error) => {
      this.failure = new Error(reason(error), { cause: error });
    });
  }

  get taken(): number {
    return this.file.taken;
  }

  async fill(buffer: Uint8Array, at: number, end: number): Promise<number> {
    while (this.out.length === 0) {
      if (this.failure !== undefined) throw this.failure;
      if (this.ended) return 0;
      const got = await this.file.fill(this.piece, 0, PIECE);
      if (got > 0) await this.inflate(this.piece.slice(0, got));
      else await this.finish();
    }
    let done = at;
    while (done < end && this.out.length > 0) {
      const first = this.out[0] as Uint8Array;
      const part = first.subarray(this.outAt, this.outAt + end - done);
      buffer.set(part, done);
      done += part.length;
      this.outAt += part.length;
      if (this.outAt < first.length) break;
      this.out.shift();
      this.outAt = 0;
    }
    return done - at;
  }

  private inflate(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.unzip.off('error', done);
        resolve();
      };
      this.unzip.once('error', done);
      this.unzip.write(bytes, done);
    });
  }

  private finish(): Promise<void> {
    this.ended = true;
    return new Promise((resolve) => {
      this.unzip.once('close', resolve);
      this.unzip.end();
    });
  }

  close(): void {
    this.unzip.destroy();
    this.file.close();
  }
}

/** Why a file cannot be read, in words. */
function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR') return 'the gzip stream is damaged or cut';
  return error instanceof Error ? error.message : String(error);
}
