// SPDX-License-Identifier: Apache-2.0
// A run of consecutive events as columns of typed arrays, with their bytes beside them. Segments fill one after the other, are
// never changed once full, and leave the store oldest first.

export const SEGMENT_EVENTS = 1 << 16;

/** Bits of the flags column. */
export const RowFlag = {
  /** Never shown: state-only, or of category INTERNAL. */
  HIDDEN: 1,
  EXIT: 2,
  /** The call failed: result is -errno. */
  FAILED: 4,
  /** Bytes moved, in `result`, read from or written to a descriptor. */
  READ: 8,
  WRITE: 16,
  FILE: 32,
  NET: 64,
  /** CPU ticks of 10 ms in `result`. */
  CPU: 128,
} as const;

/** What the columns hold of one event. */
export type EventRow = {
  ts: number;
  code: number;
  cpu: number;
  flags: number;
  /** Row of the thread dimension, -1 = none. */
  thread: number;
  /** Row of the fd dimension, -1 = none. */
  fd: number;
  /** Return value of an exit (clipped to 32 bits), CPU ticks of a procinfo. */
  result: number;
  /** Nanoseconds in the call, -1 = unknown. */
  latency: number;
};

export class Segment {
  /** Number of the first event in the capture. */
  readonly firstNum: number;
  length = 0;
  ts = new Float64Array(SEGMENT_EVENTS);
  latency = new Float64Array(SEGMENT_EVENTS);
  thread = new Int32Array(SEGMENT_EVENTS);
  fd = new Int32Array(SEGMENT_EVENTS);
  result = new Int32Array(SEGMENT_EVENTS);
  /** Where the event's block starts in `bytes`. */
  offset = new Uint32Array(SEGMENT_EVENTS);
  code = new Uint16Array(SEGMENT_EVENTS);
  cpu = new Uint16Array(SEGMENT_EVENTS);
  flags = new Uint8Array(SEGMENT_EVENTS);
  bytes: Uint8Array = new Uint8Array(SEGMENT_EVENTS * 64);
  bytesLength = 0;
  minTs = Infinity;
  maxTs = -Infinity;

  constructor(firstNum: number) {
    this.firstNum = firstNum;
  }

  get isFull(): boolean {
    return this.length === SEGMENT_EVENTS;
  }

  /** Memory held, in bytes. */
  get size(): number {
    return this.ts.length * 41 + this.bytes.length;
  }

  append(row: EventRow, source: Uint8Array, start: number, end: number): void {
    const i = this.length++;
    this.ts[i] = row.ts;
    this.latency[i] = row.latency;
    this.thread[i] = row.thread;
    this.fd[i] = row.fd;
    this.result[i] = Math.max(-0x80000000, Math.min(0x7fffffff, row.result));
    this.offset[i] = this.bytesLength;
    this.code[i] = row.code;
    this.cpu[i] = row.cpu;
    this.flags[i] = row.flags;
    if (row.ts < this.minTs) this.minTs = row.ts;
    if (row.ts > this.maxTs) this.maxTs = row.ts;
    const size = end - start;
    if (this.bytesLength + size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.bytesLength + size));
      grown.set(this.bytes.subarray(0, this.bytesLength));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(start, end), this.bytesLength);
    this.bytesLength += size;
  }

  /** Gives back what a full segment does not need. */
  seal(): void {
    this.bytes = this.bytes.slice(0, this.bytesLength);
  }
}
