// SPDX-License-Identifier: Apache-2.0
// Where printed text goes: bytes, one a character. Putting short pieces there one after the other is much faster than joining them to
// strings first, of which each line would need dozens.

import type { ByteText } from '../base/units.ts';

export class ByteSink {
  bytes: Uint8Array;
  length = 0;

  /** @param size bytes to begin with */
  constructor(size = 1 << 17) {
    this.bytes = new Uint8Array(size);
  }

  put(text: ByteText): void {
    const size = text.length;
    let at = this.length;
    if (at + size > this.bytes.length) this.grow(at + size);
    const { bytes } = this;
    for (let i = 0; i < size; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  private grow(size: number): void {
    const more = new Uint8Array(Math.max(size, this.bytes.length * 2));
    more.set(this.bytes.subarray(0, this.length));
    this.bytes = more;
  }
}
