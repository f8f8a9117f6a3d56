// SPDX-License-Identifier: Apache-2.0
// The machine as a tree of nodes, for the map: host > container > process > (connection > transaction | file | thread | errno >
// failure). Children are computed for opened nodes alone.
//
// Keys: h:HOST  c:CONTAINER  p:PROCESS  t:TID.PROCESS  f:PROCESS:PATH  k:PROCESS.FD.OPENED-BY  x:TRANSACTION  e:PROCESS:ERRNO
// g:PROCESS:ERRNO|SYSCALL|TARGET. The first letter tells the kind; none is ever used again for something else.

import { showText } from '../base/text.ts';
import type { Transaction } from '../protocol/transactions.ts';
import { FdType, type Fd } from '../state/fd.ts';
import type { Thread } from '../state/thread.ts';
import { errnoName } from '../store/store.ts';
import type { NodeKind, TreeAnswer, TreeEdge, TreeNode, TreeQuery } from './api.ts';
import type { DrillStep } from './drill.ts';
import { HOST_KEY } from './groups.ts';
import { commandLine, connectionName, containerName, protocolName } from './names.ts';
import { failureKey } from './selection.ts';
import type { Sums } from './sums.ts';
import { transactionLatency } from './tables.ts';
import type { World } from './world.ts';

const DEFAULT_LIMIT = 4096;
const TICK_NS = 1e7;

type Counts = { [K in NodeKind]?: number };

/** What is known of each process besides its sums: gathered in one walk for a whole answer. */
type Inside = {
  readonly connections: number[];
  readonly files: Map<string, number[]>;
  readonly threads: number[];
  readonly errnos: Map<number, Map<number, number[]>>;
  readonly transactions: Transaction[];
};

export class TreeBuilder {
  private readonly world: World;
  private readonly inside = new Map<number, Inside>();
  private readonly limit: number;

  constructor(world: World, limit = DEFAULT_LIMIT) {
    this.world = world;
    this.limit = limit;
    world.totals.update();
    this.gather();
  }

  answer(query: TreeQuery, version: number): TreeAnswer {
    const root = this.host();
    const children: { [key: string]: readonly TreeNode[] } = {};
    for (const key of query.open) {
      const nodes = this.children(key);
      if (nodes !== undefined) children[key] = nodes;
    }
    return { version, root, children };
  }

  private gather(): void {
    const { groups, store, transactions } = this.world;
    const { dims, failures } = store;
    const of = (process: number): Inside => {
      let inside = this.inside.get(process);
      if (inside === undefined) {
        inside = { connections: [], files: new Map(), threads: [], errnos: new Map(), transactions: [] };
        this.inside.set(process, inside);
      }
      return inside;
    };
    groups.descriptors.groups.forEach((group, g) => {
      const fd = dims.fds[group.row] as Fd;
      const inside = of(dims.fdProcess[group.row] as number);
      if (fd.isFile) push(inside.files, fd.name, g);
      else if (isConnection(fd)) inside.connections.push(g);
    });
    groups.threads.groups.forEach((group, g) => of(dims.processOf[group.row] as number).threads.push(g));
    for (let k = 0; k < failures.length; k++) {
      const inside = of(dims.processOf[failures.thread[k] as number] as number);
      const kind = failures.kind[k] as number;
      const errno = failures.kinds[kind]?.errno ?? 0;
      let kinds = inside.errnos.get(errno);
      if (kinds === undefined) inside.errnos.set(errno, (kinds = new Map()));
      const rows = kinds.get(kind);
      if (rows === undefined) kinds.set(kind, [k]);
      else rows.push(k);
    }
    for (const transaction of transactions.list) of(transaction.process).transactions.push(transaction);
  }

  private children(key: string): TreeNode[] | undefined {
    const rest = key.slice(2);
    switch (key.slice(0, 2)) {
      case 'h:':
        return this.containers(key);
      case 'c:':
        return this.processes(key, rest);
      case 'p:':
        return this.interior(key, rest);
      case 'k:':
        return this.transactionsOf(key, rest);
      case 'e:':
        return this.failuresOf(key, rest);
      default:
        return undefined;
    }
  }

