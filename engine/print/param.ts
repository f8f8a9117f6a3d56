// SPDX-License-Identifier: Apache-2.0
// The text of a param, by its type: the value, and where there is one its resolved form (`-2` and `ENOENT`, `3` and
// `<f>/etc/passwd`). Tables of small functions; facts: state description of the format, section 8.2.

import type { ByteText } from '../base/units.ts';
import type { EventCursor } from '../event/cursor.ts';
import { dynType, type Param } from '../event/schema.ts';
import { parseFdList } from '../event/fd-list.ts';
import { syscallName } from '../event/syscalls.ts';
import { AT_FDCWD, baseOf } from '../state/base-of.ts';
import type { EventContext } from '../state/context.ts';
import type { Fd } from '../state/fd.ts';
import { joinPath } from '../state/path.ts';
import { formatUnixTuple, parseAddress, parseTuple } from '../state/tuple.ts';
import { formatBuffer } from './buffer.ts';
import {
  endpointText,
  errnoLabel,
  fdNameText,
  fdTypeText,
  flagNames,
  groupText,
  portProtocol,
  printable,
  signalText,
  userText,
} from './names.ts';
import type { PrintOptions } from './options.ts';

type Text = (ctx: EventContext, index: number, options: PrintOptions) => ByteText;

export type ParamPrinter = {
  /** What stands before the value: `name=`. */
  readonly label: string;
  readonly value: Text;
  /** '' where there is nothing to say beyond the value. */
  readonly resolved: Text | undefined;
};

const MISSING = '<NA>';

// ---- numbers ----

function decimal(evt: EventCursor, index: number, unsigned: boolean): string {
  switch (evt.size(index)) {
    case 8: {
      const number = evt.int(index);
      return Number.isSafeInteger(number) ? String(number) : String(evt.big(index));
    }
    case 0:
      return MISSING;
    default:
      return String(unsigned ? evt.uint(index) : evt.int(index));
  }
}

function inBase(evt: EventCursor, index: number, base: 8 | 16): string {
  const size = evt.size(index);
  if (size === 0) return MISSING;
  const digits =
    size === 8 ? BigInt.asUintN(64, evt.big(index)).toString(base) : evt.uint(index).toString(base);
  if (base === 16) return digits.toUpperCase();
  return digits === '0' ? '0' : `0${digits}`;
}

function numberText(param: Param, unsigned: boolean): Text {
  switch (param.format) {
    case 'hex':
      return (ctx, index) => inBase(ctx.evt, index, 16);
    case 'oct':
      return (ctx, index) => inBase(ctx.evt, index, 8);
    case 'pad9':
      return (ctx, index) => decimal(ctx.evt, index, unsigned).padStart(9, '0');
    default:
      return (ctx, index) => decimal(ctx.evt, index, unsigned);
  }
}

const signed: Text = (ctx, index) => decimal(ctx.evt, index, false);
const unsigned: Text = (ctx, index) => decimal(ctx.evt, index, true);

// UINT64 prints as signed in the classic output: sizes, addresses and all
function uint64Text(param: Param): Text {
  const plain = numberText(param, true);
  if (param.format !== 'dec' && param.format !== 'id') return plain;
  return (ctx, index, options) =>
    options.layout === 'full' && ctx.evt.size(index) === 8
      ? unsignedBig(ctx.evt, index)
      : plain(ctx, index, options);
}

function unsignedBig(evt: EventCursor, index: number): string {
  const number = evt.uint(index);
  return Number.isSafeInteger(number) ? String(number) : String(BigInt.asUintN(64, evt.big(index)));
}

// ---- descriptors and paths ----

const fdResolved: Text = (ctx, index, options) => {
  const num = ctx.evt.int(index);
  if (ctx.evt.size(index) === 0) return '';
  if (num < 0) return num === AT_FDCWD ? 'AT_FDCWD' : errnoLabel(-num);
  const fd = ctx.fdNum === num && ctx.fd !== undefined ? ctx.fd : descriptor(ctx, num);
  return fd === undefined ? '' : `<${fdTypeText(fd)}>${printable(fdNameText(fd, options))}`;
};

function descriptor(ctx: EventContext, num: number): Fd | undefined {
  return ctx.thread === undefined ? undefined : ctx.fdTable(ctx.thread).get(num);
}

const charText: Text = (ctx, index) => ctx.evt.text(index);

const pathValue: Text = (ctx, index) => printable(ctx.evt.text(index));

