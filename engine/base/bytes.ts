// SPDX-License-Identifier: Apache-2.0
// Bounds-checked little-endian reads and writes, for the parts of a capture that are read once (lists, headers). Events are read
// by EventCursor.

import { byteText } from './text.ts';
import type { ByteText } from './units.ts';

/** Reads past the end throw RangeError; whoever knows the file turns it into a CaptureError with the place. */
export class ByteReader {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  private take(size: number): number {
    const at = this.at;
    if (at + size > this.end) throw new RangeError(`${size} bytes wanted, ${this.left} left`);
    this.at = at + size;
    return at;
  }

  skip(size: number): void {
    this.take(size);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  i64(): number {
    return Number(this.view.getBigInt64(this.take(8), true));
  }

  data(size: number): Uint8Array {
    const at = this.take(size);
    return new Uint8Array(this.bytes.subarray(at, at + size));
  }

  text(size: number): ByteText {
    const at = this.take(size);
    return byteText(this.bytes, at, at + size);
  }

  /** u16 length, then that many bytes. */
  str16(): ByteText {
    return this.text(this.u16());
  }
}

/** Grows as it is written to. */
export class ByteWriter {
  private buffer = new Uint8Array(1024);
  private view = new DataView(this.buffer.buffer);
  length = 0;

  // may put another buffer in place: callers ask for room before they touch buffer or view
  private room(size: number): number {
    const at = this.length;
    if (at + size > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, at + size));
      grown.set(this.buffer);
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    this.length = at + size;
    return at;
  }

  u8(value: number): void {
    const at = this.room(1);
    this.view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.room(2);
    this.view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.room(4);
    this.view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    const at = this.room(8);
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  i64(value: number): void {
    const at = this.room(8);
    this.view.setBigInt64(at, BigInt(value), true);
  }

  data(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.buffer.set(bytes, at);
  }

  text(text: ByteText): void {
    const at = this.room(text.length);
    for (let i = 0; i < text.length; i++) this.buffer[at + i] = text.charCodeAt(i);
  }

  /** u16 length, then the bytes; what is longer than `limit` is cut. */
  str16(text: ByteText, limit = 65535): void {
    const cut = text.length > limit ? text.slice(0, limit) : text;
    this.u16(cut.length);
    this.text(cut);
  }

  /** Overwrites a u32 written before. */
  patchU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** What was written so far; a view that the next write may invalidate. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}
