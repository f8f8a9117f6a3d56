// SPDX-License-Identifier: Apache-2.0
// fd.*: the descriptor that the call is about.

import type { ByteText } from '../base/units.ts';
import { EVENT_TYPES } from '../event/schema.ts';
import { paramText } from '../print/args.ts';
import { CLASSIC } from '../print/options.ts';
import { fdNameText, portProtocol, portText } from '../print/names.ts';
import type { EventContext } from '../state/context.ts';
import { FD_TYPES, FdType, L4, Role, type Fd } from '../state/fd.ts';
import { targetOf } from '../state/target.ts';
import { formatIp } from '../state/tuple.ts';
import { fdOf, hasFd } from './event-types.ts';
import {
  boundField,
  field,
  indexArg,
  type Extract,
  type Field,
  type FieldClass,
  type FieldType,
  type Value,
} from './field.ts';

// ---- before there is a descriptor: what the call itself says ----

const namesItself = EVENT_TYPES.map(
  (type) => type.isExit && /^(open|creat|openat|openat2|accept|accept4|connect)$/.test(type.name),
);
const KIND_CHARS: readonly (readonly [RegExp, string])[] = [
  [/^(open|openat|openat2|creat)$/, 'f'],
  [/^(socket|accept|accept4|connect)$/, '4'],
  [/^pipe2?$/, 'p'],
  [/^eventfd2?$/, 'e'],
  [/^signalfd4?$/, 's'],
  [/^timerfd_create$/, 't'],
  [/^inotify_init1?$/, 'i'],
];
const kindChar = EVENT_TYPES.map(
  (type) => KIND_CHARS.find(([pattern]) => pattern.test(type.name))?.[1] ?? 'o',
);
const tupleParam = EVENT_TYPES.map((type) =>
  type.isExit && /^(accept|accept4|connect)$/.test(type.name)
    ? type.params.findIndex((param) => param.type === 'SOCKTUPLE')
    : -1,
);
const isConnect = EVENT_TYPES.map((type) => type.isExit && type.name === 'connect');

const EINPROGRESS = 115;

// then 0.29.3 shows the ends that the exit has: none
function failedInPairs(ctx: EventContext): boolean {
  const result = ctx.evt.int(0);
  return ctx.inPairs && result < 0 && result !== -EINPROGRESS;
}

function nameOf(ctx: EventContext, fd: Fd | undefined): ByteText | undefined {
  if (fd !== undefined && !(isConnect[ctx.evt.code] === true && (fd.name === '' || failedInPairs(ctx))))
    return fd.name;
  const tuple = tupleParam[ctx.evt.code] ?? -1;
  if (tuple >= 0) return paramText(ctx, tuple, CLASSIC) ?? '';
  if (namesItself[ctx.evt.code] === true) return targetOf(ctx);
  return (ctx.evt.code & 1) === 1 ? (fd?.name ?? '') : fd?.name;
}

function directoryOf(name: ByteText, fd: Fd | undefined): ByteText {
  if (fd?.type === FdType.DIRECTORY) return name;
  const slash = name.lastIndexOf('/');
  return slash <= 0 ? '/' : name.slice(0, slash);
}

// ---- ends of connections ----

type End = 'client' | 'server' | 'local' | 'remote';

/** Whether the source of a connection is on this machine. */
function sourceIsLocal(ctx: EventContext, fd: Fd): boolean {
  return ctx.isLocalAddress(fd.sourceIp, ctx.thread);
}

function sideOf(ctx: EventContext, fd: Fd, end: End): 'source' | 'dest' | undefined {
  if (fd.isServerSocket) {
    if (end === 'server') return 'source';
    return undefined;
  }
  if (fd.type !== FdType.IPV4_SOCK && fd.type !== FdType.IPV6_SOCK) return undefined;
  if (fd.role === Role.NONE) return undefined;
  switch (end) {
    case 'client':
      return 'source';
    case 'server':
      return 'dest';
    case 'local':
      return sourceIsLocal(ctx, fd) ? 'source' : 'dest';
    case 'remote':
      return sourceIsLocal(ctx, fd) ? 'dest' : 'source';
  }
}

const ip = (fd: Fd, side: 'source' | 'dest'): Uint8Array => (side === 'source' ? fd.sourceIp : fd.destIp);
const port = (fd: Fd, side: 'source' | 'dest'): number => (side === 'source' ? fd.sourcePort : fd.destPort);

