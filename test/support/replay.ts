// SPDX-License-Identifier: Apache-2.0
// Drives a source to its end, for tests that look at each event.

import { EventCursor } from '../../engine/event/cursor.ts';
import type { EventSource } from '../../engine/event/source.ts';
import { Machine } from '../../engine/state/machine.ts';

/** Applies every event; `visit` sees the machine at each. Returns the machine as it is at the end. */
export async function replay(source: EventSource, visit?: (machine: Machine) => void): Promise<Machine> {
  const machine = new Machine();
  const cursor = new EventCursor();
  let num = 0;
  for (;;) {
    const item = await source.next();
    if (item === undefined) break;
    if (item.kind === 'snapshot') machine.load(item.snapshot);
    if (item.kind !== 'events') continue;
    cursor.load(item.bytes);
    while (cursor.next()) {
      cursor.num = ++num;
      machine.apply(cursor);
      visit?.(machine);
    }
  }
  await source.close();
  return machine;
}
