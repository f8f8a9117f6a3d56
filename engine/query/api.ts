// SPDX-License-Identifier: Apache-2.0
// What a face (terminal, web, command line) may ask the engine, and what it gets: plain data that crosses a worker boundary.
// A face never sees events, state or store; it holds a drill path, asks, and draws. Text in answers is already decoded and
// harmless (text.ts showText); numbers are raw, with their unit in the column, and the face formats them (format.ts).

import type { Bytes, DurationNs, RelativeNs } from '../base/units.ts';
import type { DrillPath } from './drill.ts';

export type Status = {
  readonly source: { readonly kind: 'live' | 'file' | 'test'; readonly name: string };
  /** `loading`: a file is still being read, or live capture starts; `live`; `done`: a file is read; `failed`: see error. */
  readonly phase: 'loading' | 'live' | 'done' | 'failed';
  /** Files while loading: 0..1. */
  readonly progress?: number;
  /** Why reading stopped early, one sentence; what was read before stays. */
  readonly error?: string;
  readonly hostname: string;
  /** Epoch ns of time 0, as decimal text (JSON has no bigint). */
  readonly startEpochNs: string;
  /** Time of the newest event. */
  readonly now: RelativeNs;
  readonly events: number;
  /** Events a second over the last second (live). */
  readonly rate: number;
  /** Lost events by cause; empty if none. */
  readonly drops: Readonly<Record<string, number>>;
  /** Events that left the store because of its memory budget. */
  readonly evicted: number;
  /** Totals for a header line. */
  readonly containers: number;
  readonly processes: number;
  readonly errors: number;
  readonly requests: number;
  /** Counts up with each change of the data; a face redraws when it changes. */
  readonly version: number;
};

/** What a number in a column counts; `text` cells are strings. `time` is RelativeNs; `rate` is bytes a second. */
export type Unit = 'text' | 'count' | 'percent' | 'bytes' | 'rate' | 'perSecond' | 'duration' | 'time' | 'id';

export type Column = {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Characters wanted in a terminal; 0 = takes the rest. */
  readonly width: number;
  readonly description: string;
};

/** null = unknown, shown as –, never as 0. */
export type Cell = string | number | null;

export type Row = {
  /** Identifies the entity across refreshes; becomes DrillStep.key. */
  readonly key: string;
  readonly cells: readonly Cell[];
  /** `error`: drawn in the error colour with a mark; `dim`: gone or idle. */
  readonly mark?: 'error' | 'warn' | 'dim';
  /** View that Enter opens, where it is not the view's own drill target; null = a leaf. */
  readonly opens?: string | null;
};

export type TableQuery = {
  /** The last step names the view; the steps before it, and the path's filter and range, select what it shows. */
  readonly path: DrillPath;
  /** Column id; default is the view's own. */
  readonly sort?: string;
  readonly descending?: boolean;
  readonly offset?: number;
  readonly limit?: number;
  /** Only rows in which this text occurs, case ignored. */
  readonly find?: string;
};

export type TableAnswer = {
  readonly view: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly sort: string;
  readonly descending: boolean;
  readonly rows: readonly Row[];
  /** Rows before offset and limit. */
  readonly total: number;
  /** Some numbers may be too small: events were lost or left the store in the range. */
  readonly atLeast: boolean;
  /** Why there are no rows, one sentence; only when total is 0. */
  readonly empty?: string;
};

/** A view as the picker shows it. */
export type ViewInfo = {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Where Enter leads, undefined for leaves. */
  readonly drill?: string;
};

export type EventsQuery = {
  readonly path: DrillPath;
  /** Index of the first event wanted; negative counts from the end (the newest). */
  readonly offset?: number;
  readonly limit?: number;
};

export type EventLine = {
  readonly num: number;
  readonly ts: RelativeNs;
  readonly cpu: number;
  readonly process: string;
  readonly tid: number;
  readonly dir: '>' | '<';
  readonly type: string;
  readonly args: string;
  readonly latency: DurationNs | null;
  readonly failed: boolean;
};

export type EventsAnswer = {
  readonly events: readonly EventLine[];
  readonly total: number;
  readonly atLeast: boolean;
};

export type EventDetail = EventLine & {
  readonly container: string;
  readonly params: readonly { readonly name: string; readonly type: string; readonly value: string }[];
  /** Payload of the first buffer param, a byte a number; how much of it there was before the snaplen cut. */
  readonly payload?: { readonly bytes: readonly number[]; readonly length: Bytes };
  readonly fd?: { readonly num: number; readonly name: string; readonly type: string };
  readonly errno?: ErrnoInfo;
};

export type ErrnoInfo = { readonly name: string; readonly number: number; readonly meaning: string };

export type Header = { readonly name: string; readonly value: string; readonly secret: boolean };

export type MessageSide = {
  /** `GET /bar HTTP/1.1` or `HTTP/1.1 502 Bad Gateway` */
  readonly startLine: string;
  readonly headers: readonly Header[];
  /** False: the capture's snaplen (or a loss) cut the head; what follows is unknown, and is said so. */
  readonly headComplete: boolean;
  /** Captured of how many bytes of the message's head and body that went over the wire. */
  readonly captured: Bytes;
  readonly length: Bytes;
  readonly bodyPreview: string;
  readonly firstEvent: number;
  readonly lastEvent: number;
};

