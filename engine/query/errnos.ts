// SPDX-License-Identifier: Apache-2.0
// Errors in words, and one way of failing in detail.

import { errnoText } from '../event/errno.ts';
import { showText } from '../base/text.ts';
import { errnoName } from '../store/store.ts';
import type { ErrnoInfo, ErrorDetail, EventLine } from './api.ts';
import type { DrillPath } from './drill.ts';
import { eventLine } from './events.ts';
import { containerName } from './names.ts';
import { Selection } from './selection.ts';
import { forEachFailure } from './tables.ts';
import type { World } from './world.ts';

/** How many sample events an error's detail shows: the first ones and the last. */
const SAMPLES_FIRST = 4;
const SAMPLES_LAST = 8;
/** How far back "what the thread did just before" is looked for, in events. */
const LOOK_BACK = 2000;

export function errnoInfo(errno: number): ErrnoInfo {
  return { name: errnoName(errno), number: errno, meaning: errnoText(errno) };
}

/** @param path selects one way of failing: it has a step of the errors view with a key */
export function errorDetail(world: World, path: DrillPath): ErrorDetail | undefined {
  const selection = new Selection(world, path);
  const { failures, dims } = world.store;
  const rows: number[] = [];
  forEachFailure(world, selection, (k) => rows.push(k));
  const kind = failures.kinds[failures.kind[rows[0] ?? -1] ?? -1];
  if (kind === undefined || selection.failureKinds === undefined) return undefined;
  const byProcess = new Map<number, number>();
  for (const k of rows) {
    const process = dims.processOf[failures.thread[k] as number] as number;
    byProcess.set(process, (byProcess.get(process) ?? 0) + 1);
  }
  const picked =
    rows.length <= SAMPLES_FIRST + SAMPLES_LAST
      ? rows
      : [...rows.slice(0, SAMPLES_FIRST), ...rows.slice(-SAMPLES_LAST)];
  const times = rows.map((k) => failures.ts[k] as number);
  return {
    errno: errnoInfo(kind.errno),
    syscall: kind.syscall,
    target: showText(kind.target),
    count: rows.length,
    first: times[0] as number,
    last: times.at(-1) as number,
    processes: [...byProcess]
      .sort((a, b) => b[1] - a[1])
      .map(([process, count]) => {
        const row = dims.processes[process];
        const thread = dims.threads[row?.thread ?? -1];
        return {
          name: showText(dims.processName(process)),
          pid: row?.pid ?? 0,
          container: containerName(world, thread?.containerId ?? ''),
          count,
        };
      }),
    samples: picked.flatMap((k) => sample(world, failures.num[k] as number)),
  };
}

function sample(world: World, num: number): { event: EventLine; before?: EventLine }[] {
  const found = world.store.find(num);
  if (found === undefined) return [];
  const context = world.context();
  const event = eventLine(context, found.segment, found.index);
  const thread = found.segment.thread[found.index] as number;
  // its own enter does not count as "before"
  for (let at = num - 1; at > num - LOOK_BACK; at--) {
    const earlier = world.store.find(at);
    if (earlier === undefined) break;
    if ((earlier.segment.thread[earlier.index] as number) !== thread) continue;
    const code = earlier.segment.code[earlier.index] as number;
    if (code % 2 === 0) continue;
    return [{ event, before: eventLine(context, earlier.segment, earlier.index) }];
  }
  return [{ event }];
}
