// SPDX-License-Identifier: Apache-2.0
// Rows of the table views: group the selected events, add up, name the groups.

import { InputError } from '../base/errors.ts';
import { showText } from '../base/text.ts';
import type { Transaction } from '../protocol/transactions.ts';
import { FdType, type Fd } from '../state/fd.ts';
import type { Thread } from '../state/thread.ts';
import { errnoName } from '../store/store.ts';
import { viewById, VIEWS, type Entity, type View } from '../view/views.ts';
import type { Cell, Row, TableAnswer, TableQuery, ViewInfo } from './api.ts';
import { currentView, type DrillPath } from './drill.ts';
import { HOST_KEY, type Grouping } from './groups.ts';
import {
  commandLine,
  connectionName,
  containerName,
  processLabel,
  protocolName,
  roleName,
  userName,
} from './names.ts';
import { failureKey, Selection } from './selection.ts';
import { Sums } from './sums.ts';
import type { World } from './world.ts';

/** A row before it is cut to the view's columns. */
type Record = {
  readonly key: string;
  readonly cells: Readonly<{ [id: string]: Cell }>;
  readonly mark?: Row['mark'];
  readonly opens?: string | null;
};

/** Answers a table query. @throws InputError `unknown-view`, FilterError, `bad-path` */
export function table(world: World, query: TableQuery): TableAnswer {
  const view = viewById(currentView(query.path));
  if (view === undefined || view.entity === 'event') {
    throw new InputError(
      'unknown-view',
      `there is no table view "${currentView(query.path)}": choose one of ${VIEWS.map((item) => item.id).join(', ')}`,
    );
  }
  const selection = new Selection(world, query.path);
  let records = build(world, view, selection, query.path);
  if (query.find !== undefined && query.find !== '') {
    const wanted = query.find.toLowerCase();
    records = records.filter((record) =>
      Object.values(record.cells).some(
        (cell) => typeof cell === 'string' && cell.toLowerCase().includes(wanted),
      ),
    );
  }
  const sort = view.columns.some((item) => item.id === query.sort) ? (query.sort as string) : view.sort;
  const descending =
    query.descending ??
    (query.sort === undefined || query.sort === view.sort
      ? view.descending
      : view.columns.find((item) => item.id === sort)?.unit !== 'text');
  if (sort !== '') records.sort((a, b) => compare(a, b, sort, descending));
  const offset = query.offset ?? 0;
  const shown = records.slice(offset, query.limit === undefined ? undefined : offset + query.limit);
  const answer = {
    view: view.id,
    title: view.title,
    columns: view.columns,
    sort,
    descending,
    rows: shown.map((record) => toRow(record, view)),
    total: records.length,
    atLeast: world.store.evicted > 0,
  };
  return records.length > 0 ? answer : { ...answer, empty: whyEmpty(world, view, query) };
}

function toRow(record: Record, view: View): Row {
  return {
    key: record.key,
    cells: view.columns.map((item) => record.cells[item.id] ?? null),
    ...(record.mark === undefined ? {} : { mark: record.mark }),
    ...(record.opens === undefined ? {} : { opens: record.opens }),
  };
}

// Unknown values last whichever way; equal ones by key, so that rows do not change places for nothing.
function compare(a: Record, b: Record, column: string, descending: boolean): number {
  const x = a.cells[column] ?? null;
  const y = b.cells[column] ?? null;
  if (x === null || y === null) {
    if (x !== y) return x === null ? 1 : -1;
  } else if (x !== y) {
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x) < String(y) ? -1 : 1;
    return descending ? -order : order;
  }
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function whyEmpty(world: World, view: View, query: TableQuery): string {
  if (world.store.events === 0)
    return world.isLive ? 'Waiting for the first events.' : 'The capture holds no events.';
  if (query.find !== undefined && query.find !== '') return `No row contains "${query.find}".`;
  if (query.path.filter !== undefined && query.path.filter !== '')
    return 'No event passes the filter: change it, or clear it.';
  if (query.path.range !== undefined) return 'Nothing in this time range: widen it.';
  return view.entity === 'transaction'
    ? 'No HTTP was seen here.'
    : view.entity === 'failure'
      ? 'No call failed here.'
      : 'Nothing was seen here.';
}

