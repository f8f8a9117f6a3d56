// SPDX-License-Identifier: Apache-2.0
// From a drill path to the events it selects: constraints on the thread and fd dimensions become bitmaps, evaluated once a row;
// a time range and a set of event numbers cut the columns; a filter is asked last, on what is left.

import { InputError } from '../base/errors.ts';
import { ERRNO_NAMES } from '../event/enums.ts';
import type { CompiledFilter } from '../filter/compile.ts';
import type { Transaction } from '../protocol/transactions.ts';
import type { FailureKind } from '../store/failures.ts';
import type { StoredContext } from '../store/context.ts';
import { RowFlag, type Segment } from '../store/segment.ts';
import { errnoName } from '../store/store.ts';
import type { DrillPath, DrillStep } from './drill.ts';
import type { Grouping } from './groups.ts';
import type { World } from './world.ts';

/** Key of a way of failing in paths: errno, syscall and target. */
export function failureKey(kind: FailureKind): string {
  return `${errnoName(kind.errno)}|${kind.syscall}|${kind.target}`;
}

function parseFailureKey(key: string): {
  errno: number;
  syscall: string | undefined;
  target: string | undefined;
} {
  const [name = '', syscall, ...target] = key.split('|');
  const errno =
    Object.entries(ERRNO_NAMES).find(([, text]) => text === name)?.[0] ?? /^errno (\d+)$/.exec(name)?.[1];
  if (errno === undefined) throw new InputError('bad-path', `"${name}" is no errno`);
  return { errno: Number(errno), syscall, target: target.length === 0 ? undefined : target.join('|') };
}

type Bitmap = Uint8Array;

export class Selection {
  /** undefined: all. By row of the dimension. */
  threads: Bitmap | undefined = undefined;
  fds: Bitmap | undefined = undefined;
  /** Rows of the failure kinds. */
  failureKinds: ReadonlySet<number> | undefined = undefined;
  /** A file's failures too: calls that never got a descriptor. */
  path: string | undefined = undefined;
  transaction: Transaction | undefined = undefined;
  from = -Infinity;
  to = Infinity;
  filter: CompiledFilter | undefined = undefined;
  private transactionContext: StoredContext | undefined = undefined;
  private readonly world: World;

  constructor(world: World, path: DrillPath) {
    this.world = world;
    world.groups.update();
    for (const step of path.steps) if (step.key !== undefined) this.constrain(step, step.key);
    if (path.range !== undefined) {
      this.from = path.range.from;
      this.to = path.range.to;
    }
    if (path.filter !== undefined && path.filter.trim() !== '') this.filter = world.compile(path.filter);
  }

  /** Whether everything is selected. */
  get isEverything(): boolean {
    return (
      this.threads === undefined &&
      this.fds === undefined &&
      this.failureKinds === undefined &&
      this.transaction === undefined &&
      this.filter === undefined &&
      this.from === -Infinity &&
      this.to === Infinity
    );
  }

  private constrain(step: DrillStep, key: string): void {
    const { groups, store } = this.world;
    switch (step.view) {
      case 'containers':
        this.threads = bitmap(groups.containers, key, this.threads);
        return;
      case 'procs':
        this.threads = bitmap(groups.processes, key, this.threads);
        return;
      case 'threads':
        this.threads = bitmap(groups.threads, key, this.threads);
        return;
      case 'connections':
        this.fds = bitmap(groups.descriptors, key, this.fds);
        return;
      case 'files':
        this.fds = bitmap(groups.files, key, this.fds);
        this.path = key;
        return;
      case 'errors': {
        const wanted = parseFailureKey(key);
        const kinds = new Set<number>();
        store.failures.kinds.forEach((kind, id) => {
          if (kind.errno !== wanted.errno) return;
          if (wanted.syscall !== undefined && kind.syscall !== wanted.syscall) return;
          if (wanted.target !== undefined && kind.target !== wanted.target) return;
          kinds.add(id);
        });
        this.failureKinds = kinds;
        return;
      }
      case 'http':
        this.transaction = this.world.transactions.byId(Number(key));
        if (this.transaction === undefined)
          throw new InputError('bad-path', `there is no transaction ${key}`);
        return;
      default:
      // sections lead to views and select nothing
    }
  }

  /** Whether a thread row is selected. */
  hasThread(row: number): boolean {
    return this.threads === undefined || (row >= 0 && this.threads[row] === 1);
  }

  hasFd(row: number): boolean {
    return this.fds === undefined || (row >= 0 && this.fds[row] === 1);
  }

