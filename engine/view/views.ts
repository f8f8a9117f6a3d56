// SPDX-License-Identifier: Apache-2.0
// The views: what each shows and where it leads, as data. Terminal tables, web tables, the map's outline and the command line read
// the same definitions; query/tables.ts computes the cells.

import type { Column } from '../query/api.ts';

/** What a row of a view is. */
export type Entity =
  | 'container'
  | 'process'
  | 'thread'
  | 'connection'
  | 'file'
  | 'failure'
  | 'transaction'
  | 'section'
  | 'event';

export type View = {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly entity: Entity;
  readonly columns: readonly Column[];
  readonly sort: string;
  readonly descending: boolean;
  /** View or detail screen that Enter opens; undefined for leaves. */
  readonly drill?: string;
  /** Views whose rows this one can be shown for; '' stands for the whole machine. */
  readonly appliesTo: readonly string[];
};

const column = (
  id: string,
  title: string,
  unit: Column['unit'],
  width: number,
  description: string,
): Column => ({
  id,
  title,
  unit,
  width,
  description,
});

const CPU = column(
  'cpu',
  'CPU%',
  'percent',
  6,
  'share of one core, user and system together; threads of a process add up',
);
const MEM = column('mem', 'MEM', 'bytes', 7, 'resident memory');
const FILE = column('file', 'FILE/s', 'rate', 8, 'bytes read from and written to files, a second');
const NET = column('net', 'NET/s', 'rate', 8, 'bytes received and sent over sockets, a second');
const HTTP = column('http', 'HTTP', 'count', 6, 'HTTP requests');
const ERRORS = column('errors', 'ERR', 'count', 6, 'calls that failed');
const IN = column('in', 'IN', 'bytes', 8, 'bytes read or received');
const OUT = column('out', 'OUT', 'bytes', 8, 'bytes written or sent');
const PROCESS = column('process', 'PROCESS', 'text', 16, 'name and number of the process');
const CONTAINER = column('container', 'CONTAINER', 'text', 16, 'name of the container, or host');

const EVERYWHERE: readonly string[] = ['', 'containers', 'procs', 'threads'];

