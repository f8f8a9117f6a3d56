// SPDX-License-Identifier: Apache-2.0
// Events as lines and in detail, from the store.

import { showText } from '../base/text.ts';
import { eventType } from '../event/schema.ts';
import { formatArgs, formatParam } from '../print/args.ts';
import type { StoredContext } from '../store/context.ts';
import { RowFlag, type Segment } from '../store/segment.ts';
import { eventName } from '../store/store.ts';
import { FD_TYPES } from '../state/fd.ts';
import type { EventDetail, EventLine, EventsAnswer, EventsQuery } from './api.ts';
import { errnoInfo } from './errnos.ts';
import { containerName } from './names.ts';
import { Selection } from './selection.ts';
import type { World } from './world.ts';

const DEFAULT_LIMIT = 200;

/** The line of the event that the context stands at. */
export function eventLine(context: StoredContext, segment: Segment, index: number): EventLine {
  context.moveTo(segment, index);
  const { evt, thread } = context;
  const flags = segment.flags[index] as number;
  const latency = segment.latency[index] as number;
  return {
    num: evt.num,
    ts: evt.ts,
    cpu: evt.cpu,
    process: showText(thread?.comm ?? ''),
    tid: evt.tid,
    dir: (flags & RowFlag.EXIT) !== 0 ? '<' : '>',
    type: eventName(evt),
    args: showText(formatArgs(context)),
    latency: (flags & RowFlag.EXIT) === 0 || latency < 0 ? null : latency,
    failed: (flags & RowFlag.FAILED) !== 0,
  };
}

export function events(world: World, query: EventsQuery): EventsAnswer {
  const selection = new Selection(world, query.path);
  const limit = Math.max(0, Math.min(query.limit ?? DEFAULT_LIMIT, 10_000));
  // two passes: how many there are, then those of the page
  let total = 0;
  selection.forEach(() => {
    total++;
  });
  const wanted = query.offset ?? 0;
  const offset = wanted < 0 ? Math.max(0, total + wanted) : wanted;
  const lines: EventLine[] = [];
  const context = world.context();
  let at = 0;
  selection.forEach((segment, index) => {
    if (at++ < offset) return true;
    if (lines.length >= limit) return false;
    lines.push(eventLine(context, segment, index));
    return true;
  });
  return { events: lines, total, atLeast: world.store.evicted > 0 };
}

export function eventDetail(world: World, num: number): EventDetail | undefined {
  const found = world.store.find(num);
  if (found === undefined) return undefined;
  const context = world.context();
  const line = eventLine(context, found.segment, found.index);
  const { evt, thread, fd } = context;
  const type = eventType(evt.code);
  const params = type.params.slice(0, evt.count).map((param, index) => ({
    name: param.name,
    type: param.type,
    value: showText(formatParam(context, index)),
  }));
  const data = type.params.findIndex((param) => param.type === 'BYTEBUF');
  const payload = data >= 0 && data < evt.count ? evt.data(data) : undefined;
  const result = found.segment.result[found.index] as number;
  const io = (found.segment.flags[found.index] as number) & (RowFlag.READ | RowFlag.WRITE);
  const errno = line.failed ? errnoInfo(-result) : undefined;
  return {
    ...line,
    container: containerName(world, thread?.containerId ?? ''),
    params,
    ...(payload === undefined || payload.length === 0
      ? {}
      : { payload: { bytes: [...payload], length: io !== 0 && result > 0 ? result : payload.length } }),
    ...(fd === undefined
      ? {}
      : { fd: { num: context.fdNum, name: showText(fd.name), type: FD_TYPES[fd.type]?.name ?? '' } }),
    ...(errno === undefined ? {} : { errno }),
  };
}