  hasTransaction(transaction: Transaction): boolean {
    if (this.transaction !== undefined && this.transaction !== transaction) return false;
    if (!this.hasThread(transaction.thread) || !this.hasFd(transaction.fd)) return false;
    const start = transaction.request?.firstTs ?? transaction.response?.firstTs ?? 0;
    const end = transaction.response?.lastTs ?? transaction.request?.lastTs ?? start;
    return end >= this.from && start < this.to && this.filterTakes(transaction);
  }

  /** A filter selects a transaction by the events that its request and its response began or ended with. */
  private filterTakes({ request, response }: Transaction): boolean {
    const { filter } = this;
    if (filter === undefined) return true;
    const { store } = this.world;
    this.transactionContext ??= this.world.context();
    const context = this.transactionContext;
    return [request?.firstEvent, request?.lastEvent, response?.firstEvent, response?.lastEvent].some(
      (num) => {
        const found = num === undefined ? undefined : store.find(num);
        if (found === undefined) return false;
        context.moveTo(found.segment, found.index);
        return filter.test(context);
      },
    );
  }

  /**
   * Calls back for each selected event, oldest first, internal ones (CPU ticks) included where they are wanted.
   *
   * @returns false from `visit` stops the walk
   */
  forEach(visit: (segment: Segment, index: number) => boolean | void, withInternal = false): void {
    const { store } = this.world;
    if (this.failureKinds !== undefined) {
      this.forEachFailure(visit);
      return;
    }
    const context = this.filter === undefined ? undefined : this.world.context();
    const [firstNum, lastNum] = this.numbers();
    for (const segment of store.segments) {
      if (segment.maxTs < this.from || segment.minTs >= this.to) continue;
      if (segment.firstNum > lastNum || segment.firstNum + segment.length <= firstNum) continue;
      const end = Math.min(segment.length, lastNum - segment.firstNum + 1);
      for (let i = Math.max(0, firstNum - segment.firstNum); i < end; i++) {
        const flags = segment.flags[i] as number;
        if ((flags & RowFlag.HIDDEN) !== 0 && !(withInternal && (flags & RowFlag.CPU) !== 0)) continue;
        if (!this.admits(segment, i, context)) continue;
        if (visit(segment, i) === false) return;
      }
    }
  }

  private admits(segment: Segment, i: number, context: StoredContext | undefined): boolean {
    if (this.threads !== undefined && !this.hasThread(segment.thread[i] as number)) return false;
    if (this.fds !== undefined && !this.hasFd(segment.fd[i] as number)) {
      if (this.path === undefined || !this.failedOn(segment, i, this.path)) return false;
    }
    if (this.transaction !== undefined && !this.inTransaction(segment, i)) return false;
    const ts = segment.ts[i] as number;
    if (ts < this.from || ts >= this.to) return false;
    if (context === undefined) return true;
    context.moveTo(segment, i);
    return (this.filter as CompiledFilter).test(context);
  }

  private failedOn(segment: Segment, i: number, path: string): boolean {
    if (((segment.flags[i] as number) & RowFlag.FAILED) === 0 || (segment.fd[i] as number) >= 0) return false;
    return this.world.failureTarget(segment.firstNum + i) === path;
  }

  // The reads and writes of a transaction on its descriptor.
  private inTransaction(segment: Segment, i: number): boolean {
    const transaction = this.transaction as Transaction;
    const row = segment.fd[i] as number;
    const { descriptors } = this.world.groups;
    return row >= 0 && descriptors.of[row] === descriptors.of[transaction.fd];
  }

  private numbers(): [first: number, last: number] {
    const transaction = this.transaction;
    if (transaction === undefined) return [0, Infinity];
    const first = transaction.request?.firstEvent ?? transaction.response?.firstEvent ?? 0;
    const last = transaction.response?.lastEvent ?? transaction.request?.lastEvent ?? first;
    return [first, last];
  }

  private forEachFailure(visit: (segment: Segment, index: number) => boolean | void): void {
    const { store } = this.world;
    const { failures } = store;
    const context = this.filter === undefined ? undefined : this.world.context();
    for (let k = 0; k < failures.length; k++) {
      if (this.failureKinds?.has(failures.kind[k] as number) !== true) continue;
      const found = store.find(failures.num[k] as number);
      if (found === undefined || !this.admits(found.segment, found.index, context)) continue;
      if (visit(found.segment, found.index) === false) return;
    }
  }
}

function bitmap(grouping: Grouping, key: string, also: Bitmap | undefined): Bitmap {
  const rows = new Uint8Array(grouping.of.length);
  const group = grouping.byName(key);
  if (group === undefined) return rows;
  for (let row = 0; row < rows.length; row++) {
    if (grouping.of[row] === group && (also === undefined || also[row] === 1)) rows[row] = 1;
  }
  return rows;
}