  // ---- host and containers ----

  private hostKey(): string {
    return `h:${this.world.machine.hostname || 'host'}`;
  }

  private host(): TreeNode {
    const { groups, store } = this.world;
    const nodes = this.containers(this.hostKey());
    const metrics = addMetrics(nodes.map((node) => node.metrics));
    return {
      key: this.hostKey(),
      parent: null,
      kind: 'host',
      name: showText(this.world.machine.hostname || 'host'),
      detail: `${groups.processes.groups.length} processes`,
      alive: true,
      first: 0,
      last: store.lastTs,
      metrics,
      children: { container: nodes.length },
      path: { steps: [{ view: 'containers' }] },
    };
  }

  private containers(parent: string): TreeNode[] {
    const { groups, machine, totals, store } = this.world;
    const processes = new Map<number, number[]>();
    store.dims.processes.forEach((process, index) =>
      push(processes, groups.containers.of[process.thread] as number, index),
    );
    const nodes = groups.containers.groups.map((group, g): TreeNode => {
      const members = processes.get(g) ?? [];
      const metrics = this.metrics(totals.containers, g, this.http(members));
      return {
        ...this.containerNode(group.key, parent),
        alive: members.some((index) => store.dims.processes[index]?.alive === true) || !this.world.isLive,
        first: finite(totals.containers.first[g]),
        last: finite(totals.containers.last[g]),
        metrics,
        children: members.length > 0 ? { process: members.length } : {},
      };
    });
    for (const container of machine.containers.values()) {
      if (groups.containers.byName(container.id) === undefined)
        nodes.push(this.containerNode(container.id, parent));
    }
    return this.cut(nodes);
  }

  private containerNode(id: string, parent: string): TreeNode {
    const container = this.world.machine.container(id);
    return {
      key: `c:${id}`,
      parent,
      kind: 'container',
      name: id === HOST_KEY ? 'host processes' : containerName(this.world, id),
      detail: showText(container?.image ?? ''),
      alive: true,
      first: 0,
      last: 0,
      metrics: NO_METRICS,
      children: {},
      path: {
        steps: [{ view: 'containers', key: id, label: containerName(this.world, id) }, { view: 'procs' }],
      },
    };
  }

  // ---- processes ----

  private processes(parent: string, container: string): TreeNode[] | undefined {
    const { groups, store } = this.world;
    const wanted = groups.containers.byName(container);
    if (wanted === undefined) return this.world.machine.container(container) === undefined ? undefined : [];
    const nodes: TreeNode[] = [];
    store.dims.processes.forEach((process, index) => {
      if (groups.containers.of[process.thread] === wanted) nodes.push(this.processNode(index, parent));
    });
    return this.cut(nodes.filter((node) => (node.metrics[0] as number) > 0 || node.alive));
  }

  /** Containers and processes above a process, as drill steps. */
  private processSteps(index: number): DrillStep[] {
    const { store } = this.world;
    const process = store.dims.processes[index];
    const thread = store.dims.threads[process?.thread ?? -1] as Thread;
    const id = thread.containerId || HOST_KEY;
    return [
      { view: 'containers', key: id, label: containerName(this.world, id) },
      { view: 'procs', key: process?.key ?? '', label: `${showText(thread.comm)} ${process?.pid ?? ''}` },
    ];
  }

