// SPDX-License-Identifier: Apache-2.0
// Everything that queries read: the machine as it is now, the store, the transactions, and what is derived from them once for all
// queries.

import type { ByteText } from '../base/units.ts';
import { compileFilter, type CompiledFilter } from '../filter/compile.ts';
import { Transactions } from '../protocol/transactions.ts';
import { Machine } from '../state/machine.ts';
import { StoredContext } from '../store/context.ts';
import { EventStore } from '../store/store.ts';
import { Groupings } from './groups.ts';
import { Sums } from './sums.ts';

/** Sums over everything seen so far, kept up to date by looking only at what is new. */
export class Totals {
  readonly processes = new Sums();
  readonly threads = new Sums();
  readonly descriptors = new Sums();
  readonly containers = new Sums();
  private nextNum = 0;
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  update(): void {
    const { groups, store } = this.world;
    groups.update();
    this.processes.grow(groups.processes.groups.length);
    this.threads.grow(groups.threads.groups.length);
    this.containers.grow(groups.containers.groups.length);
    this.descriptors.grow(groups.descriptors.groups.length);
    for (const segment of store.segments) {
      const end = segment.length;
      for (let i = Math.max(0, this.nextNum - segment.firstNum); i < end; i++) {
        const thread = segment.thread[i] as number;
        if (thread < 0) continue;
        this.processes.add(groups.processes.of[thread] as number, segment, i);
        this.threads.add(groups.threads.of[thread] as number, segment, i);
        this.containers.add(groups.containers.of[thread] as number, segment, i);
        const fd = segment.fd[i] as number;
        if (fd >= 0) this.descriptors.add(groups.descriptors.of[fd] as number, segment, i);
      }
      this.nextNum = Math.max(this.nextNum, segment.firstNum + end);
    }
  }
}

export class World {
  readonly machine: Machine;
  readonly store: EventStore;
  readonly transactions = new Transactions();
  readonly groups: Groupings;
  readonly totals: Totals;
  readonly isLive: boolean;
  private readonly filters = new Map<string, CompiledFilter>();

  constructor(options: { readonly budgetBytes?: number; readonly isLive: boolean }) {
    this.machine = new Machine();
    this.store = new EventStore(options.budgetBytes);
    this.groups = new Groupings(this.store.dims);
    this.totals = new Totals(this);
    this.isLive = options.isLive;
  }

  context(): StoredContext {
    return new StoredContext(this.store, this.machine);
  }

  compile(filter: string): CompiledFilter {
    let compiled = this.filters.get(filter);
    if (compiled === undefined) {
      compiled = compileFilter(filter);
      if (this.filters.size > 32) this.filters.clear();
      this.filters.set(filter, compiled);
    }
    return compiled;
  }

  /** Target of the failed call with an event number; undefined if it did not fail. */
  failureTarget(num: number): ByteText | undefined {
    const { failures } = this.store;
    let low = 0;
    let high = failures.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const at = failures.num[middle] as number;
      if (at < num) low = middle + 1;
      else if (at > num) high = middle - 1;
      else return failures.kinds[failures.kind[middle] as number]?.target;
    }
    return undefined;
  }

  /** The time over which rates are taken: the last seconds when live, the whole capture otherwise. */
  window(range: { readonly from: number; readonly to: number } | undefined): {
    from: number;
    to: number;
    seconds: number;
  } {
    const { store } = this;
    const first = store.segments[0]?.minTs ?? 0;
    if (range !== undefined) {
      const from = Math.max(first, range.from);
      const to = Math.min(store.lastTs + 1, range.to);
      return { from, to, seconds: Math.max(1e-9, (to - from) / 1e9) };
    }
    if (!this.isLive) return { from: -Infinity, to: Infinity, seconds: Math.max(1e-9, store.span / 1e9) };
    const from = Math.max(first, store.lastTs - LIVE_WINDOW);
    return { from, to: Infinity, seconds: Math.max(0.1, (store.lastTs - from) / 1e9) };
  }
}

/** CPU is sampled once a second: two full samples. */
const LIVE_WINDOW = 2e9;