/** One request with its response, as one process saw it on one connection. */
export type TransactionDetail = {
  readonly id: number;
  readonly protocol: string;
  readonly role: 'client' | 'server';
  readonly process: { readonly name: string; readonly pid: number; readonly container: string };
  readonly fd: number;
  readonly connection: string;
  readonly method: string;
  readonly url: string;
  /** 0: no response was seen. */
  readonly status: number;
  readonly reason: string;
  readonly start: RelativeNs;
  /** null: not seen. */
  readonly requestEnd: RelativeNs | null;
  readonly firstByte: RelativeNs | null;
  readonly end: RelativeNs | null;
  readonly request: MessageSide;
  readonly response?: MessageSide;
  /** The same exchange as the process at the other end of the connection saw it. */
  readonly peer?: {
    readonly id: number;
    readonly process: string;
    readonly pid: number;
    readonly container: string;
  };
};

/** One way of failing: errno × syscall × target, within the path's selection. */
export type ErrorDetail = {
  readonly errno: ErrnoInfo;
  readonly syscall: string;
  readonly target: string;
  readonly count: number;
  readonly first: RelativeNs;
  readonly last: RelativeNs;
  readonly processes: readonly {
    readonly name: string;
    readonly pid: number;
    readonly container: string;
    readonly count: number;
  }[];
  readonly samples: readonly {
    readonly event: EventLine;
    /** What the same thread did just before. */
    readonly before?: EventLine;
  }[];
};

/** Nodes of the map. Each kind lives in its parent kind: host > container > process > (connection > transaction | file | thread | errno > failure). */
export type NodeKind =
  'host' | 'container' | 'process' | 'thread' | 'file' | 'connection' | 'transaction' | 'errno' | 'failure';

/** Order of TreeNode.metrics. All are sums over the life of the node (files) or the last window (live), except latency: a maximum. */
export const NODE_METRICS = [
  'events',
  'cpuNs',
  'fileIn',
  'fileOut',
  'netIn',
  'netOut',
  'errors',
  'requests',
  'requests4xx',
  'requests5xx',
  'latencyMax',
] as const;

export type NodeMetric = (typeof NODE_METRICS)[number];

export type TreeNode = {
  /** Never used again for something else, and the same in every run over the same capture: `h:…`, `c:<id>`, `p:<pid>.<start>`, … */
  readonly key: string;
  readonly parent: string | null;
  readonly kind: NodeKind;
  readonly name: string;
  /** Second line: image, command line, tuple, path. */
  readonly detail: string;
  readonly alive: boolean;
  readonly first: RelativeNs;
  readonly last: RelativeNs;
  readonly metrics: readonly number[];
  /** How many children of each kind there are; the children themselves come when the node is opened. */
  readonly children: Readonly<Partial<Record<NodeKind, number>>>;
  /** What this node is as a drill path, so that every face can open the same place. */
  readonly path: DrillPath;
  /** Transactions. */
  readonly http?: {
    readonly method: string;
    readonly url: string;
    readonly status: number;
    readonly reason: string;
    readonly latency: DurationNs | null;
  };
  /** Failures. */
  readonly failure?: {
    readonly errno: string;
    readonly syscall: string;
    readonly target: string;
    readonly count: number;
  };
};

export type TreeQuery = {
  /** Keys of nodes whose children are wanted; the host is always there. */
  readonly open: readonly string[];
  /** Most children of one node; the busiest and the failing first. */
  readonly limit?: number;
};

export type TreeAnswer = {
  readonly version: number;
  readonly root: TreeNode;
  /** Children of every opened node that exists, by its key. */
  readonly children: Readonly<Record<string, readonly TreeNode[]>>;
};

/** Connections between processes (or to a remote address), for the edges of the map. */
export type TreeEdge = {
  readonly from: string;
  /** Node key, or `r:<ip>` outside this machine. */
  readonly to: string;
  readonly port: number;
  readonly bytesTo: Bytes;
  readonly bytesFrom: Bytes;
  readonly requests: number;
  readonly errors: number;
};

/** Everything in a sheet of the map or a detail screen that is no transaction and no failure: name and value pairs. */
export type NodeDetail = {
  readonly key: string;
  readonly title: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
};

export type FilterCheck =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly message: string;
      readonly position: number;
      readonly span: number;
      readonly suggestion?: string;
    };

/** Wrong input in any of these rejects with an InputError whose message can be shown. */
export interface EngineClient {
  status(): Promise<Status>;
  /** Views that apply to the selection of a path (all but its last step). */
  views(path: DrillPath): Promise<readonly ViewInfo[]>;
  table(query: TableQuery): Promise<TableAnswer>;
  events(query: EventsQuery): Promise<EventsAnswer>;
  event(num: number): Promise<EventDetail | undefined>;
  /** @param id TransactionDetail.id, the number after `x:` in a node key, or the row key of an http view */
  transaction(
    id: number,
    options?: { readonly showSecrets?: boolean },
  ): Promise<TransactionDetail | undefined>;
  /** @param path ends in a step of the errors view with the row's key */
  error(path: DrillPath): Promise<ErrorDetail | undefined>;
  tree(query: TreeQuery): Promise<TreeAnswer>;
  edges(): Promise<readonly TreeEdge[]>;
  node(key: string): Promise<NodeDetail | undefined>;
  checkFilter(text: string): Promise<FilterCheck>;
  /** Calls back with each new status: a few times a second while the data changes. Returns the way to stop it. */
  onStatus(listener: (status: Status) => void): () => void;
  close(): Promise<void>;
}