  private processNode(index: number, parent: string): TreeNode {
    const { groups, store, totals } = this.world;
    const process = store.dims.processes[index] as (typeof store.dims.processes)[number];
    const thread = store.dims.threads[process.thread] as Thread;
    const g = groups.processes.byName(process.key) ?? -1;
    const inside = this.inside.get(index);
    const children: Counts = {};
    if (inside !== undefined) {
      if (inside.connections.length > 0) children.connection = inside.connections.length;
      if (inside.files.size > 0) children.file = inside.files.size;
      if (inside.threads.length > 0) children.thread = inside.threads.length;
      if (inside.errnos.size > 0) children.errno = inside.errnos.size;
    }
    return {
      key: `p:${process.key}`,
      parent,
      kind: 'process',
      name: `${showText(thread.comm)} ${process.pid}`,
      detail: commandLine(thread),
      alive: process.alive,
      first: finite(totals.processes.first[g]),
      last: process.last,
      metrics: this.metrics(totals.processes, g, this.http([index])),
      children,
      path: { steps: [...this.processSteps(index), { view: 'sections' }] },
    };
  }

  private interior(parent: string, key: string): TreeNode[] | undefined {
    const { groups, store, totals } = this.world;
    const group = groups.processes.byName(key);
    if (group === undefined) return undefined;
    const index = store.dims.processOf[(groups.processes.groups[group] as { row: number }).row] as number;
    const inside = this.inside.get(index);
    if (inside === undefined) return [];
    const steps = this.processSteps(index);
    const byConnection = new Map<number, Transaction[]>();
    for (const item of inside.transactions)
      push(byConnection, groups.descriptors.of[item.fd] as number, item);

    const connections = inside.connections.map((g): TreeNode => {
      const item = groups.descriptors.groups[g] as { key: string; row: number };
      const fd = store.dims.fds[item.row] as Fd;
      const http = byConnection.get(g) ?? [];
      return {
        key: `k:${item.key}`,
        parent,
        kind: 'connection',
        name: connectionName(fd),
        detail: `${protocolName(fd)} fd ${store.dims.fdNum[item.row]}`,
        alive: true,
        first: finite(totals.descriptors.first[g]),
        last: finite(totals.descriptors.last[g]),
        metrics: this.metrics(totals.descriptors, g, http),
        children: http.length > 0 ? { transaction: http.length } : {},
        path: {
          steps: [
            ...steps,
            { view: 'connections', key: item.key, label: connectionName(fd) },
            { view: http.length > 0 ? 'http' : 'events' },
          ],
        },
      };
    });
    const files = [...inside.files].map(([path, members]): TreeNode => ({
      key: `f:${key}:${path}`,
      parent,
      kind: 'file',
      name: showText(path),
      detail: '',
      alive: true,
      first: Math.min(...members.map((g) => finite(totals.descriptors.first[g]))),
      last: Math.max(...members.map((g) => finite(totals.descriptors.last[g]))),
      metrics: addMetrics(members.map((g) => this.metrics(totals.descriptors, g, []))),
      children: {},
      path: { steps: [...steps, { view: 'files', key: path, label: showText(path) }, { view: 'events' }] },
    }));
    const threads = inside.threads.map((g): TreeNode => {
      const item = groups.threads.groups[g] as { key: string; row: number };
      const thread = store.dims.threads[item.row] as Thread;
      return {
        key: `t:${item.key}`,
        parent,
        kind: 'thread',
        name: `${showText(thread.comm)} ${thread.tid}`,
        detail: '',
        alive: true,
        first: finite(totals.threads.first[g]),
        last: finite(totals.threads.last[g]),
        metrics: this.metrics(totals.threads, g, []),
        children: {},
        path: {
          steps: [
            ...steps,
            { view: 'threads', key: item.key, label: String(thread.tid) },
            { view: 'events' },
          ],
        },
      };
    });
    const errnos = [...inside.errnos].map(([errno, kinds]): TreeNode => {
      const rows = [...kinds.values()].flat();
      const times = rows.map((k) => store.failures.ts[k] as number);
      return {
        key: `e:${key}:${errnoName(errno)}`,
        parent,
        kind: 'errno',
        name: errnoName(errno),
        detail: '',
        alive: true,
        first: times.reduce((a, b) => Math.min(a, b), Infinity),
        last: times.reduce((a, b) => Math.max(a, b), 0),
        metrics: errorMetrics(rows.length),
        children: { failure: kinds.size },
        path: { steps: [...steps, { view: 'errors' }] },
      };
    });
    return [...this.cut(connections), ...this.cut(files), ...this.cut(threads), ...this.cut(errnos)];
  }

