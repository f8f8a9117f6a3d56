// SPDX-License-Identifier: Apache-2.0
// What the commands write: lines of captured bytes to standard output, sentences to standard error.

import { writeSync } from 'node:fs';
import { ByteSink } from '../engine/print/sink.ts';

/** One sentence for the user, on standard error. */
export function say(message: string): void {
  process.stderr.write(`sonde: ${message}\n`);
}

/** Standard output has nobody who reads it any more: the end, and no error. */
export class OutputClosed extends Error {}

const FLUSH_AT = 1 << 16;

/** Collects lines of ByteText and writes them in large pieces. */
export class LineWriter {
  /** What is put here is a line after end(). */
  readonly sink = new ByteSink();
  private readonly unbuffered: boolean;

  constructor(options: { readonly unbuffered: boolean }) {
    this.unbuffered = options.unbuffered;
  }

  line(text: string): void {
    this.sink.put(text);
    this.end();
  }

  /** @throws OutputClosed */
  end(): void {
    this.sink.put('\n');
    if (this.unbuffered || this.sink.length > FLUSH_AT) this.flush();
  }

  /** @throws OutputClosed */
  flush(): void {
    const { bytes, length } = this.sink;
    if (length === 0) return;
    this.sink.length = 0;
    writeAll(bytes.subarray(0, length));
  }
}

function writeAll(bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error: unknown) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE') throw new OutputClosed();
      // a pipe whose reader is slow
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      else throw error;
    }
  }
}