/** Views that apply to the selection of a path. */
export function viewsFor(path: DrillPath): readonly ViewInfo[] {
  const entered = path.steps
    .slice(0, -1)
    .findLast((step) => step.key !== undefined && step.view !== 'sections');
  return VIEWS.filter((view) => view.appliesTo.includes(entered?.view ?? '')).map((view) => ({
    id: view.id,
    title: view.title,
    description: view.description,
    ...(view.drill === undefined ? {} : { drill: view.drill }),
  }));
}

function build(world: World, view: View, selection: Selection, path: DrillPath): Record[] {
  const builders: { readonly [K in Entity]: () => Record[] } = {
    container: () => containers(world, selection, path),
    process: () => processes(world, selection, path),
    thread: () => threads(world, selection, path),
    connection: () => connections(world, selection),
    file: () => files(world, selection),
    failure: () => failures(world, selection),
    transaction: () => transactions(world, selection),
    section: () => sections(world, selection, path),
    event: () => [],
  };
  return builders[view.entity]();
}

// ---- sums ----

type Rates = { readonly all: Sums; readonly recent: Sums; readonly seconds: number };

/** Sums by a grouping of thread rows: over the whole selection, and over the window that rates are taken from. */
function sumThreads(
  world: World,
  selection: Selection,
  path: DrillPath,
  grouping: Grouping,
  totals: Sums,
): Rates {
  const window = world.window(path.range);
  const all = selection.isEverything ? totals : sumBy(selection, grouping, 'thread');
  if (window.from === -Infinity || path.range !== undefined)
    return { all, recent: all, seconds: window.seconds };
  const narrowed = Object.assign(
    Object.create(Object.getPrototypeOf(selection) as object) as Selection,
    selection,
    { from: window.from },
  );
  return { all, recent: sumBy(narrowed, grouping, 'thread'), seconds: window.seconds };
}

function sumBy(selection: Selection, grouping: Grouping, dimension: 'thread' | 'fd'): Sums {
  const sums = new Sums();
  sums.grow(grouping.groups.length);
  selection.forEach((segment, i) => {
    const row = segment[dimension][i] as number;
    const group = row < 0 ? -1 : (grouping.of[row] as number);
    if (group >= 0) sums.add(group, segment, i);
  }, true);
  return sums;
}

function usage(rates: Rates, group: number): { [id: string]: Cell } {
  const { recent, seconds, all } = rates;
  return {
    // a tick is 10 ms: one a second is one percent
    cpu: (recent.cpuTicks[group] as number) / seconds,
    file: ((recent.fileIn[group] as number) + (recent.fileOut[group] as number)) / seconds,
    net: ((recent.netIn[group] as number) + (recent.netOut[group] as number)) / seconds,
    errors: all.errors[group] as number,
    calls: all.calls[group] as number,
  };
}

function countTransactions(
  world: World,
  selection: Selection,
  groupOf: (transaction: Transaction) => number,
): Map<number, { count: number; failed: number }> {
  const counts = new Map<number, { count: number; failed: number }>();
  for (const transaction of world.transactions.list) {
    if (!selection.hasTransaction(transaction)) continue;
    const group = groupOf(transaction);
    const entry = counts.get(group) ?? { count: 0, failed: 0 };
    entry.count++;
    if (transaction.status >= 500) entry.failed++;
    counts.set(group, entry);
  }
  return counts;
}

// ---- the views ----

