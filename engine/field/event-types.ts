// SPDX-License-Identifier: Apache-2.0
// What fields know of event types, by code: looked up in arrays, never computed per event.

import { FIRST_NAMED, GENERIC_EXIT, genericSyscall } from '../event/generic.ts';
import { EVENT_TYPES, EventFlag, type EventType } from '../event/schema.ts';
import { SYSCALL_ROWS } from '../event/syscalls.ts';
import type { EventContext } from '../state/context.ts';
import { FdType, type Fd } from '../state/fd.ts';

const typeFlags = Uint16Array.from(EVENT_TYPES, (type) => type.classic?.flags ?? type.flags);

/** Events that readers keep to themselves: never shown. */
export const isInternal: readonly boolean[] = EVENT_TYPES.map(
  (type) => (type.classic?.category ?? type.category) === 'INTERNAL',
);

export function hasFlag(ctx: EventContext, flag: number): boolean {
  if (ctx.tracer !== undefined && ctx.inPairs) return false;
  return ((typeFlags[ctx.evt.code] as number) & flag) !== 0;
}

/** Name in the file's own terms: what the compatible output prints. */
const names: readonly string[] = EVENT_TYPES.map((type) => type.classic?.name ?? type.name);

const syscallNames = new Map(
  SYSCALL_ROWS.map((row) => [
    row.sc,
    row.classicName === undefined || row.classicName === '' ? row.name : row.classicName,
  ]),
);
const syscallCategories = new Map(SYSCALL_ROWS.map((row) => [row.sc, row.category ?? 'OTHER']));

/** evt.type: generic events are called by their syscall. */
export function typeName(ctx: EventContext): string {
  const { code } = ctx.evt;
  if (ctx.tracer !== undefined && ctx.inPairs) return 'tracer';
  if (code >= FIRST_NAMED) return names[code] as string;
  return syscallNames.get(genericSyscall(ctx.evt)) ?? '<unknown>';
}

/** Codes and syscalls with a name, for comparisons without text. */
export function withName(name: string): {
  readonly codes: Uint8Array;
  readonly syscalls: ReadonlySet<number>;
} {
  return {
    codes: Uint8Array.from(EVENT_TYPES, (type, code) =>
      code >= FIRST_NAMED && (type.name === name || names[code] === name) ? 1 : 0,
    ),
    syscalls: new Set(
      SYSCALL_ROWS.filter((row) => row.name === name || row.classicName === name).map((row) => row.sc),
    ),
  };
}

/** Every name that evt.type can have. */
export const TYPE_NAMES: ReadonlySet<string> = new Set([
  ...EVENT_TYPES.slice(FIRST_NAMED).flatMap((type) => [type.name, type.classic?.name ?? type.name]),
  ...SYSCALL_ROWS.flatMap((row) => [row.name, row.classicName ?? row.name]),
]);

export function categoryOf(ctx: EventContext): string {
  if (ctx.tracer !== undefined && ctx.inPairs) return 'OTHER';
  const { code } = ctx.evt;
  if (code < FIRST_NAMED) return syscallCategories.get(genericSyscall(ctx.evt)) ?? 'OTHER';
  const type = EVENT_TYPES[code] as EventType;
  return type.classic?.category ?? type.category;
}

const isIoCode = EVENT_TYPES.map((type) => (type.classic?.category ?? type.category).startsWith('IO_'));

export function isIo(ctx: EventContext): boolean {
  if (ctx.tracer !== undefined && ctx.inPairs) return false;
  return ctx.evt.code < FIRST_NAMED ? categoryOf(ctx).startsWith('IO_') : (isIoCode[ctx.evt.code] as boolean);
}

/** Param with the result of exits: `res`, or the new descriptor; -1 = none. */
const resultParam = Int8Array.from(EVENT_TYPES, (type) => {
  const params = type.params;
  const res = params.findIndex((param) => param.name === 'res');
  if (res >= 0) return res;
  if (type.isExit && ((type.classic?.flags ?? type.flags) & EventFlag.CREATES_FD) !== 0) {
    return params.findIndex((param) => param.name === 'fd');
  }
  return type.isExit && type.classic === undefined && params.length > 0 && type.code >= FIRST_NAMED ? 0 : -1;
});

/** What the call returned; undefined where the event does not say. */
export function resultOf(ctx: EventContext): number | undefined {
  if (ctx.tracer !== undefined && ctx.inPairs) return undefined;
  const { evt } = ctx;
  const index = resultParam[evt.code] as number;
  if (index >= 0) return index < evt.count ? evt.int(index) : undefined;
  // sysdig shows none of generic calls, and reads pairs
  return evt.code === GENERIC_EXIT && !ctx.inPairs ? evt.carriedResult : undefined;
}

/** The same, where the event tells it in any way. */
export function anyResultOf(ctx: EventContext): number | undefined {
  return resultOf(ctx) ?? (ctx.evt.code === GENERIC_EXIT ? ctx.evt.carriedResult : undefined);
}

/** Whether the event is about a descriptor at all. */
export function hasFd(ctx: EventContext): boolean {
  if (ctx.tracer !== undefined && ctx.inPairs) return false;
  return codeHasFd(ctx.evt.code);
}

export function codeHasFd(code: number): boolean {
  const about = EventFlag.CREATES_FD | EventFlag.USES_FD | EventFlag.DESTROYS_FD;
  return ((typeFlags[code] as number) & about) !== 0;
}

/** The descriptor that fd fields speak of. */
export function fdOf(ctx: EventContext): Fd | undefined {
  if (!hasFd(ctx)) return undefined;
  if (ctx.fd !== undefined) return ctx.fd;
  const { thread, fdNum } = ctx;
  return thread === undefined || fdNum < 0 ? undefined : ctx.fdTable(thread).get(fdNum);
}

export type IoKind = 'file' | 'net' | 'ipc' | 'unknown';

/** Whether I/O on a descriptor counts as file, network or inter-process. */
export function ioKind(fd: Fd | undefined): IoKind {
  switch (fd?.type) {
    case FdType.FILE:
    case FdType.FILE_V2:
    case FdType.DIRECTORY:
      return 'file';
    case FdType.IPV4_SOCK:
    case FdType.IPV6_SOCK:
    case FdType.IPV4_SERVSOCK:
    case FdType.IPV6_SERVSOCK:
    case FdType.UNIX_SOCK:
      return 'net';
    case FdType.FIFO:
    case FdType.EVENT:
    case FdType.SIGNALFD:
    case FdType.INOTIFY:
      return 'ipc';
    default:
      return 'unknown';
  }
}