function endIp(end: End): Extract {
  return (ctx) => {
    const fd = fdOf(ctx);
    if (fd === undefined || !fd.isInet) return undefined;
    if (fd.isServerSocket && fd.role === Role.NONE) return undefined;
    const side = sideOf(ctx, fd, end);
    return side === undefined ? undefined : ip(fd, side);
  };
}

function endPort(end: End): (ctx: EventContext) => number | undefined {
  return (ctx) => {
    const fd = fdOf(ctx);
    if (fd === undefined || !fd.isInet) return undefined;
    const side = sideOf(ctx, fd, end);
    return side === undefined ? undefined : port(fd, side);
  };
}

// unix sockets with a role have none, and 0.29.3 says 0
function clientPort(ctx: EventContext): number | undefined {
  const fd = fdOf(ctx);
  if (fd?.type === FdType.UNIX_SOCK && fd.role !== Role.NONE) return 0;
  return endPort('client')(ctx);
}

function bothIps(ctx: EventContext): readonly Value[] {
  const fd = fdOf(ctx);
  if (fd === undefined || !fd.isInet) return [];
  return fd.isServerSocket ? [fd.sourceIp] : [fd.sourceIp, fd.destIp];
}

function bothPorts(ctx: EventContext): readonly Value[] {
  const fd = fdOf(ctx);
  if (fd === undefined || !fd.isInet) return [];
  return fd.isServerSocket ? [fd.sourcePort] : [fd.sourcePort, fd.destPort];
}

function ends(
  name: string,
  type: FieldType,
  description: string,
  extractAll: (ctx: EventContext) => readonly Value[],
): Field {
  return boundField(name, type, 'fd', description, () => ({ several: 'ends', extractAll }), {
    only: 'filter',
  });
}

function protocolName(name: string, end: End, description: string): Field {
  const of = endPort(end);
  return boundField(name, 'CHARBUF', 'fd', description, (_arg, env) => ({
    extract: (ctx) => {
      const fd = fdOf(ctx);
      // unix sockets with a role have no port, and so no name for it
      if (end === 'client' && fd?.type === FdType.UNIX_SOCK && fd.role !== Role.NONE) return '';
      const value = of(ctx);
      return value === undefined ? undefined : portText(value, portProtocol(fdOf(ctx)), env.print);
    },
  }));
}

// Addresses stand for their names: the constant of a comparison is resolved, and without a resolver the address prints.
function hostName(name: string, end: End, description: string): Field {
  const of = endIp(end);
  return field(name, 'CHARBUF', 'fd', description, (ctx) => {
    const address = of(ctx);
    return address instanceof Uint8Array ? formatIp(address) : undefined;
  });
}

const L4_NAMES: Readonly<Record<number, string>> = {
  [L4.TCP]: 'tcp',
  [L4.UDP]: 'udp',
  [L4.ICMP]: 'icmp',
  [L4.RAW]: 'raw',
};

function l4Name(fd: Fd): string | undefined {
  if (!fd.isInet) return undefined;
  if (!fd.isServerSocket && fd.role === Role.NONE && fd.l4 !== L4.RAW) return '<NA>';
  return L4_NAMES[fd.l4] ?? '<NA>';
}

function isServer(ctx: EventContext, fd: Fd): boolean {
  if (fd.isServerSocket) return true;
  return fd.isInet && ctx.isLocalAddress(fd.destIp, ctx.thread);
}

const of = (
  name: string,
  type: FieldType,
  description: string,
  extract: (fd: Fd, ctx: EventContext) => Value | undefined,
  extra: { readonly format?: 'hex' } = {},
): Field =>
  field(
    name,
    type,
    'fd',
    description,
    (ctx) => {
      const fd = fdOf(ctx);
      return fd === undefined ? undefined : extract(fd, ctx);
    },
    extra,
  );

const MINOR_BITS = 20;

const UPPER_LAYER = 32768;
const LOWER_LAYER = 65536;

function kindsOpen(ctx: EventContext, num: number | undefined): readonly string[] {
  if (ctx.thread === undefined) return [];
  const table = ctx.fdTable(ctx.thread);
  const fds = num === undefined ? [...table.values()] : [table.get(num)];
  return [...new Set(fds.flatMap((fd) => FD_TYPES[fd?.type ?? -1]?.name || []))];
}

