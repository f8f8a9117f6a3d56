// SPDX-License-Identifier: Apache-2.0
// A session: one source followed to its end, and the answers to whoever looks. Reading and asking take turns on one thread: a
// batch of events, then the questions that came meanwhile.
//
//   source ─▶ cursor ─▶ machine ─▶ store, transactions        questions ─▶ query/*
//
// It runs in a worker; remote.ts carries the questions there.

import { FilterError, InputError } from './base/errors.ts';
import { EventCursor } from './event/cursor.ts';
import { Numbering } from './event/numbering.ts';
import type { EventSource } from './event/source.ts';
import type {
  EngineClient,
  ErrorDetail,
  EventDetail,
  EventsAnswer,
  EventsQuery,
  FilterCheck,
  NodeDetail,
  Status,
  TableAnswer,
  TableQuery,
  TransactionDetail,
  TreeAnswer,
  TreeEdge,
  TreeQuery,
  ViewInfo,
} from './query/api.ts';
import { transactionDetail, nodeDetail } from './query/details.ts';
import type { DrillPath } from './query/drill.ts';
import { errorDetail } from './query/errnos.ts';
import { eventDetail, events } from './query/events.ts';
import { table, viewsFor } from './query/tables.ts';
import { edges, TreeBuilder } from './query/tree.ts';
import { World } from './query/world.ts';
import { RowFlag } from './store/segment.ts';
import { showText } from './base/text.ts';

// The only thing that the engine takes from its host, and every host has it.
declare const setImmediate: (callback: () => void) => void;

export type SessionOptions = {
  /** Memory for events; the oldest leave when it is used up. */
  readonly budgetBytes?: number;
};

/** Status goes out at most this often. */
const STATUS_MS = 250;

export class Session implements EngineClient {
  private readonly source: EventSource;
  private readonly world: World;
  private readonly cursor = new EventCursor();
  private readonly listeners = new Set<(status: Status) => void>();
  private phase: Status['phase'] = 'loading';
  private failure: string | undefined = undefined;
  private version = 0;
  private readonly numbering = new Numbering();
  private statusAt = 0;
  private rate = 0;
  private rateEvents = 0;
  private rateAt = 0;
  private closed = false;

  constructor(source: EventSource, options: SessionOptions = {}) {
    this.source = source;
    this.world = new World({
      isLive: source.kind === 'live',
      ...(options.budgetBytes === undefined ? {} : { budgetBytes: options.budgetBytes }),
    });
  }

  /** Follows the source to its end. Resolves then; what goes wrong in it is in the status. */
  async run(): Promise<void> {
    if (this.source.kind === 'live') this.phase = 'live';
    try {
      for (;;) {
        if (this.closed) return;
        const item = await this.source.next();
        if (item === undefined) break;
        if (item.kind === 'snapshot') {
          this.world.machine.load(item.snapshot);
          this.numbering.restart();
        } else if (item.kind === 'events') this.ingest(item.bytes);
        this.publish();
        // questions that wait get their turn
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      if (this.phase !== 'failed') this.phase = 'done';
    } catch (error: unknown) {
      if (!(error instanceof InputError)) throw error;
      this.phase = 'failed';
      this.failure = error.message;
    }
    this.version++;
    this.publish(true);
  }

  private ingest(bytes: Uint8Array): void {
    const { cursor } = this;
    const { machine, store, transactions } = this.world;
    cursor.load(bytes);
    while (cursor.next()) {
      const standing = this.numbering.next(cursor);
      machine.apply(cursor);
      if (standing === 'uncounted') continue;
      const row = store.append(machine, standing === 'hidden');
      if ((row.flags & RowFlag.NET) === 0) continue;
      if ((row.flags & (RowFlag.READ | RowFlag.WRITE)) !== 0) {
        const process = store.dims.processOf[row.thread] as number;
        transactions.feed(machine, (row.flags & RowFlag.WRITE) !== 0, {
          thread: row.thread,
          process,
          fd: row.fd,
        });
      } else if (machine.fd !== undefined && CLOSES.has(cursor.code) && machine.result >= 0) {
        transactions.closed(machine.fd);
      }
    }
    this.version++;
  }

  private publish(force = false): void {
    const now = Date.now();
    if (!force && now - this.statusAt < STATUS_MS) return;
    if (now - this.rateAt >= 1000) {
      const seconds = (now - this.rateAt) / 1000;
      this.rate = this.rateAt === 0 ? 0 : Math.round((this.world.store.events - this.rateEvents) / seconds);
      this.rateEvents = this.world.store.events;
      this.rateAt = now;
    }
    this.statusAt = now;
    const status = this.currentStatus();
    for (const listener of this.listeners) listener(status);
  }

  private currentStatus(): Status {
    const { machine, store, transactions } = this.world;
    const stats = this.source.stats();
    let processes = 0;
    for (const process of store.dims.processes) if (process.alive || !this.world.isLive) processes++;
    return {
      source: { kind: this.source.kind, name: showText(this.source.name) },
      phase: this.phase,
      ...(this.phase === 'loading' && stats.progress !== undefined ? { progress: stats.progress } : {}),
      ...(this.failure === undefined ? {} : { error: this.failure }),
      hostname: showText(machine.hostname),
      startEpochNs: String(this.cursor.base),
      now: store.lastTs,
      events: store.events,
      rate: this.rate,
      drops: stats.drops,
      evicted: store.evicted,
      containers: machine.containers.size,
      processes,
      errors: store.failed,
      requests: transactions.total,
      version: this.version,
    };
  }

  // ---- EngineClient ----

  status(): Promise<Status> {
    return Promise.resolve(this.currentStatus());
  }

  views(path: DrillPath): Promise<readonly ViewInfo[]> {
    return Promise.resolve(viewsFor(path));
  }

  table(query: TableQuery): Promise<TableAnswer> {
    return answer(() => table(this.world, query));
  }

  events(query: EventsQuery): Promise<EventsAnswer> {
    return answer(() => events(this.world, query));
  }

  event(num: number): Promise<EventDetail | undefined> {
    return answer(() => eventDetail(this.world, num));
  }

  transaction(
    id: number,
    options: { readonly showSecrets?: boolean } = {},
  ): Promise<TransactionDetail | undefined> {
    return answer(() => transactionDetail(this.world, id, options.showSecrets ?? false));
  }

  error(path: DrillPath): Promise<ErrorDetail | undefined> {
    return answer(() => errorDetail(this.world, path));
  }

  tree(query: TreeQuery): Promise<TreeAnswer> {
    return answer(() => new TreeBuilder(this.world, query.limit).answer(query, this.version));
  }

  edges(): Promise<readonly TreeEdge[]> {
    return answer(() => edges(this.world));
  }

  node(key: string): Promise<NodeDetail | undefined> {
    return answer(() => nodeDetail(this.world, key));
  }

  checkFilter(text: string): Promise<FilterCheck> {
    return answer((): FilterCheck => {
      try {
        if (text.trim() !== '') this.world.compile(text);
        return { ok: true };
      } catch (error: unknown) {
        if (!(error instanceof FilterError)) throw error;
        const { message, position, span, suggestion } = error;
        return { ok: false, message, position, span, ...(suggestion === undefined ? {} : { suggestion }) };
      }
    });
  }

  onStatus(listener: (status: Status) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.source.close();
  }
}

// A question that cannot be answered rejects; it never throws where it is asked.
async function answer<T>(compute: () => T): Promise<T> {
  return compute();
}

const CLOSES: ReadonlySet<number> = new Set([5]);