  // ---- leaves ----

  private transactionsOf(parent: string, key: string): TreeNode[] | undefined {
    const { groups, store } = this.world;
    const g = groups.descriptors.byName(key);
    if (g === undefined) return undefined;
    const process = store.dims.fdProcess[(groups.descriptors.groups[g] as { row: number }).row] as number;
    const mine = (this.inside.get(process)?.transactions ?? []).filter(
      (item) => groups.descriptors.of[item.fd] === g,
    );
    const steps = this.processSteps(process);
    const fd = store.dims.fds[(groups.descriptors.groups[g] as { row: number }).row] as Fd;
    return mine.slice(-this.limit).map((item): TreeNode => {
      const start = item.request?.firstTs ?? item.response?.firstTs ?? 0;
      return {
        key: `x:${item.id}`,
        parent,
        kind: 'transaction',
        name: showText(`${item.method} ${item.host}${item.url}`),
        detail: item.status === 0 ? 'no response seen' : showText(`${item.status} ${item.reason}`),
        alive: true,
        first: start,
        last: item.response?.lastTs ?? item.request?.lastTs ?? start,
        metrics: transactionMetrics([item]),
        children: {},
        path: {
          steps: [
            ...steps,
            { view: 'connections', key, label: connectionName(fd) },
            { view: 'http', key: String(item.id), label: showText(`${item.method} ${item.url}`) },
            { view: 'events' },
          ],
        },
        http: {
          method: showText(item.method),
          url: showText(item.host + item.url),
          status: item.status,
          reason: showText(item.reason),
          latency: transactionLatency(item),
        },
      };
    });
  }

  private failuresOf(parent: string, rest: string): TreeNode[] | undefined {
    const { groups, store } = this.world;
    const colon = rest.lastIndexOf(':');
    const [processKey, errno] = [rest.slice(0, colon), rest.slice(colon + 1)];
    const group = groups.processes.byName(processKey);
    if (group === undefined) return undefined;
    const process = store.dims.processOf[(groups.processes.groups[group] as { row: number }).row] as number;
    const steps = this.processSteps(process);
    const nodes: TreeNode[] = [];
    for (const [number, kinds] of this.inside.get(process)?.errnos ?? []) {
      if (errnoName(number) !== errno) continue;
      for (const [id, rows] of kinds) {
        const kind = store.failures.kinds[id];
        if (kind === undefined) continue;
        const key = failureKey(kind);
        const target = showText(kind.target).replace('->', ' → ');
        nodes.push({
          key: `g:${processKey}:${key}`,
          parent,
          kind: 'failure',
          name: `${kind.syscall} ${target}`,
          detail: errno,
          alive: true,
          first: store.failures.ts[rows[0] as number] as number,
          last: store.failures.ts[rows.at(-1) as number] as number,
          metrics: errorMetrics(rows.length),
          children: {},
          path: {
            steps: [...steps, { view: 'errors', key, label: `${errno} ${target}` }, { view: 'failure' }],
          },
          failure: { errno, syscall: kind.syscall, target, count: rows.length },
        });
      }
    }
    return this.cut(nodes);
  }

  // ---- metrics ----

  private http(processes: readonly number[]): Transaction[] {
    return processes.flatMap((index) => this.inside.get(index)?.transactions ?? []);
  }

  private metrics(sums: Sums, g: number, http: readonly Transaction[]): number[] {
    if (g < 0) return NO_METRICS;
    const requests = transactionMetrics(http);
    return [
      sums.events[g] as number,
      (sums.cpuTicks[g] as number) * TICK_NS,
      sums.fileIn[g] as number,
      sums.fileOut[g] as number,
      sums.netIn[g] as number,
      sums.netOut[g] as number,
      sums.errors[g] as number,
      requests[7] as number,
      requests[8] as number,
      requests[9] as number,
      http.length > 0 ? (requests[10] as number) : (sums.latencyMax[g] as number),
    ];
  }

