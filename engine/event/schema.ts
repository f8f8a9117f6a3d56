// SPDX-License-Identifier: Apache-2.0
// The event table as objects: what an event type and a param are, looked up by code.

import { DYN_SELECTORS, EVENT_ROWS, type EventRow } from './table.ts';

export type ParamFormat = 'dec' | 'hex' | 'oct' | 'pad9' | 'id' | 'dir';

export type Param = {
  readonly name: string;
  /** A type of the scap format: ERRNO, FD, FSPATH, BYTEBUF, FLAGS32 … (param.ts decodes each). */
  readonly type: string;
  readonly format: ParamFormat;
  /** Name of a table in enums.ts, or of a selector list for DYN. */
  readonly table: string | undefined;
  /** Index of the param with the directory that a relative path starts from; -1 if there is none. */
  readonly dirfd: number;
};

/** Bits of EventType.flags, as in the format. */
export const EventFlag = {
  CREATES_FD: 1,
  DESTROYS_FD: 2,
  USES_FD: 4,
  READS_FROM_FD: 8,
  WRITES_TO_FD: 16,
  MODIFIES_STATE: 32,
  UNUSED: 64,
  WAITS: 128,
  SKIPPARSERESET: 256,
  OLD_VERSION: 512,
  DROP_SIMPLE_CONS: 1024,
  LARGE_PAYLOAD: 2048,
  CONVERTER_MANAGED: 4096,
} as const;

export type EventType = {
  readonly code: number;
  /** What evt.type shows; generic events show the name of their syscall instead. */
  readonly name: string;
  readonly isExit: boolean;
  readonly category: string;
  readonly source: EventRow['source'];
  readonly flags: number;
  /** The full current layout; a capture may hold fewer, and a newer one more. */
  readonly params: readonly Param[];
  readonly older: readonly { readonly count: number; readonly params: readonly Param[] }[];
  /** How sysdig 0.29.3 sees the code; undefined if it skips it. The compatible output is made from this. */
  readonly classic:
    | {
        readonly name: string;
        readonly category: string;
        readonly flags: number;
        readonly params: readonly Param[];
      }
    | undefined;
  /** Index of the param that holds the fd an exit event is about, -1 if none: where no enter event told it. */
  readonly fdParam: number;
  readonly write: EventRow['write'];
};

// In exit events of the current layout, the fd stands at this index. Source: state.md 10.2 of the format description.
const FD_PARAM: Readonly<Record<number, string>> = {
  1: 'setns listen shutdown fchdir lseek llseek ioctl fstat close getdents getdents64 flock copy_file_range fcntl dup dup2 dup3 newfstatat fchownat fchmodat mkdirat unlinkat mknodat sendmmsg recvmmsg io_uring_register io_uring_enter setsockopt getsockopt fsconfig finit_module fchmod fchown',
  2: 'read pread bind write pwrite recv send sendto sendmsg sendfile splice writev pwritev connect symlinkat',
  3: 'recvfrom readv preadv',
  5: 'recvmsg',
  8: 'mmap mmap2',
};

const fdParamByName = new Map<string, number>();
for (const [index, names] of Object.entries(FD_PARAM)) {
  for (const name of names.split(' ')) fdParamByName.set(name, Number(index));
}

function parseParam(text: string): Param {
  const match = /^([^:]+):(\w+)(?:\/(\w+))?(?:=(\w+))?(?:@(\d+))?$/.exec(text);
  if (match === null) throw new Error(`bad param in the event table: ${text}`);
  const [, name = '', type = '', format = 'dec', table, dirfd] = match;
  return {
    name,
    type,
    format: format as ParamFormat,
    table,
    dirfd: dirfd === undefined ? -1 : Number(dirfd),
  };
}

function parseParams(text: string): Param[] {
  return text === '' ? [] : text.split(' ').map(parseParam);
}

function flagBits(names: string): number {
  let bits = 0;
  for (const name of names === '' ? [] : names.split(' ')) bits |= EventFlag[name as keyof typeof EventFlag];
  return bits;
}

function toEventType(row: EventRow): EventType {
  const params = parseParams(row.params);
  const isExit = row.code % 2 === 1;
  return {
    code: row.code,
    name: row.name,
    isExit,
    category: row.category,
    source: row.source,
    flags: flagBits(row.flags),
    params,
    older: (row.older ?? []).map((layout) => ({ count: layout.count, params: parseParams(layout.params) })),
    classic: row.classic && {
      name: row.classic.name ?? row.name,
      category: row.classic.category ?? row.category,
      flags: flagBits(row.classic.flags ?? row.flags),
      params:
        row.classic.types === undefined
          ? params.slice(0, row.classic.params)
          : parseParams(row.classic.types),
    },
    fdParam: isExit ? (fdParamByName.get(row.name) ?? -1) : -1,
    write: row.write,
  };
}

/** All event types, indexed by code. */
export const EVENT_TYPES: readonly EventType[] = EVENT_ROWS.map(toEventType);

/** Codes below this are in the table. */
export const EVENT_TYPE_COUNT = EVENT_TYPES.length;

export function eventType(code: number): EventType {
  const type = EVENT_TYPES[code];
  if (type === undefined) throw new Error(`no event type ${code}`);
  return type;
}

/** The type that a DYN param's first byte selects, as `TYPE` or `TYPE/format`; undefined for a bad selector. */
export function dynType(table: string, selector: number): string | undefined {
  return DYN_SELECTORS[table]?.[selector];
}