function containers(world: World, selection: Selection, path: DrillPath): Record[] {
  world.totals.update();
  const { groups, store } = world;
  const rates = sumThreads(world, selection, path, groups.containers, world.totals.containers);
  const http = countTransactions(world, selection, (item) => groups.containers.of[item.thread] as number);
  const members = new Map<number, { procs: number; mem: number; live: number }>();
  store.dims.processes.forEach((process) => {
    const group = groups.containers.of[process.thread] as number;
    const entry = members.get(group) ?? { procs: 0, mem: 0, live: 0 };
    entry.procs++;
    if (process.alive) {
      entry.live++;
      entry.mem += process.main.vmRss * 1024;
    }
    members.set(group, entry);
  });
  const everything = selection.isEverything;
  const records = groups.containers.groups.flatMap((group, g): Record[] => {
    if (!everything && (rates.all.events[g] as number) === 0) return [];
    const container = world.machine.container(group.key);
    const requests = http.get(g);
    const entry = members.get(g);
    return [
      {
        key: group.key,
        cells: {
          name: containerName(world, group.key),
          ...usage(rates, g),
          procs: world.isLive ? (entry?.live ?? 0) : (entry?.procs ?? 0),
          mem: entry === undefined || entry.mem === 0 ? null : entry.mem,
          http: requests?.count ?? 0,
          id: group.key === HOST_KEY ? '' : group.key,
          image: showText(container?.image ?? ''),
        },
        ...(requests !== undefined && requests.failed > 0 ? { mark: 'error' as const } : {}),
      },
    ];
  });
  if (!everything) return records;
  // containers that are known but did nothing are shown too
  for (const container of world.machine.containers.values()) {
    if (groups.containers.byName(container.id) !== undefined) continue;
    records.push({
      key: container.id,
      cells: {
        name: containerName(world, container.id),
        cpu: 0,
        procs: 0,
        mem: null,
        file: 0,
        net: 0,
        http: 0,
        errors: 0,
        id: container.id,
        image: showText(container.image),
      },
      mark: 'dim',
    });
  }
  return records;
}

function processes(world: World, selection: Selection, path: DrillPath): Record[] {
  world.totals.update();
  const { groups, store } = world;
  const rates = sumThreads(world, selection, path, groups.processes, world.totals.processes);
  const http = countTransactions(world, selection, (item) => item.process);
  const threadCounts = new Map<number, number>();
  for (const group of groups.threads.groups) {
    const process = store.dims.processOf[group.row] as number;
    threadCounts.set(process, (threadCounts.get(process) ?? 0) + 1);
  }
  return groups.processes.groups.flatMap((group, g): Record[] => {
    const index = store.dims.processOf[group.row] as number;
    const process = store.dims.processes[index];
    if (process === undefined || !selection.hasThread(process.thread)) return [];
    if ((rates.all.events[g] as number) === 0 && (!selection.isEverything || !process.alive)) {
      if ((rates.all.cpuTicks[g] as number) === 0) return [];
    }
    // live: the dead leave the table when they have nothing more to say
    if (world.isLive && !process.alive && store.lastTs - process.last > 5e9 && path.range === undefined)
      return [];
    const thread = store.dims.threads[process.thread] as Thread;
    const requests = http.get(index);
    return [
      {
        key: group.key,
        cells: {
          pid: process.pid,
          user: userName(world, thread),
          ...usage(rates, g),
          threads: threadCounts.get(index) ?? 1,
          mem: process.main.vmRss === 0 ? null : process.main.vmRss * 1024,
          http: requests?.count ?? 0,
          container: containerName(world, thread.containerId),
          command: commandLine(thread),
        },
        ...(requests !== undefined && requests.failed > 0
          ? { mark: 'error' as const }
          : process.alive
            ? {}
            : { mark: 'dim' as const }),
      },
    ];
  });
}

function threads(world: World, selection: Selection, path: DrillPath): Record[] {
  world.totals.update();
  const { groups, store } = world;
  const rates = sumThreads(world, selection, path, groups.threads, world.totals.threads);
  return groups.threads.groups.flatMap((group, g): Record[] => {
    if (!selection.hasThread(group.row)) return [];
    if ((rates.all.events[g] as number) === 0 && (rates.all.cpuTicks[g] as number) === 0) return [];
    const thread = store.dims.threads[group.row] as Thread;
    const process = store.dims.processOf[group.row] as number;
    return [
      {
        key: group.key,
        cells: {
          tid: thread.tid,
          ...usage(rates, g),
          process: processLabel(world, process),
          name: showText(thread.comm),
        },
      },
    ];
  });
}