  /** Failing and busy ones stay when there are too many. */
  private cut(nodes: TreeNode[]): TreeNode[] {
    if (nodes.length <= this.limit) return nodes;
    const weight = (node: TreeNode): number =>
      ((node.metrics[6] as number) > 0 ? 1e15 : 0) + (node.metrics[0] as number);
    return nodes.sort((a, b) => weight(b) - weight(a)).slice(0, this.limit);
  }
}

const NO_METRICS: number[] = Array.from({ length: 11 }, () => 0);

function transactionMetrics(list: readonly Transaction[]): number[] {
  const metrics = [...NO_METRICS];
  for (const item of list) {
    (metrics[7] as number)++;
    if (item.status >= 500) (metrics[9] as number)++;
    else if (item.status >= 400) (metrics[8] as number)++;
    metrics[10] = Math.max(metrics[10] as number, transactionLatency(item) ?? 0);
  }
  return metrics;
}

function errorMetrics(count: number): number[] {
  const metrics = [...NO_METRICS];
  metrics[0] = count;
  metrics[6] = count;
  return metrics;
}

/** Sums, but the longest latency stays the longest. */
function addMetrics(list: readonly (readonly number[])[]): number[] {
  const sum = [...NO_METRICS];
  for (const metrics of list) {
    for (let i = 0; i < 10; i++) (sum[i] as number) += metrics[i] as number;
    sum[10] = Math.max(sum[10] as number, metrics[10] as number);
  }
  return sum;
}

function isConnection(fd: Fd): boolean {
  return fd.isSocket && fd.name !== '' && !fd.isServerSocket && fd.type !== FdType.NETLINK;
}

function finite(value: number | undefined): number {
  return value === undefined || !Number.isFinite(value) ? 0 : value;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

// ---- edges ----

/** Who talks to whom: client ends joined with server ends of this machine by their addresses. */
export function edges(world: World): TreeEdge[] {
  world.totals.update();
  const { groups, store, totals, transactions } = world;
  const servers = new Map<string, number>();
  groups.descriptors.groups.forEach((group) => {
    const fd = store.dims.fds[group.row] as Fd;
    if (fd.role === 2 && fd.isInet && !fd.isServerSocket)
      servers.set(fd.name, store.dims.fdProcess[group.row] as number);
  });
  const requests = new Map<number, { count: number; failed: number }>();
  for (const item of transactions.list) {
    const g = groups.descriptors.of[item.fd] as number;
    const entry = requests.get(g) ?? { count: 0, failed: 0 };
    entry.count++;
    if (item.status >= 500) entry.failed++;
    requests.set(g, entry);
  }
  const merged = new Map<string, { -readonly [K in keyof TreeEdge]: TreeEdge[K] }>();
  const nodeKey = (process: number): string => `p:${store.dims.processes[process]?.key ?? ''}`;
  groups.descriptors.groups.forEach((group, g) => {
    const fd = store.dims.fds[group.row] as Fd;
    if (fd.role !== 1 || !fd.isInet || fd.name === '') return;
    const server = servers.get(fd.name);
    const [, remote = ''] = fd.name.split('->');
    const from = nodeKey(store.dims.fdProcess[group.row] as number);
    const to = server === undefined ? `r:${remote.slice(0, remote.lastIndexOf(':'))}` : nodeKey(server);
    const key = `${from} ${to} ${fd.destPort}`;
    const edge = merged.get(key) ?? {
      from,
      to,
      port: fd.destPort,
      bytesTo: 0,
      bytesFrom: 0,
      requests: 0,
      errors: 0,
    };
    edge.bytesTo += totals.descriptors.netOut[g] as number;
    edge.bytesFrom += totals.descriptors.netIn[g] as number;
    edge.requests += requests.get(g)?.count ?? 0;
    edge.errors += requests.get(g)?.failed ?? 0;
    merged.set(key, edge);
  });
  return [...merged.values()];
}
