// SPDX-License-Identifier: Apache-2.0
// Containers of the live machine: those that run at the start, and each new one when the first of its threads shows up. What a
// runtime says of one becomes a container event.

import { encodeEvent } from '../../engine/event/encode.ts';
import { EventCursor } from '../../engine/event/cursor.ts';
import { EVENT_TYPES } from '../../engine/event/schema.ts';
import { membershipOf } from '../../engine/state/container.ts';
import { docker, documentText, type ContainerDocument } from './docker.ts';

const CONTAINER_EVENT = 324;

// exits that carry the cgroups of a thread, by code
const cgroupsParam = EVENT_TYPES.map((type) =>
  type.isExit ? type.params.findIndex((param) => param.name === 'cgroups') : -1,
);

export class ContainerWatch {
  private readonly asked = new Set<string>();
  private readonly ready: Uint8Array[] = [];
  private readonly cursor = new EventCursor();

  /** Asks about all that run. Resolves when the answers are there. */
  async start(): Promise<void> {
    if (!docker.isThere()) return;
    const ids = await docker.running();
    await Promise.all(ids.map((id) => this.ask(id.slice(0, 12))));
  }

  /** Looks through a batch for containers that are new. */
  look(bytes: Uint8Array): void {
    const { cursor } = this;
    cursor.load(bytes);
    while (cursor.next()) {
      const index = cgroupsParam[cursor.code] as number;
      if (index < 0 || !cursor.has(index)) continue;
      const id = membershipOf(cursor.raw(index)).containerId;
      if (id !== '' && !this.asked.has(id)) void this.ask(id);
    }
  }

  /** Event blocks for containers that became known since the last call. */
  take(): Uint8Array | undefined {
    return this.ready.shift();
  }

  private async ask(id: string): Promise<void> {
    this.asked.add(id);
    const document = docker.isThere() ? await docker.inspect(id) : undefined;
    if (document !== undefined) this.ready.push(toEvent(document));
  }
}

function toEvent(document: ContainerDocument): Uint8Array {
  return encodeEvent({
    code: CONTAINER_EVENT,
    ts: BigInt(Date.now()) * 1_000_000n,
    tid: -1,
    params: [documentText(document)],
  });
}