function connections(world: World, selection: Selection): Record[] {
  const { groups, store } = world;
  const sums = sumBy(selection, groups.descriptors, 'fd');
  const http = countTransactions(world, selection, (item) => groups.descriptors.of[item.fd] as number);
  return groups.descriptors.groups.flatMap((group, g): Record[] => {
    if ((sums.events[g] as number) === 0) return [];
    const fd = store.dims.fds[group.row] as Fd;
    if (!fd.isSocket || fd.name === '' || fd.type === FdType.NETLINK) return [];
    const process = store.dims.fdProcess[group.row] as number;
    const requests = http.get(g);
    return [
      {
        key: group.key,
        cells: {
          connection: connectionName(fd),
          proto: protocolName(fd),
          role: fd.isServerSocket ? 'listen' : roleName(fd),
          in: sums.netIn[g] as number,
          out: sums.netOut[g] as number,
          http: requests?.count ?? 0,
          errors: sums.errors[g] as number,
          process: processLabel(world, process),
          container: containerName(
            world,
            store.dims.threads[store.dims.processes[process]?.thread ?? -1]?.containerId ?? '',
          ),
        },
        ...(requests === undefined ? { opens: 'events' } : {}),
        ...(requests !== undefined && requests.failed > 0 ? { mark: 'error' as const } : {}),
      },
    ];
  });
}

function files(world: World, selection: Selection): Record[] {
  const { groups } = world;
  const sums = sumBy(selection, groups.files, 'fd');
  const failed = failedPaths(world, selection);
  const records = groups.files.groups.flatMap((group, g): Record[] => {
    if ((sums.events[g] as number) === 0) return [];
    const errors = (sums.errors[g] as number) + (failed.get(group.key) ?? 0);
    failed.delete(group.key);
    return [
      {
        key: group.key,
        cells: {
          path: showText(group.key),
          in: sums.fileIn[g] as number,
          out: sums.fileOut[g] as number,
          ops: sums.calls[g] as number,
          time: sums.latencySum[g] as number,
          errors,
        },
      },
    ];
  });
  // what could never be opened has no descriptor, and is what people look for
  for (const [path, count] of failed) {
    records.push({
      key: path,
      cells: { path: showText(path), in: 0, out: 0, ops: count, time: null, errors: count },
      mark: 'error',
    });
  }
  return records;
}

/** Failed calls by path, where there was no descriptor. */
function failedPaths(world: World, selection: Selection): Map<string, number> {
  const counts = new Map<string, number>();
  const { failures } = world.store;
  forEachFailure(world, selection, (k) => {
    const kind = failures.kinds[failures.kind[k] as number];
    if (kind === undefined || !kind.target.startsWith('/')) return;
    const found = world.store.find(failures.num[k] as number);
    if (found !== undefined && (found.segment.fd[found.index] as number) >= 0) return;
    counts.set(kind.target, (counts.get(kind.target) ?? 0) + 1);
  });
  return counts;
}

/** Rows of the failure facts that are selected. */
export function forEachFailure(world: World, selection: Selection, visit: (k: number) => void): void {
  const { store } = world;
  const { failures } = store;
  const context = selection.filter === undefined ? undefined : world.context();
  for (let k = 0; k < failures.length; k++) {
    if (selection.failureKinds !== undefined && !selection.failureKinds.has(failures.kind[k] as number))
      continue;
    if (!selection.hasThread(failures.thread[k] as number)) continue;
    const ts = failures.ts[k] as number;
    if (ts < selection.from || ts >= selection.to) continue;
    if (selection.fds !== undefined || context !== undefined) {
      const found = store.find(failures.num[k] as number);
      if (found === undefined) continue;
      const target = failures.kinds[failures.kind[k] as number]?.target;
      if (!selection.hasFd(found.segment.fd[found.index] as number) && target !== selection.path) continue;
      if (context !== undefined) {
        context.moveTo(found.segment, found.index);
        if (selection.filter?.test(context) !== true) continue;
      }
    }
    visit(k);
  }
}

