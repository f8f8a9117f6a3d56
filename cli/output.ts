// SPDX-License-Identifier: Apache-2.0
// What the commands write: lines of captured bytes to standard output, sentences to standard error.

import { writeSync } from 'node:fs';

/** One sentence for the user, on standard error. */
export function say(message: string): void {
  process.stderr.write(`sonde: ${message}\n`);
}

/** Standard output has nobody who reads it any more: the end, and no error. */
export class OutputClosed extends Error {}

const FLUSH_AT = 1 << 16;

/** Collects lines of ByteText and writes them in large pieces. */
export class LineWriter {
  private text = '';
  private readonly unbuffered: boolean;

  constructor(options: { readonly unbuffered: boolean }) {
    this.unbuffered = options.unbuffered;
  }

  line(text: string): void {
    this.text += text;
    this.text += '\n';
    if (this.unbuffered || this.text.length > FLUSH_AT) this.flush();
  }

  /** @throws OutputClosed */
  flush(): void {
    if (this.text === '') return;
    const bytes = Buffer.from(this.text, 'latin1');
    this.text = '';
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
}
