// SPDX-License-Identifier: Apache-2.0
// Failed calls as facts: errno × syscall × target, with the events in which they happened.

import type { ByteText } from '../base/units.ts';

/** One way of failing. */
export type FailureKind = {
  readonly errno: number;
  readonly syscall: string;
  /** Path, peer or descriptor; '' if nothing is known. */
  readonly target: ByteText;
};

export class Failures {
  readonly kinds: FailureKind[] = [];
  private readonly ids = new Map<string, number>();
  /** One row a failed call: its kind, event number, thread row, and time. */
  readonly kind: number[] = [];
  readonly num: number[] = [];
  readonly thread: number[] = [];
  readonly ts: number[] = [];

  get length(): number {
    return this.kind.length;
  }

  add(failure: FailureKind, num: number, thread: number, ts: number): void {
    const key = `${failure.errno}\t${failure.syscall}\t${failure.target}`;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.kinds.length;
      this.ids.set(key, id);
      this.kinds.push(failure);
    }
    this.kind.push(id);
    this.num.push(num);
    this.thread.push(thread);
    this.ts.push(ts);
  }

  /** Forgets calls before an event number (they left the store); the kinds stay. */
  evictBefore(num: number): void {
    let count = 0;
    while (count < this.num.length && (this.num[count] as number) < num) count++;
    if (count === 0) return;
    for (const column of [this.kind, this.num, this.thread, this.ts]) column.splice(0, count);
  }
}