function failures(world: World, selection: Selection): Record[] {
  const facts = world.store.failures;
  const byKind = new Map<number, { count: number; last: number; processes: Set<number> }>();
  forEachFailure(world, selection, (k) => {
    const kind = facts.kind[k] as number;
    const entry = byKind.get(kind) ?? { count: 0, last: 0, processes: new Set<number>() };
    entry.count++;
    entry.last = Math.max(entry.last, facts.ts[k] as number);
    entry.processes.add(world.store.dims.processOf[facts.thread[k] as number] as number);
    byKind.set(kind, entry);
  });
  return [...byKind].flatMap(([id, entry]): Record[] => {
    const kind = facts.kinds[id];
    if (kind === undefined) return [];
    return [
      {
        key: failureKey(kind),
        cells: {
          errno: errnoName(kind.errno),
          syscall: kind.syscall,
          target: showText(kind.target).replace('->', ' → '),
          count: entry.count,
          procs: entry.processes.size,
          last: entry.last,
        },
        ...(isBenign(kind.errno) ? { mark: 'dim' as const } : { mark: 'error' as const }),
      },
    ];
  });
}

const EAGAIN = 11;
const EINPROGRESS = 115;

/** "Not now" answers of calls that do not block: normal in every event loop. */
function isBenign(errno: number): boolean {
  return errno === EAGAIN || errno === EINPROGRESS;
}

/** From the first byte of the request to the last of the response; null while either is unknown. */
export function transactionLatency(transaction: Transaction): number | null {
  const start = transaction.request?.firstTs;
  const end = transaction.end ?? transaction.response?.lastTs;
  return start === undefined || end === undefined ? null : end - start;
}

function transactions(world: World, selection: Selection): Record[] {
  const { store } = world;
  return world.transactions.list.flatMap((item): Record[] => {
    if (!selection.hasTransaction(item)) return [];
    const fd = store.dims.fds[item.fd] as Fd;
    return [
      {
        key: String(item.id),
        cells: {
          status: item.status === 0 ? null : item.status,
          method: showText(item.method),
          url: showText(item.host + item.url),
          latency: transactionLatency(item),
          bytes: item.response?.length ?? null,
          role: item.role,
          process: processLabel(world, item.process),
          time: item.request?.firstTs ?? item.response?.firstTs ?? null,
          connection: connectionName(fd),
        },
        ...(item.status >= 500
          ? { mark: 'error' as const }
          : item.status >= 400
            ? { mark: 'warn' as const }
            : {}),
      },
    ];
  });
}

function sections(world: World, selection: Selection, path: DrillPath): Record[] {
  const applicable = viewsFor(path).filter(
    (info) => info.id !== 'sections' && info.id !== 'containers' && info.id !== 'procs',
  );
  return applicable.map((info) => {
    const { count, headline, failed } = summary(world, selection, path, info.id);
    return {
      key: info.id,
      cells: { section: info.title, count, headline },
      opens: info.id,
      ...(failed ? { mark: 'error' as const } : count === 0 ? { mark: 'dim' as const } : {}),
    };
  });
}

function summary(
  world: World,
  selection: Selection,
  path: DrillPath,
  id: string,
): { count: number; headline: string; failed: boolean } {
  if (id === 'events') {
    let count = 0;
    selection.forEach(() => {
      count++;
    });
    return { count, headline: 'every event, in order', failed: false };
  }
  const view = viewById(id) as View;
  const records = build(world, view, selection, path).sort((a, b) =>
    compare(a, b, view.sort, view.descending),
  );
  const first = records[0];
  if (first === undefined) return { count: 0, headline: '', failed: false };
  const cell = (name: string): string => String(first.cells[name] ?? '–');
  switch (id) {
    case 'errors': {
      const total = records.reduce((sum, record) => sum + Number(record.cells['count']), 0);
      const worst = records.find((record) => record.mark === 'error') ?? first;
      const text = `${worst.cells['errno']} ${worst.cells['syscall']} ${worst.cells['target']} ×${worst.cells['count']}`;
      return { count: total, headline: text, failed: worst.mark === 'error' };
    }
    case 'http':
      return {
        count: records.length,
        headline: `${cell('status')} ${cell('method')} ${cell('url')}`,
        failed: first.mark === 'error',
      };
    case 'connections':
      return { count: records.length, headline: cell('connection'), failed: first.mark === 'error' };
    case 'files':
      return { count: records.length, headline: cell('path'), failed: false };
    default:
      return { count: records.length, headline: cell('name'), failed: false };
  }
}
