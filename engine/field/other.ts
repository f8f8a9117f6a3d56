// SPDX-License-Identifier: Apache-2.0
// Small classes: fs.path.* (paths that calls name), fdlist.* (poll and its kin), syslog.*, util.*.

import type { ByteText } from '../base/units.ts';
import { parseFdList } from '../event/fd-list.ts';
import { EVENT_TYPES } from '../event/schema.ts';
import { paramIndexes } from '../print/args.ts';
import { AT_FDCWD, baseOf } from '../state/base-of.ts';
import type { EventContext } from '../state/context.ts';
import type { Fd } from '../state/fd.ts';
import { joinPath } from '../state/path.ts';
import { formatIp } from '../state/tuple.ts';
import { fdOf, resultOf } from './event-types.ts';
import { boundField, field, type Field, type FieldClass } from './field.ts';

// ---- fs.path ----

type PathAt = { readonly path: number; readonly dir: number };

function pathOf(names: string): readonly (PathAt | undefined)[] {
  const wanted = names.split(' ');
  return EVENT_TYPES.map((type) => {
    if (!type.isExit) return undefined;
    const path = type.params.findIndex(
      (param) => wanted.includes(param.name) && (param.type.startsWith('FS') || param.name === 'target'),
    );
    return path < 0 ? undefined : { path, dir: type.params[path]?.dirfd ?? -1 };
  });
}

const SOURCE = pathOf('oldpath src special');
const TARGET = pathOf('newpath linkpath dest dir');
const ANY = EVENT_TYPES.map((type) => {
  if (!type.isExit) return undefined;
  const path = type.params.findIndex((param) => param.type.startsWith('FS'));
  return path < 0 ? undefined : { path, dir: type.params[path]?.dirfd ?? -1 };
});

function pathField(
  name: string,
  description: string,
  of: readonly (PathAt | undefined)[],
  raw: boolean,
): Field {
  return field(name, 'CHARBUF', 'bytes', description, (ctx) => {
    const { evt, thread } = ctx;
    const at = of[evt.code];
    if (at === undefined || at.path >= evt.count) return undefined;
    const path = evt.text(at.path);
    if (path === '' || path === '<NA>') return undefined;
    if (raw) return path;
    if (thread === undefined || path.startsWith('/')) return joinPath('', path);
    const base = baseOf(ctx, at.dir < 0 ? AT_FDCWD : evt.int(at.dir));
    return base === undefined ? path : joinPath(base, path);
  });
}

export const FS_PATH: FieldClass = {
  name: 'fs.path',
  title: 'paths that calls on the file system name',
  fields: [
    pathField('fs.path.name', 'Path that the call is about, made absolute.', ANY, false),
    pathField('fs.path.nameraw', 'Path that the call is about, as it was given.', ANY, true),
    pathField('fs.path.source', 'First of two paths, made absolute.', SOURCE, false),
    pathField('fs.path.sourceraw', 'First of two paths, as it was given.', SOURCE, true),
    pathField('fs.path.target', 'Second of two paths, made absolute.', TARGET, false),
    pathField('fs.path.targetraw', 'Second of two paths, as it was given.', TARGET, true),
  ],
};

// ---- fdlist ----

const fdsParam = paramIndexes('fds');

function listed(
  name: string,
  description: string,
  of: (num: number, fd: Fd | undefined) => ByteText | undefined,
): Field {
  return field(name, 'CHARBUF', 'bytes', description, (ctx) => {
    const index = fdsParam[ctx.evt.code] as number;
    if (index < 0 || index >= ctx.evt.count) return undefined;
    const table = ctx.thread === undefined ? undefined : ctx.fdTable(ctx.thread);
    const texts = (parseFdList(ctx.evt.data(index)) ?? []).flatMap(
      ({ num }) => of(num, table?.get(num)) ?? [],
    );
    return texts.length === 0 ? undefined : texts.join(',');
  });
}

const NA = '<NA>';
const inet = (fd: Fd | undefined): fd is Fd => fd !== undefined && fd.isInet && !fd.isServerSocket;

export const FDLIST: FieldClass = {
  name: 'fdlist',
  title: 'descriptors that poll and ppoll ask for',
  fields: [
    listed('fdlist.nums', 'Their numbers.', (num) => String(num)),
    listed('fdlist.names', 'Their names.', (_num, fd) => (fd === undefined || fd.name === '' ? NA : fd.name)),
    listed('fdlist.cips', 'Addresses of the clients.', (_num, fd) => (inet(fd) ? formatIp(fd.sourceIp) : NA)),
    listed('fdlist.sips', 'Addresses of the servers.', (_num, fd) => (inet(fd) ? formatIp(fd.destIp) : NA)),
    listed('fdlist.cports', 'Ports of the clients.', (_num, fd) => (inet(fd) ? String(fd.sourcePort) : NA)),
    listed('fdlist.sports', 'Ports of the servers.', (_num, fd) => (inet(fd) ? String(fd.destPort) : NA)),
  ],
};

// ---- syslog ----

const FACILITIES =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );
const SEVERITIES = 'emerg alert crit err warn notice info debug'.split(' ');
const dataParam = paramIndexes('data');

type LogLine = { readonly facility: number; readonly severity: number; readonly message: ByteText };

function logLine(ctx: EventContext): LogLine | undefined {
  const index = dataParam[ctx.evt.code] as number;
  if (index < 0 || index >= ctx.evt.count || (resultOf(ctx) ?? -1) < 0) return undefined;
  if (!(fdOf(ctx)?.name.includes('/dev/log') ?? false)) return undefined;
  const match = /^<(\d{1,3})>(.*)$/s.exec(ctx.evt.raw(index));
  if (match === null) return undefined;
  const priority = Number(match[1]);
  return { facility: priority >> 3, severity: priority & 7, message: match[2] ?? '' };
}

export const SYSLOG: FieldClass = {
  name: 'syslog',
  title: 'messages written to the system log',
  fields: [
    field(
      'syslog.facility.str',
      'CHARBUF',
      'bytes',
      'Facility by name.',
      (ctx) => FACILITIES[logLine(ctx)?.facility ?? -1],
    ),
    field('syslog.facility', 'UINT32', 'bytes', 'Facility by number.', (ctx) => logLine(ctx)?.facility),
    field(
      'syslog.severity.str',
      'CHARBUF',
      'bytes',
      'Severity by name.',
      (ctx) => SEVERITIES[logLine(ctx)?.severity ?? -1],
    ),
    field(
      'syslog.severity',
      'UINT32',
      'bytes',
      'Severity by number, 0 the worst.',
      (ctx) => logLine(ctx)?.severity,
    ),
    field('syslog.message', 'CHARBUF', 'bytes', 'The message.', (ctx) => logLine(ctx)?.message),
  ],
};

export const UTIL: FieldClass = {
  name: 'util',
  title: 'help for formats',
  fields: [
    boundField('util.cnt', 'UINT64', 'history', 'Counts up by one each time it is looked at.', () => {
      let count = 0;
      return { extract: () => ++count };
    }),
  ],
};