export const VIEWS: readonly View[] = [
  {
    id: 'containers',
    title: 'Containers',
    description: 'Every container, and all processes outside containers together as "host"',
    entity: 'container',
    columns: [
      column('name', 'CONTAINER', 'text', 24, 'name of the container'),
      CPU,
      column('procs', 'PROCS', 'count', 5, 'processes seen in it'),
      MEM,
      FILE,
      NET,
      HTTP,
      ERRORS,
      column('id', 'ID', 'text', 12, 'first digits of the id'),
      column('image', 'IMAGE', 'text', 0, 'image it was started from'),
    ],
    sort: 'cpu',
    descending: true,
    drill: 'procs',
    appliesTo: [''],
  },
  {
    id: 'procs',
    title: 'Processes',
    description: 'Every process, as top shows them',
    entity: 'process',
    columns: [
      column('pid', 'PID', 'id', 7, 'process number on the host'),
      column('user', 'USER', 'text', 9, 'user it runs as'),
      CPU,
      column('threads', 'TH', 'count', 3, 'threads seen'),
      MEM,
      FILE,
      NET,
      HTTP,
      ERRORS,
      CONTAINER,
      column('command', 'COMMAND', 'text', 0, 'command line'),
    ],
    sort: 'cpu',
    descending: true,
    drill: 'sections',
    appliesTo: ['', 'containers'],
  },
  {
    id: 'sections',
    title: 'Inside',
    description:
      'What is inside a process or container: its connections, files, errors, requests, threads and events',
    entity: 'section',
    columns: [
      column('section', 'SECTION', 'text', 14, 'what it leads to'),
      column('count', 'COUNT', 'count', 8, 'how many there are'),
      column('headline', 'FOREMOST', 'text', 0, 'the one that stands out'),
    ],
    sort: '',
    descending: false,
    appliesTo: ['containers', 'procs', 'threads'],
  },
  {
    id: 'connections',
    title: 'Connections',
    description: 'Network and unix sockets with both ends, bytes and requests',
    entity: 'connection',
    columns: [
      column('connection', 'CONNECTION (CLIENT → SERVER)', 'text', 44, 'addresses of both ends'),
      column('proto', 'PROTO', 'text', 5, 'tcp, udp, unix'),
      column('role', 'ROLE', 'text', 6, 'which end the process is'),
      IN,
      OUT,
      HTTP,
      ERRORS,
      PROCESS,
      column('container', 'CONTAINER', 'text', 0, 'name of the container, or host'),
    ],
    sort: 'in',
    descending: true,
    drill: 'http',
    appliesTo: EVERYWHERE,
  },
  {
    id: 'files',
    title: 'Files',
    description: 'Files that were opened, read, written, or that could not be',
    entity: 'file',
    columns: [
      IN,
      OUT,
      column('ops', 'OPS', 'count', 7, 'calls on it'),
      column('time', 'TIME', 'duration', 8, 'time spent in these calls'),
      ERRORS,
      column('path', 'PATH', 'text', 0, 'full path'),
    ],
    sort: 'ops',
    descending: true,
    drill: 'events',
    appliesTo: EVERYWHERE,
  },
  {
    id: 'errors',
    title: 'Errors',
    description: 'Every way in which calls failed: errno, syscall, and the path or peer it was about',
    entity: 'failure',
    columns: [
      column('errno', 'ERRNO', 'text', 13, 'error number by name'),
      column('syscall', 'SYSCALL', 'text', 12, 'call that failed'),
      column('count', 'COUNT', 'count', 6, 'how often'),
      column('procs', 'PROCS', 'count', 5, 'in how many processes'),
      column('last', 'LAST', 'time', 12, 'when it last happened'),
      column('target', 'TARGET', 'text', 0, 'path, peer or descriptor'),
    ],
    sort: 'count',
    descending: true,
    drill: 'failure',
    appliesTo: [...EVERYWHERE, 'files', 'connections'],
  },
  {
    id: 'http',
    title: 'HTTP',
    description: 'HTTP requests with their responses, failed and slow ones first',
    entity: 'transaction',
    columns: [
      column('status', 'STATUS', 'id', 6, 'status of the response; – if none was seen'),
      column('method', 'METHOD', 'text', 7, 'method of the request'),
      column('url', 'URL', 'text', 26, 'host and path'),
      column(
        'latency',
        'LATENCY',
        'duration',
        8,
        'from the first byte of the request to the last of the response',
      ),
      column('bytes', 'BYTES', 'bytes', 8, 'length of the response, head and body'),
      column('role', 'ROLE', 'text', 6, 'whether the process asked or answered'),
      PROCESS,
      column('time', 'TIME', 'time', 12, 'when it began'),
      column('connection', 'CONNECTION', 'text', 0, 'addresses of both ends'),
    ],
    sort: 'status',
    descending: true,
    drill: 'transaction',
    appliesTo: [...EVERYWHERE, 'connections'],
  },
  {
    id: 'threads',
    title: 'Threads',
    description: 'Threads of the selection',
    entity: 'thread',
    columns: [
      column('tid', 'TID', 'id', 7, 'thread number on the host'),
      CPU,
      column('calls', 'CALLS', 'count', 8, 'calls that returned'),
      FILE,
      NET,
      ERRORS,
      PROCESS,
      column('name', 'NAME', 'text', 0, 'name of the thread'),
    ],
    sort: 'cpu',
    descending: true,
    drill: 'events',
    appliesTo: ['', 'containers', 'procs'],
  },
  {
    id: 'events',
    title: 'Events',
    description: 'The events themselves, one a line',
    entity: 'event',
    columns: [],
    sort: '',
    descending: false,
    drill: 'event',
    appliesTo: [...EVERYWHERE, 'connections', 'files', 'errors', 'http'],
  },
];

const byId = new Map(VIEWS.map((view) => [view.id, view]));

export function viewById(id: string): View | undefined {
  return byId.get(id);
}