function pathResolved(dirfd: number): Text {
  return (ctx, index) => {
    const path = ctx.evt.text(index);
    const { thread } = ctx;
    if (path.startsWith('/') || path === MISSING || thread === undefined) return '';
    // an empty path is the directory itself
    const full = joinPath(
      baseOf(ctx, dirfd < 0 ? AT_FDCWD : ctx.evt.int(dirfd)) ?? '',
      path === '' ? '.' : path,
    );
    return full === path ? '' : full;
  };
}

// ---- addresses ----

function addressText(ctx: EventContext, index: number, options: PrintOptions): ByteText {
  const bytes = ctx.evt.data(index);
  if (bytes.length === 0) return 'NULL';
  const address = parseAddress(bytes);
  if (address === undefined) return odd(bytes);
  if (address.family === 'unix') return printable(address.path);
  return endpointText(address.ip, address.port, portProtocol(ctx.fd), options);
}

function tupleText(ctx: EventContext, index: number, options: PrintOptions): ByteText {
  const bytes = ctx.evt.data(index);
  if (bytes.length === 0) return 'NULL';
  const tuple = parseTuple(bytes);
  if (tuple === undefined) return odd(bytes);
  if (tuple.family === 'unix') return formatUnixTuple(tuple);
  const protocol = portProtocol(ctx.fd);
  return `${endpointText(tuple.sourceIp, tuple.sourcePort, protocol, options)}->${endpointText(tuple.destIp, tuple.destPort, protocol, options)}`;
}

function odd(bytes: Uint8Array): string {
  if (bytes[0] === 2) return 'INVALID IPv4';
  if (bytes[0] === 10) return 'INVALID IPv6';
  return `family ${bytes[0]}`;
}

const fdListText: Text = (ctx, index) =>
  (parseFdList(ctx.evt.data(index)) ?? [])
    .map(({ num, events }) => {
      const fd = descriptor(ctx, num);
      return `${num}:${fd === undefined ? '?' : fdTypeText(fd).charAt(0)}${events.toString(16)}`;
    })
    .join(' ');

// ---- times ----

const ALL_ONES = (1n << 64n) - 1n;

const relativeValue: Text = (ctx, index) => {
  if (ctx.evt.size(index) === 0) return MISSING;
  const ns = BigInt.asUintN(64, ctx.evt.big(index));
  return ns === ALL_ONES ? 'none' : String(ns);
};

const relativeResolved: Text = (ctx, index) => {
  if (ctx.evt.size(index) === 0) return '';
  const ns = BigInt.asUintN(64, ctx.evt.big(index));
  return ns === ALL_ONES ? '' : `${formatG(Number(ns) / 1e9)}s`;
};

