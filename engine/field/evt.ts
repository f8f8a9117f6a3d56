// SPDX-License-Identifier: Apache-2.0
// evt.*: the event itself.

import { InputError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import type { EventCursor } from '../event/cursor.ts';
import { ERRNO_NAMES } from '../event/enums.ts';
import { errnoText } from '../event/errno.ts';
import { FIRST_NAMED, genericSyscall } from '../event/generic.ts';
import { EVENT_TYPES, EventFlag, type EventType } from '../event/schema.ts';
import { formatArgs, paramIndexes, paramText, printArgs } from '../print/args.ts';
import { baseOf } from '../state/base-of.ts';
import type { EventContext } from '../state/context.ts';
import { FdType } from '../state/fd.ts';
import { joinPath } from '../state/path.ts';
import { argumentsText, type Tracer } from '../state/spans.ts';
import { targetOf } from '../state/target.ts';
import {
  categoryOf,
  fdOf,
  hasFlag,
  isInternal,
  ioKind,
  isIo,
  resultOf,
  anyResultOf,
  TYPE_NAMES,
  typeName,
  withName,
} from './event-types.ts';
import { FAMILY_NAMES, familyOf } from './family.ts';
import {
  boundField,
  field,
  indexArg,
  type Extract,
  type FieldArg,
  type Field,
  type FieldClass,
  type FieldEnv,
  type FieldType,
} from './field.ts';
import { clock, day, human, iso8601, nanos, quantized, seconds, timeOfDay } from './time.ts';

const SECOND = 1_000_000_000n;
const isExit = (ctx: EventContext): boolean =>
  ctx.tracer !== undefined && ctx.inPairs ? !ctx.tracer.tracer.isEnter : (ctx.evt.code & 1) === 1;
const MAX_ERRNO = 4095;

// ---- times ----

function latencyOf(ctx: EventContext): number | undefined {
  if (isInternal[ctx.evt.code] === true) return undefined;
  // the first event of a cloned thread has no call before it
  return ctx.latency ?? (ctx.thread === undefined ? undefined : 0);
}

/** Time since the field was last looked at: in a format the line before, in a filter the event before. */
function deltaTime(): Extract {
  let last: number | undefined;
  return (ctx) => {
    const delta = last === undefined ? 0 : ctx.evt.ts - last;
    last = ctx.evt.ts;
    return delta;
  };
}

function part(extract: Extract, of: 's' | 'ns'): Extract {
  return (ctx) => {
    const value = extract(ctx) as number | undefined;
    if (value === undefined) return undefined;
    const whole = Math.floor(value / 1e9);
    return of === 's' ? whole : value - whole * 1e9;
  };
}

function outputTime(env: FieldEnv): Extract {
  switch (env.time) {
    case 'h':
      return (ctx) => timeOfDay(ctx.evt);
    case 'a':
      // the classic output does not pad the nanoseconds
      return (ctx) => `${ctx.evt.epochNs / SECOND}.${ctx.evt.epochNs % SECOND}`;
    case 'r':
      return (ctx) => seconds(ctx.evt.ts);
    case 'd':
      return (ctx) => seconds(latencyOf(ctx) ?? 0);
    case 'D': {
      const delta = deltaTime();
      return (ctx) => seconds(delta(ctx) as number);
    }
  }
}

// ---- params ----

const TRACER_PARAMS = ['id', 'tags', 'args'];

function tracerParam({ id, tags, args }: Tracer, index: number): ByteText | undefined {
  return [String(id), tags.join('.'), argumentsText(args, ':')][index];
}

function argument(arg: FieldArg | undefined, env: FieldEnv, name: string): Extract {
  const index = argIndex(arg, name);
  const ofTracer = arg?.bracket === true ? Number(arg.text) : TRACER_PARAMS.indexOf(arg?.text ?? '');
  return (ctx) => {
    if (ctx.tracer !== undefined && ctx.inPairs) return tracerParam(ctx.tracer.tracer, ofTracer);
    const at = index(ctx.evt.code);
    return at < 0 ? undefined : paramText(ctx, at, env.print);
  };
}

function argIndex(arg: FieldArg | undefined, name: string): (code: number) => number {
  if (arg === undefined)
    throw new InputError('bad-argument', `${name} wants the name of a param, such as ${name}.fd`);
  if (arg.bracket) {
    const index = indexArg(name, arg);
    return () => index;
  }
  const indexes = paramIndexes(arg.text);
  if (indexes.every((index) => index < 0)) {
    throw new InputError('bad-argument', `no event has a param named "${arg.text}"`);
  }
  return (code) => indexes[code] as number;
}

const UNSIGNED = /^(UINT|FLAGS|ENUMFLAGS|MODE|SIGTYPE|PORT|UID|GID)/;
const NUMERIC = /^(U?INT|FLAGS|ENUMFLAGS|MODE|SIGTYPE|PORT|UID|GID|ERRNO|FD|PID|RELTIME|SYSCALLID|BOOL)/;

function rawType(arg: FieldArg): FieldType {
  for (const type of EVENT_TYPES) {
    const param = arg.bracket
      ? type.params[Number(arg.text)]
      : type.params.find((item) => item.name === arg.text);
    if (param === undefined) continue;
    if (NUMERIC.test(param.type)) return 'INT64';
    return param.type === 'CHARBUF' || param.type.startsWith('FS') ? 'CHARBUF' : 'BYTEBUF';
  }
  return 'INT64';
}

function rawArgument(arg: FieldArg | undefined): Extract {
  const index = argIndex(arg, 'evt.rawarg');
  return ({ evt }) => {
    const at = index(evt.code);
    if (at < 0 || at >= evt.count) return undefined;
    const type = evt.type.params[at]?.type ?? '';
    if (type === 'CHARBUF' || type.startsWith('FS')) return evt.text(at);
    if (!NUMERIC.test(type)) return evt.data(at);
    if (evt.size(at) === 0) return undefined;
    const number = UNSIGNED.test(type) && evt.size(at) < 8 ? evt.uint(at) : evt.int(at);
    return Number.isSafeInteger(number) ? number : evt.big(at);
  };
}

// ---- results ----

const failed = (ctx: EventContext): boolean => {
  const result = resultOf(ctx);
  return result !== undefined && result < 0;
};

function resultText(ctx: EventContext): ByteText | undefined {
  const result = resultOf(ctx);
  if (result === undefined) return undefined;
  return result >= 0 ? 'SUCCESS' : (ERRNO_NAMES[-result] ?? String(result));
}

function errnoOf(ctx: EventContext): number | undefined {
  const result = anyResultOf(ctx);
  return result === undefined || result >= 0 || result < -MAX_ERRNO ? undefined : -result;
}

const named = (pattern: RegExp): readonly boolean[] =>
  EVENT_TYPES.map((type) => type.isExit && pattern.test(type.name));
const opensFile = named(/^(open|openat|openat2|creat|open_by_handle_at)$/);
const opensNet = named(/^(accept|accept4|connect|bind|listen|socket)$/);
const isMemory = named(/^(brk|mmap|mmap2|munmap|mprotect|mremap)$/);

function errorClass(ctx: EventContext): 'file' | 'net' | 'memory' | 'other' {
  const { code } = ctx.evt;
  const kind = ioKind(fdOf(ctx));
  if (kind === 'file' || kind === 'net') return kind;
  if (opensFile[code] === true) return 'file';
  if (opensNet[code] === true) return 'net';
  return isMemory[code] === true ? 'memory' : 'other';
}

const countIf =
  (test: (ctx: EventContext) => boolean): Extract =>
  (ctx) =>
    test(ctx) ? 1 : undefined;

// ---- I/O ----

function bufferLength(ctx: EventContext): number | undefined {
  if (!isExit(ctx) || !isIo(ctx) || ctx.fd === undefined) return undefined;
  const result = resultOf(ctx);
  return result === undefined || result < 0 ? undefined : result;
}

function bufferLengthIf(test: (ctx: EventContext) => boolean): Extract {
  return (ctx) => {
    const length = bufferLength(ctx);
    return length !== undefined && test(ctx) ? length : undefined;
  };
}

const reads = (ctx: EventContext): boolean => hasFlag(ctx, EventFlag.READS_FROM_FD);
const writes = (ctx: EventContext): boolean => hasFlag(ctx, EventFlag.WRITES_TO_FD);
const onFile = (ctx: EventContext): boolean => ioKind(fdOf(ctx)) === 'file';
const onNet = (ctx: EventContext): boolean => ioKind(fdOf(ctx)) === 'net';

const dataParam = paramIndexes('data');

function category(ctx: EventContext): string {
  const name = categoryOf(ctx);
  if (name.startsWith('IO_')) {
    const fd = fdOf(ctx);
    return fd?.type === FdType.UNIX_SOCK ? 'ipc' : ioKind(fd);
  }
  return name === 'IPC' ? name : name.toLowerCase();
}

const SYSLOG = '/dev/log';

function isSyslog(ctx: EventContext): boolean {
  return writes(ctx) && (fdOf(ctx)?.name.includes(SYSLOG) ?? false);
}

// ---- opens ----

const O = { RDONLY: 1, WRONLY: 2, CREAT: 4, TMPFILE: 1 << 20 } as const;
const EXECUTE = 0o111;
const openFlags = EVENT_TYPES.map((type) =>
  /^open(at2?)?$/.test(type.name) && type.isExit
    ? type.params.findIndex((param) => param.name === 'flags')
    : -1,
);
const openMode = EVENT_TYPES.map((type) =>
  /^(open(at2?)?|creat)$/.test(type.name) && type.isExit
    ? type.params.findIndex((param) => param.name === 'mode')
    : -1,
);

function openFlag(flag: number): Extract {
  return ({ evt }) => {
    const index = openFlags[evt.code] as number;
    return index < 0 || index >= evt.count ? false : (evt.uint(index) & flag) !== 0;
  };
}

function opensExecutable({ evt }: EventContext): boolean {
  const mode = openMode[evt.code] as number;
  if (mode < 0 || mode >= evt.count || (evt.uint(mode) & EXECUTE) === 0) return false;
  const flags = openFlags[evt.code] as number;
  return flags < 0 || (flags < evt.count && (evt.uint(flags) & (O.CREAT | O.TMPFILE)) !== 0);
}

// ---- paths with a directory ----

type PathParams = { readonly dir: number; readonly path: number };

function pathParams(which: string): readonly (PathParams | undefined)[] {
  return EVENT_TYPES.map((type) => absolutePathOf(type, which));
}

function absolutePathOf(type: EventType, which: string): PathParams | undefined {
  const at = (name: string): number => type.params.findIndex((param) => param.name === name);
  const pairs: Readonly<Record<string, readonly string[]>> = {
    '': ['dirfd/name', 'dirfd/path', 'dirfd/filename', 'linkdirfd/linkpath'],
    src: ['olddirfd/oldpath', 'olddir/oldpath'],
    dst: ['newdirfd/newpath', 'newdir/newpath'],
  };
  if (!type.isExit || !/^(renameat2?|linkat|symlinkat|openat2?|unlinkat|mkdirat|fchmodat)$/.test(type.name))
    return undefined;
  for (const pair of pairs[which] ?? []) {
    const [dir = '', path = ''] = pair.split('/');
    if (at(dir) >= 0 && at(path) >= 0) return { dir: at(dir), path: at(path) };
  }
  return undefined;
}

function absolutePath(arg: FieldArg | undefined): Extract {
  const which = arg?.text ?? '';
  if (which !== '' && which !== 'src' && which !== 'dst') {
    throw new InputError('bad-argument', `evt.abspath takes .src or .dst, not "${which}"`);
  }
  const params = pathParams(which);
  // calls with one path have it under each name
  const fallback = which === '' ? pathParams('src') : pathParams('');
  return (ctx) => {
    const { evt, thread } = ctx;
    const found = params[evt.code] ?? fallback[evt.code];
    if (found === undefined || thread === undefined || found.path >= evt.count) return undefined;
    return joinPath(baseOf(ctx, evt.int(found.dir)) ?? '<UNKNOWN>', evt.text(found.path));
  };
}

// ---- what Docker told an agent ----

const INFRA = 286;

function infra(name: string, what: string, extract: (evt: EventCursor) => ByteText | undefined): Field {
  return field(
    `evt.infra.docker.${name}`,
    'CHARBUF',
    'bytes',
    `${what}, on an event of the Docker engine.`,
    ({ evt }) => (evt.code === INFRA && evt.text(0) === 'docker' ? extract(evt) : undefined),
  );
}

/** Value of `key` in `ID: 1; Name: web`. */
function entry(text: ByteText, key: string): ByteText | undefined {
  const found = text.split(';').find((part) => part.trim().startsWith(`${key}: `));
  return found?.trim().slice(key.length + 2);
}

// ---- the table ----

const knownType = { valid: (name: string) => TYPE_NAMES.has(name), known: () => [...TYPE_NAMES] };
const families = new Set([...FAMILY_NAMES, ...[...TYPE_NAMES].map(familyOf)]);
const PROCINFO = 234;
const EPOCH: Extract = (ctx) => ctx.evt.epochNs;
const RELATIVE: Extract = (ctx) => ctx.evt.ts;

export const EVT: FieldClass = {
  name: 'evt',
  title: 'the event: its number, time, type, params and result',
  fields: [
    field('evt.num', 'UINT64', 'event', 'Number of the event in the capture, from 1.', (ctx) => ctx.evt.num),
    field(
      'evt.time',
      'CHARBUF',
      'event',
      'Local time of day with nanoseconds.',
      (ctx) => `${clock(ctx.evt.epochNs)}.${nanos(ctx.evt.epochNs)}`,
    ),
    field('evt.time.s', 'CHARBUF', 'event', 'Local time of day, whole seconds.', (ctx) =>
      clock(ctx.evt.epochNs),
    ),
    field('evt.time.iso8601', 'CHARBUF', 'event', 'Date and time in UTC, as ISO 8601 has it.', (ctx) =>
      iso8601(ctx.evt.epochNs),
    ),
    field(
      'evt.datetime',
      'CHARBUF',
      'event',
      'Local date and time with nanoseconds.',
      (ctx) => `${day(ctx.evt.epochNs)} ${clock(ctx.evt.epochNs)}.${nanos(ctx.evt.epochNs)}`,
    ),
    field(
      'evt.datetime.s',
      'CHARBUF',
      'event',
      'Local date and time, whole seconds.',
      (ctx) => `${day(ctx.evt.epochNs)} ${clock(ctx.evt.epochNs)}`,
    ),
    field('evt.rawtime', 'ABSTIME', 'event', 'Nanoseconds since 1970.', EPOCH),
    field('evt.rawtime.s', 'ABSTIME', 'event', 'Seconds since 1970.', (ctx) => ctx.evt.epochNs / SECOND),
    field(
      'evt.rawtime.ns',
      'ABSTIME',
      'event',
      'The part of evt.rawtime below a second, in nanoseconds.',
      (ctx) => ctx.evt.epochNs % SECOND,
      { format: 'pad9' },
    ),
    field('evt.reltime', 'RELTIME', 'event', 'Nanoseconds since the capture began.', RELATIVE, {
      format: 'pad9',
    }),
    field('evt.reltime.s', 'RELTIME', 'event', 'Whole seconds since the capture began.', part(RELATIVE, 's')),
    field(
      'evt.reltime.ns',
      'RELTIME',
      'event',
      'The part of evt.reltime below a second, in nanoseconds.',
      part(RELATIVE, 'ns'),
      { format: 'pad9' },
    ),
    boundField(
      'evt.outputtime',
      'CHARBUF',
      'event',
      'The time as the option -t asks for it.',
      (_arg, env) => ({ extract: outputTime(env) }),
      { only: 'print' },
    ),
    field(
      'evt.hostname',
      'CHARBUF',
      'event',
      'Name of the machine that the event is from.',
      ({ hostname }) => (hostname === '' ? undefined : hostname),
    ),
    infra('name', 'What happened', (evt) => evt.text(1)),
    infra('container.id', 'Id of the container', (evt) => entry(evt.text(2), 'ID')),
    infra('container.name', 'Name of the container', (evt) => entry(evt.text(2), 'Name')),
    infra('container.image', 'Image of the container', (evt) => entry(evt.text(2), 'Image')),
    field('evt.source', 'CHARBUF', 'event', 'Where the event is from: always syscall.', () => 'syscall'),
    field(
      'evt.is_async',
      'BOOL',
      'event',
      'Whether the event was put in by a reader, beside the stream.',
      ({ evt }) => evt.type.name === 'asyncevent',
    ),
    field(
      'evt.asynctype',
      'CHARBUF',
      'bytes',
      'Name of an event that was put in beside the stream.',
      ({ evt }) => (evt.type.name === 'asyncevent' && evt.count > 1 ? evt.text(1) : undefined),
    ),
    field('evt.pluginname', 'CHARBUF', 'bytes', 'Name of the plugin that made the event.', () => undefined),
    field('evt.plugininfo', 'CHARBUF', 'bytes', 'What the plugin says of the event.', () => undefined),
    field('evt.dir', 'CHARBUF', 'event', 'Direction: > for the enter of a call, < for its exit.', (ctx) =>
      isExit(ctx) ? '<' : '>',
    ),
    field(
      'evt.type',
      'CHARBUF',
      'event',
      'Name of the event, as a rule the system call.',
      typeName,
      knownType,
    ),
    boundField(
      'evt.type.is',
      'UINT32',
      'event',
      '1 if the event has the type that the argument names, else 0.',
      (arg) => {
        const name = arg?.text ?? '';
        if (!TYPE_NAMES.has(name)) throw new InputError('bad-argument', `"${name}" is no event type`);
        const { codes, syscalls } = withName(name);
        return {
          extract: ({ evt }) =>
            codes[evt.code] === 1 || (evt.code < FIRST_NAMED && syscalls.has(genericSyscall(evt))) ? 1 : 0,
        };
      },
      { arg: 'required' },
    ),
    field(
      'evt.family',
      'CHARBUF',
      'event',
      'Family of the call: open for open, openat, openat2 and creat; recv, send, stat, fork … alike.',
      (ctx) => familyOf(typeName(ctx)),
      { valid: (name) => families.has(name), known: () => [...families] },
    ),
    field(
      'syscall.type',
      'CHARBUF',
      'event',
      'Name of the system call; nothing for events that are none.',
      (ctx) =>
        hasFlag(ctx, EventFlag.SKIPPARSERESET) || typeName(ctx) === 'switch' ? undefined : typeName(ctx),
      knownType,
    ),
    field(
      'evt.category',
      'CHARBUF',
      'event',
      'What kind of call: file, net, process, memory, wait, …',
      category,
    ),
    field('evt.cpu', 'INT16', 'event', 'Number of the processor.', (ctx) => ctx.evt.cpu),
    boundField('evt.args', 'CHARBUF', 'bytes', 'All params as name=value.', (_arg, env) => ({
      extract: (ctx) => formatArgs(ctx, env.print),
      print: (ctx, sink) => printArgs(ctx, env.print, sink),
    })),
    boundField(
      'evt.arg',
      'CHARBUF',
      'bytes',
      'One param as text, by name (evt.arg.fd) or number (evt.arg[0]); names and paths in place of numbers where there are any.',
      (arg, env) => ({ extract: argument(arg, env, 'evt.arg') }),
      { arg: 'required' },
    ),
    boundField(
      'evt.rawarg',
      'DYN',
      'bytes',
      'One param as it was captured, by name or number; numbers compare as numbers.',
      (arg) => ({ extract: rawArgument(arg) }),
      { arg: 'required', typeOf: rawType },
    ),
    boundField('evt.info', 'CHARBUF', 'bytes', 'What the default line shows of the event.', (_arg, env) => ({
      extract: (ctx) => formatArgs(ctx, env.print),
      print: (ctx, sink) => printArgs(ctx, env.print, sink),
    })),
    field(
      'evt.buffer',
      'BYTEBUF',
      'bytes',
      'Bytes that were read, written, sent or received, as far as captured.',
      ({ evt }) => {
        const index = dataParam[evt.code] as number;
        return index < 0 || index >= evt.count ? undefined : evt.data(index);
      },
    ),
    field('evt.buflen', 'UINT64', 'event', 'Bytes that the call moved.', bufferLength),
    field('evt.buflen.in', 'UINT64', 'event', 'Bytes that the call read.', bufferLengthIf(reads)),
    field('evt.buflen.out', 'UINT64', 'event', 'Bytes that the call wrote.', bufferLengthIf(writes)),
    field(
      'evt.buflen.file',
      'UINT64',
      'event',
      'Bytes that the call moved from or to a file.',
      bufferLengthIf(onFile),
    ),
    field(
      'evt.buflen.file.in',
      'UINT64',
      'event',
      'Bytes that the call read from a file.',
      bufferLengthIf((ctx) => onFile(ctx) && reads(ctx)),
    ),
    field(
      'evt.buflen.file.out',
      'UINT64',
      'event',
      'Bytes that the call wrote to a file.',
      bufferLengthIf((ctx) => onFile(ctx) && writes(ctx)),
    ),
    field(
      'evt.buflen.net',
      'UINT64',
      'event',
      'Bytes that the call moved from or to a socket.',
      bufferLengthIf(onNet),
    ),
    field(
      'evt.buflen.net.in',
      'UINT64',
      'event',
      'Bytes that the call received.',
      bufferLengthIf((ctx) => onNet(ctx) && reads(ctx)),
    ),
    field(
      'evt.buflen.net.out',
      'UINT64',
      'event',
      'Bytes that the call sent.',
      bufferLengthIf((ctx) => onNet(ctx) && writes(ctx)),
    ),
    field('evt.res', 'CHARBUF', 'event', 'SUCCESS, or the name of the error.', resultText),
    field('evt.rawres', 'INT64', 'event', 'What the call returned; below 0 it is an error.', resultOf),
    field('evt.failed', 'BOOL', 'event', 'Whether the call failed.', failed),
    field('evt.errno', 'CHARBUF', 'event', 'Name of the error of a failed call, such as ENOENT.', (ctx) => {
      const errno = errnoOf(ctx);
      return errno === undefined ? undefined : (ERRNO_NAMES[errno] ?? String(errno));
    }),
    field('evt.errno.text', 'CHARBUF', 'event', 'The error of a failed call in words.', (ctx) => {
      const errno = errnoOf(ctx);
      return errno === undefined ? undefined : errnoText(errno);
    }),
    field(
      'evt.target',
      'CHARBUF',
      'bytes',
      'What the call is about: path, peer or descriptor, also when it failed before there was one.',
      (ctx) => {
        const target = targetOf(ctx);
        return target === '' ? undefined : target;
      },
    ),
    field(
      'evt.is_io',
      'BOOL',
      'event',
      'Whether the call moves bytes from or to a descriptor.',
      (ctx) => reads(ctx) || writes(ctx),
    ),
    field('evt.is_io_read', 'BOOL', 'event', 'Whether the call reads.', (ctx) => reads(ctx)),
    field('evt.is_io_write', 'BOOL', 'event', 'Whether the call writes.', (ctx) => writes(ctx)),
    field('evt.io_dir', 'CHARBUF', 'event', 'read or write.', (ctx) =>
      writes(ctx) ? 'write' : reads(ctx) ? 'read' : undefined,
    ),
    field('evt.is_wait', 'BOOL', 'event', 'Whether the call makes its thread wait.', (ctx) =>
      hasFlag(ctx, EventFlag.WAITS),
    ),
    field(
      'evt.wait_latency',
      'RELTIME',
      'event',
      'Time spent in a call that waits, in nanoseconds.',
      (ctx) => (isExit(ctx) && hasFlag(ctx, EventFlag.WAITS) ? latencyOf(ctx) : undefined),
    ),
    field('evt.is_syslog', 'BOOL', 'event', 'Whether the call writes to the system log.', isSyslog),
    field(
      'evt.latency',
      'RELTIME',
      'event',
      'Time from enter to exit of the call, in nanoseconds.',
      latencyOf,
    ),
    field('evt.latency.s', 'RELTIME', 'event', 'Whole seconds of evt.latency.', part(latencyOf, 's')),
    field(
      'evt.latency.ns',
      'RELTIME',
      'event',
      'The part of evt.latency below a second, in nanoseconds.',
      part(latencyOf, 'ns'),
      { format: 'pad9' },
    ),
    boundField(
      'evt.latency.quantized',
      'UINT64',
      'event',
      'Column of the latency in a spectrogram as wide as the terminal.',
      (_arg, env) => ({
        extract: (ctx) => {
          const latency = latencyOf(ctx);
          return latency === undefined ? undefined : quantized(latency, env.width ?? 0);
        },
      }),
    ),
    field(
      'evt.latency.human',
      'CHARBUF',
      'event',
      'Time from enter to exit of the call, as people read it.',
      (ctx) => {
        const latency = latencyOf(ctx);
        return latency === undefined ? undefined : human(latency);
      },
    ),
    boundField(
      'evt.deltatime',
      'RELTIME',
      'history',
      'Nanoseconds since the event before that was printed (in a filter: looked at).',
      () => ({ extract: deltaTime() }),
    ),
    boundField('evt.deltatime.s', 'RELTIME', 'history', 'Whole seconds of evt.deltatime.', () => ({
      extract: part(deltaTime(), 's'),
    })),
    boundField(
      'evt.deltatime.ns',
      'RELTIME',
      'history',
      'The part of evt.deltatime below a second, in nanoseconds.',
      () => ({ extract: part(deltaTime(), 'ns') }),
      { format: 'pad9' },
    ),
    boundField(
      'evt.around',
      'UINT64',
      'event',
      'evt.around[T]=D: events at most D milliseconds before or after T (nanoseconds since 1970).',
      (arg) => {
        if (arg === undefined || !/^\d{1,20}$/.test(arg.text))
          throw new InputError(
            'bad-argument',
            'evt.around wants a time in nanoseconds since 1970: evt.around[1506127469900617765]=100',
          );
        const at = BigInt(arg.text);
        return {
          extract: ({ evt }) => {
            const distance = evt.epochNs > at ? evt.epochNs - at : at - evt.epochNs;
            return Number((distance + 999_999n) / 1_000_000n);
          },
        };
      },
      { arg: 'required', only: 'filter' },
    ),
    field('evt.count', 'UINT32', 'event', '1 for every event: for sums.', () => 1),
    field('evt.count.error', 'UINT32', 'event', '1 for failed calls.', countIf(failed)),
    field(
      'evt.count.error.file',
      'UINT32',
      'event',
      '1 for failed calls on files.',
      countIf((ctx) => failed(ctx) && errorClass(ctx) === 'file'),
    ),
    field(
      'evt.count.error.net',
      'UINT32',
      'event',
      '1 for failed calls on sockets.',
      countIf((ctx) => failed(ctx) && errorClass(ctx) === 'net'),
    ),
    field(
      'evt.count.error.memory',
      'UINT32',
      'event',
      '1 for failed calls on memory.',
      countIf((ctx) => failed(ctx) && errorClass(ctx) === 'memory'),
    ),
    field(
      'evt.count.error.other',
      'UINT32',
      'event',
      '1 for failed calls of other kinds.',
      countIf((ctx) => failed(ctx) && errorClass(ctx) === 'other'),
    ),
    field('evt.count.exit', 'UINT32', 'event', '1 for exits.', countIf(isExit)),
    field(
      'evt.count.procinfo',
      'UINT32',
      'event',
      '1 for samples of CPU time of main threads.',
      countIf((ctx) => ctx.evt.code === PROCINFO && ctx.thread !== undefined && ctx.thread.isMain),
    ),
    field(
      'evt.count.threadinfo',
      'UINT32',
      'event',
      '1 for samples of CPU time.',
      countIf((ctx) => ctx.evt.code === PROCINFO),
    ),
    boundField(
      'evt.abspath',
      'CHARBUF',
      'bytes',
      'Absolute path of calls with a directory descriptor; .src and .dst for those with two paths.',
      (arg) => ({ extract: absolutePath(arg) }),
      { arg: 'optional' },
    ),
    field(
      'evt.is_open_read',
      'BOOL',
      'bytes',
      'Whether the call opens a file for reading.',
      openFlag(O.RDONLY),
    ),
    field(
      'evt.is_open_write',
      'BOOL',
      'bytes',
      'Whether the call opens a file for writing.',
      openFlag(O.WRONLY),
    ),
    field(
      'evt.is_open_exec',
      'BOOL',
      'bytes',
      'Whether the call makes a file that may be executed.',
      opensExecutable,
    ),
    field('evt.is_open_create', 'BOOL', 'bytes', 'Whether the call made the file.', openFlag(O.CREAT)),
  ],
};