export const FD: FieldClass = {
  name: 'fd',
  title: 'the descriptor that the call is about: file, socket, pipe',
  fields: [
    field('fd.num', 'INT64', 'fd', 'Number of the descriptor; -1 if the call has none.', (ctx) =>
      hasFd(ctx) && ctx.thread !== undefined ? ctx.fdNum : undefined,
    ),
    of(
      'fd.type',
      'CHARBUF',
      'Kind: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify, timerfd, netlink.',
      (fd) => FD_TYPES[fd.type]?.name || '<NA>',
    ),
    field(
      'fd.typechar',
      'CHARBUF',
      'fd',
      'Kind as one letter: f file, d directory, 4 and 6 IP sockets, u unix socket, p pipe, …',
      (ctx) => {
        if (!hasFd(ctx) || ctx.thread === undefined) return undefined;
        const fd = fdOf(ctx);
        return fd === undefined ? kindChar[ctx.evt.code] : FD_TYPES[fd.type]?.char;
      },
    ),
    boundField(
      'fd.name',
      'CHARBUF',
      'fd',
      'Full path of a file, both ends of a connection, path of a unix socket.',
      (_arg, env) => ({
        extract: (ctx) => {
          if (!hasFd(ctx) || ctx.thread === undefined) return undefined;
          const fd = fdOf(ctx);
          return fd !== undefined && env.print.portName !== undefined
            ? fdNameText(fd, env.print)
            : nameOf(ctx, fd);
        },
      }),
    ),
    field('fd.nameraw', 'CHARBUF', 'fd', 'Name of the descriptor as it was captured.', (ctx) =>
      hasFd(ctx) && ctx.thread !== undefined ? nameOf(ctx, fdOf(ctx)) : undefined,
    ),
    field('fd.directory', 'CHARBUF', 'fd', 'Directory of a file.', (ctx) => {
      if (!hasFd(ctx) || ctx.thread === undefined) return undefined;
      const fd = fdOf(ctx);
      if (fd !== undefined && !fd.isFile) return undefined;
      const name = nameOf(ctx, fd);
      return name === undefined ? undefined : directoryOf(name, fd);
    }),
    field('fd.filename', 'CHARBUF', 'fd', 'Name of a file without its directory.', (ctx) => {
      const fd = fdOf(ctx);
      if (fd === undefined || (fd.type !== FdType.FILE && fd.type !== FdType.FILE_V2)) return undefined;
      return fd.name.slice(fd.name.lastIndexOf('/') + 1);
    }),
    ends('fd.ip', 'IPADDR', 'Either address of a connection.', bothIps),
    field('fd.cip', 'IPADDR', 'fd', 'Address of the client.', endIp('client')),
    field('fd.sip', 'IPADDR', 'fd', 'Address of the server.', endIp('server')),
    field('fd.lip', 'IPADDR', 'fd', 'Address on this machine.', endIp('local')),
    field('fd.rip', 'IPADDR', 'fd', 'Address of the other machine.', endIp('remote')),
    ends('fd.port', 'PORT', 'Either port of a connection.', bothPorts),
    field('fd.cport', 'PORT', 'fd', 'Port of the client.', clientPort),
    field('fd.sport', 'PORT', 'fd', 'Port of the server.', endPort('server')),
    field('fd.lport', 'PORT', 'fd', 'Port on this machine.', endPort('local')),
    field('fd.rport', 'PORT', 'fd', 'Port of the other machine.', endPort('remote')),
    of('fd.l4proto', 'CHARBUF', 'Transport protocol: tcp, udp, icmp, raw.', l4Name),
    of('fd.sockfamily', 'CHARBUF', 'Family of a socket: ip or unix.', (fd) =>
      fd.type === FdType.UNIX_SOCK ? 'unix' : fd.isInet ? 'ip' : undefined,
    ),
    of('fd.is_server', 'BOOL', 'Whether this process is the server of the connection.', (fd, ctx) =>
      isServer(ctx, fd),
    ),
    field(
      'fd.uid',
      'CHARBUF',
      'fd',
      'Thread and number together: names a descriptor at one moment.',
      (ctx) => (hasFd(ctx) && ctx.thread !== undefined ? `${ctx.thread.tid}${ctx.fdNum}` : undefined),
    ),
    field('fd.containername', 'CHARBUF', 'fd', 'Container and name of the descriptor.', (ctx) =>
      withContainer(ctx, (fd) => nameOf(ctx, fd)),
    ),
    field('fd.containerdirectory', 'CHARBUF', 'fd', 'Container and directory of the file.', (ctx) =>
      withContainer(ctx, (fd) => {
        const name = nameOf(ctx, fd);
        return name === undefined || (fd !== undefined && !fd.isFile) ? undefined : directoryOf(name, fd);
      }),
    ),
    ends('fd.proto', 'PORT', 'Protocol of either port of a connection.', bothPorts),
    protocolName('fd.cproto', 'client', "Protocol of the client's port."),
    protocolName('fd.sproto', 'server', "Protocol of the server's port."),
    protocolName('fd.lproto', 'local', 'Protocol of the port on this machine.'),
    protocolName('fd.rproto', 'remote', 'Protocol of the port on the other machine.'),
    ends('fd.net', 'IPNET', 'Network of either address of a connection.', bothIps),
    field('fd.cnet', 'IPNET', 'fd', 'Network of the client.', endIp('client'), { only: 'filter' }),
    field('fd.snet', 'IPNET', 'fd', 'Network of the server.', endIp('server'), { only: 'filter' }),
    field('fd.lnet', 'IPNET', 'fd', 'Network of the address on this machine.', endIp('local'), {
      only: 'filter',
    }),
    field('fd.rnet', 'IPNET', 'fd', 'Network of the address of the other machine.', endIp('remote'), {
      only: 'filter',
    }),
    // 0.29.3 counts whatever has a role
    of(
      'fd.connected',
      'BOOL',
      'Whether the socket is connected.',
      (fd, ctx) => fd.connected || (ctx.inPairs && fd.isInet && !fd.isServerSocket && fd.role !== Role.NONE),
    ),
    of(
      'fd.is_upper_layer',
      'BOOL',
      'Whether the file lies in the upper layer of an overlay: it is new or changed in the container.',
      (fd) => (fd.openFlags & UPPER_LAYER) !== 0,
    ),
    of(
      'fd.is_lower_layer',
      'BOOL',
      'Whether the file lies in the lower layer of an overlay: it came with the image.',
      (fd) => (fd.openFlags & LOWER_LAYER) !== 0,
    ),
    boundField(
      'fd.types',
      'CHARBUF',
      'history',
      'Kinds of all descriptors that the process has open, or of one: fd.types[2].',
      (arg) => {
        const num = arg === undefined ? undefined : indexArg('fd.types', arg);
        return { several: 'list', extractAll: (ctx) => kindsOpen(ctx, num) };
      },
      { arg: 'optional' },
    ),
    of(
      'fd.name_changed',
      'BOOL',
      'Whether the call gave the descriptor its name.',
      (_fd, ctx) => ctx.nameChanged,
    ),
    hostName('fd.cip.name', 'client', 'Host name of the client.'),
    hostName('fd.sip.name', 'server', 'Host name of the server.'),
    hostName('fd.lip.name', 'local', 'Host name of the address on this machine.'),
    hostName('fd.rip.name', 'remote', 'Host name of the other machine.'),
    of('fd.dev', 'INT32', 'Number of the device that holds the file.', (fd) => fd.device, { format: 'hex' }),
    of(
      'fd.dev.major',
      'INT32',
      'Major number of the device that holds the file.',
      (fd) => fd.device >>> MINOR_BITS,
    ),
    of(
      'fd.dev.minor',
      'INT32',
      'Minor number of the device that holds the file.',
      (fd) => fd.device & ((1 << MINOR_BITS) - 1),
    ),
    of('fd.ino', 'INT64', 'Number of the file on its device.', (fd) => fd.inode),
  ],
};

function withContainer(
  ctx: EventContext,
  of: (fd: Fd | undefined) => ByteText | undefined,
): ByteText | undefined {
  if (!hasFd(ctx) || ctx.thread === undefined) return undefined;
  const text = of(fdOf(ctx));
  return text === undefined ? undefined : `${ctx.thread.containerId}:${text}`;
}