/** A number as C's %g prints it: six significant digits. */
function formatG(value: number): string {
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  const text = value.toPrecision(6);
  if (exponent < -4 || exponent >= 6) {
    const [digits = '', power = '+0'] = Number(text).toExponential(5).split('e');
    const sign = power.startsWith('-') ? '-' : '+';
    return `${trimZeros(digits)}e${sign}${power.slice(1).padStart(2, '0')}`;
  }
  return trimZeros(text);
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

// ---- names ----

function flagsResolved(param: Param): Text | undefined {
  const { table } = param;
  return table === undefined ? undefined : (ctx, index) => flagNames(table, ctx.evt.uint(index));
}

const signalSet: Text = (ctx, index) => {
  const mask = ctx.evt.uint(index);
  const names: string[] = [];
  for (let signal = 1; signal < 32; signal++)
    if ((mask & (1 << (signal - 1))) !== 0) names.push(signalText(signal));
  return names.join(' ');
};

const buffer: Text = (ctx, index, options) => formatBuffer(ctx.evt.data(index), options.buffers);
const unavailable: Text = () => '(n.a.)';

// ---- a param whose type its first byte tells ----

function dynamic(param: Param, want: 'value' | 'resolved'): Text {
  const cache = new Map<string, ParamPrinter>();
  return (ctx, index, options) => {
    const bytes = ctx.evt.data(index);
    const type = bytes.length === 0 ? undefined : dynType(param.table ?? '', bytes[0] as number);
    if (type === undefined) return want === 'value' ? 'INVALID DYNAMIC PARAMETER' : '';
    let printer = cache.get(type);
    if (printer === undefined) {
      const [name = '', format = 'dec'] = type.split('/');
      printer = paramPrinter({
        ...param,
        type: name,
        format: format === 'hex' ? 'hex' : 'dec',
        table: undefined,
      });
      cache.set(type, printer);
    }
    const inner = new InnerEvent(ctx, index);
    return (want === 'value' ? printer.value : printer.resolved)?.(inner.context, index, options) ?? '';
  };
}

// The same event, with one param that begins a byte later.
class InnerEvent {
  readonly context: EventContext;

  constructor(ctx: EventContext, index: number) {
    const { evt } = ctx;
    const shifted: EventCursor = Object.create(evt, {
      size: { value: (at: number) => (at === index ? Math.max(0, evt.size(at) - 1) : evt.size(at)) },
      at: { value: (at: number) => (at === index ? evt.at(at) + 1 : evt.at(at)) },
    }) as EventCursor;
    this.context = Object.create(ctx, { evt: { value: shifted } }) as EventContext;
  }
}

// ---- the table ----

const printers: Readonly<Record<string, (param: Param) => Omit<ParamPrinter, 'label'>>> = {
  ...numbers('INT8 INT16 INT32 INT64', false),
  ...numbers('UINT8 UINT16 UINT32 PORT L4PROTO SOCKFAMILY BOOL IPV4ADDR', true),
  UINT64: (param) => ({ value: uint64Text(param), resolved: undefined }),
  ERRNO: (param) => ({
    value: numberText(param, false),
    resolved: (ctx, index) => {
      const result = ctx.evt.int(index);
      return result < 0 ? errnoLabel(-result) : '';
    },
  }),
  FD: () => ({ value: signed, resolved: fdResolved }),
  FD32: () => ({ value: signed, resolved: fdResolved }),
  PID: () => ({ value: signed, resolved: pidResolved }),
  PID32: () => ({ value: signed, resolved: pidResolved }),
  SIGTYPE: () => ({ value: unsigned, resolved: (ctx, index) => signalText(ctx.evt.uint(index)) }),
  SIGSET: () => ({ value: signalSet, resolved: undefined }),
  SYSCALLID: () => ({
    value: unsigned,
    resolved: (ctx, index) => syscallName(ctx.evt.uint(index)) ?? '',
  }),
  ...flags('FLAGS8 FLAGS16 FLAGS32 ENUMFLAGS8 ENUMFLAGS16 ENUMFLAGS32'),
  MODE: (param) => ({ value: (ctx, index) => inBase(ctx.evt, index, 8), resolved: flagsResolved(param) }),
  UID: () => ({ value: signed, resolved: (ctx, index) => userText(ctx, ctx.evt.uint(index)) }),
  GID: () => ({ value: signed, resolved: (ctx, index) => groupText(ctx, ctx.evt.uint(index)) }),
  CHARBUF: () => ({ value: charText, resolved: undefined }),
  FSPATH: () => ({ value: pathValue, resolved: pathResolved(-1) }),
  FSRELPATH: (param) => ({ value: pathValue, resolved: pathResolved(param.dirfd) }),
  BYTEBUF: () => ({ value: buffer, resolved: undefined }),
  CHARBUFARRAY: () => ({ value: (ctx, index) => ctx.evt.strings(index).join(','), resolved: undefined }),
  CHARBUF_PAIR_ARRAY: () => ({
    value: (ctx, index) => ctx.evt.strings(index).join(','),
    resolved: undefined,
  }),
  SOCKADDR: () => ({ value: addressText, resolved: undefined }),
  SOCKTUPLE: () => ({ value: tupleText, resolved: undefined }),
  FDLIST: () => ({ value: fdListText, resolved: undefined }),
  RELTIME: () => ({ value: relativeValue, resolved: relativeResolved }),
  ABSTIME: (param) => ({
    value: (ctx, index, options) =>
      options.layout === 'classic' ? '(n.a.)' : numberText(param, true)(ctx, index, options),
    resolved: undefined,
  }),
  DYN: (param) => ({ value: dynamic(param, 'value'), resolved: dynamic(param, 'resolved') }),
};

function pidResolved(ctx: EventContext, index: number): ByteText {
  const tid = ctx.evt.int(index);
  return tid < 0 ? '' : (ctx.threadByTid(tid)?.comm ?? '');
}

function numbers(
  types: string,
  isUnsigned: boolean,
): Record<string, (param: Param) => Omit<ParamPrinter, 'label'>> {
  return Object.fromEntries(
    types
      .split(' ')
      .map((type) => [
        type,
        (param: Param) => ({ value: numberText(param, isUnsigned), resolved: undefined }),
      ]),
  );
}

function flags(types: string): Record<string, (param: Param) => Omit<ParamPrinter, 'label'>> {
  return Object.fromEntries(
    types
      .split(' ')
      .map((type) => [type, (param: Param) => ({ value: unsigned, resolved: flagsResolved(param) })]),
  );
}

/** How a param prints. */
export function paramPrinter(param: Param): ParamPrinter {
  const make = printers[param.type];
  return {
    label: `${param.name}=`,
    ...(make === undefined ? { value: unavailable, resolved: undefined } : make(param)),
  };
}
