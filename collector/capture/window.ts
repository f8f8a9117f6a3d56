// SPDX-License-Identifier: Apache-2.0
// A window that slides over the bytes of a capture. Two buffers take turns: while one is looked at, the next is read. What is
// left over of one is put before the other, so that nothing else is copied.
//
//   bytes:  │ room │ rest of the last │ just read │        spare:  │ room │ being read …
//                  at                          end

import type { ByteInput } from './input.ts';

/** Bytes read at once. */
export const BATCH = 1 << 20;
/** Room for the rest of the buffer before; a rest that is longer (one large event) is moved to a buffer of its own. */
const ROOM = 1 << 17;

export class Window {
  /** What there is: bytes[at … end). */
  bytes: Buffer;
  at = ROOM;
  end = ROOM;
  /** The input has no more, as it is now. */
  ended = false;
  /** Why it cannot be read any further. */
  damage: Error | undefined;
  private spare: Buffer;
  private readonly batch: number;
  /** Offset in the (uncompressed) capture of bytes[0]. */
  private base = -ROOM;
  private ahead: Promise<number> | undefined;
  private readonly input: ByteInput;

  /** @param batch bytes to read at once */
  constructor(input: ByteInput, batch = BATCH) {
    this.input = input;
    this.batch = batch;
    this.bytes = this.buffer();
    this.spare = this.buffer();
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Offset in the (uncompressed) capture. */
  get offset(): number {
    return this.base + this.at;
  }

  /** Whether there are `size` bytes from here; reads until there are. */
  async has(size: number): Promise<boolean> {
    while (this.left < size && !this.ended) await this.more();
    return this.left >= size;
  }

  /** Reads on. `ended` says whether that was the end; a file that grows can be asked again. */
  async more(): Promise<void> {
    let got = 0;
    try {
      got = await (this.ahead ?? this.readAhead());
    } catch (error: unknown) {
      this.damage = error as Error;
    }
    this.ahead = undefined;
    this.ended = got === 0;
    if (this.ended) return;
    const { left } = this;
    const { offset } = this;
    if (left <= ROOM) this.swap(left, got);
    else this.append(left, got);
    this.base = offset - this.at;
    this.ahead = this.readAhead();
    // whoever asks next gets the error
    this.ahead.catch(() => undefined);
  }

  private readAhead(): Promise<number> {
    return this.input.fill(this.spare, ROOM, ROOM + this.batch);
  }

  private buffer(): Buffer {
    return Buffer.allocUnsafeSlow(ROOM + this.batch);
  }

  private swap(left: number, got: number): void {
    const next = this.spare;
    this.bytes.copy(next, ROOM - left, this.at, this.end);
    this.spare = this.bytes.length === ROOM + this.batch ? this.bytes : this.buffer();
    this.bytes = next;
    this.at = ROOM - left;
    this.end = ROOM + got;
  }

  // A large event: its buffer doubles until it is whole.
  private append(left: number, got: number): void {
    let target = this.bytes;
    if (this.end + got > target.length) {
      target = Buffer.allocUnsafeSlow(2 * (left + this.batch));
      this.bytes.copy(target, 0, this.at, this.end);
      this.at = 0;
      this.end = left;
      this.bytes = target;
    }
    this.spare.copy(target, this.end, ROOM, ROOM + got);
    this.end += got;
  }
}
