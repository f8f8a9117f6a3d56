// SPDX-License-Identifier: Apache-2.0
// What a call is about, in a word: the path, the peer, or the descriptor. Unlike fd.name it exists for calls that failed before
// there was a descriptor: that is where people need it.

import type { ByteText } from '../base/units.ts';
import { EVENT_TYPES } from '../event/schema.ts';
import { AT_FDCWD, baseOf } from './base-of.ts';
import type { EventContext } from './context.ts';
import { joinPath } from './path.ts';
import { formatEndpoint, formatUnixTuple, parseAddress, parseTuple } from './tuple.ts';

const PATH_TYPES = new Set(['FSPATH', 'FSRELPATH']);

// the first param of each kind, by event code; -1 = none
const find = (test: (type: string) => boolean): readonly number[] =>
  EVENT_TYPES.map((type) => type.params.findIndex((param) => test(param.type)));
const pathParam = find((type) => PATH_TYPES.has(type));
const addressParam = find((type) => type === 'SOCKADDR');
const tupleParam = find((type) => type === 'SOCKTUPLE');

/** Path, peer address or descriptor name that the event's call is about; '' if nothing is known. */
export function targetOf(ctx: EventContext): ByteText {
  return (
    pathTarget(ctx, ctx.evt) || (ctx.enter && pathTarget(ctx, ctx.enter)) || peerTarget(ctx) || fdTarget(ctx)
  );
}

function pathTarget(ctx: EventContext, event: EventContext['evt']): ByteText {
  const carried = event.target;
  if (carried !== '') return fullPath(ctx, AT_FDCWD, carried);
  const index = pathParam[event.code] ?? -1;
  if (index < 0 || !event.has(index)) return '';
  const path = event.text(index);
  if (path === '' || path === '<NA>' || path === '(NULL)') return '';
  const dirfd = event.type.params[index]?.dirfd ?? -1;
  return fullPath(ctx, dirfd < 0 ? AT_FDCWD : event.int(dirfd), path);
}

function fullPath(ctx: EventContext, dirfd: number, path: ByteText): ByteText {
  if (path.startsWith('/')) return path;
  const base = baseOf(ctx, dirfd);
  return base === undefined ? path : joinPath(base, path);
}

function peerTarget(ctx: EventContext): ByteText {
  for (const event of ctx.enter === undefined ? [ctx.evt] : [ctx.evt, ctx.enter]) {
    const address = parseAddress(event.data(addressParam[event.code] ?? -1));
    if (address !== undefined) {
      return address.family === 'unix' ? address.path : formatEndpoint(address.ip, address.port);
    }
    const tuple = parseTuple(event.data(tupleParam[event.code] ?? -1));
    if (tuple?.family === 'unix') return tuple.path !== '' ? tuple.path : formatUnixTuple(tuple);
    if (tuple !== undefined && ctx.fd === undefined) return formatEndpoint(tuple.destIp, tuple.destPort);
  }
  return '';
}

function fdTarget(ctx: EventContext): ByteText {
  return ctx.fd === undefined ? '' : ctx.fd.name;
}
