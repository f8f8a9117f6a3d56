// SPDX-License-Identifier: Apache-2.0
// What the server does for each question of the map. Arguments come from outside and are checked here.

import { InputError } from '../../engine/base/errors.ts';
import type { EngineClient } from '../../engine/query/api.ts';
import type { DrillPath, DrillStep } from '../../engine/query/drill.ts';
import { OPEN_LIMIT, type ClientMessage } from '../protocol.ts';

function wrong(what: string): never {
  throw new InputError('bad-question', what);
}

function member(ask: unknown, name: string): unknown {
  return typeof ask === 'object' && ask !== null ? (ask as Record<string, unknown>)[name] : undefined;
}

function strings(value: unknown): readonly string[] {
  if (
    !Array.isArray(value) ||
    value.length > OPEN_LIMIT ||
    !value.every((item) => typeof item === 'string')
  ) {
    return wrong(`"open" must be a list of at most ${OPEN_LIMIT} keys`);
  }
  return value;
}

function drillPath(value: unknown): DrillPath {
  const steps = member(value, 'steps');
  if (!Array.isArray(steps) || steps.length > 32) return wrong('"path" must have steps');
  return {
    steps: steps.map((step): DrillStep => {
      const view = member(step, 'view');
      const key = member(step, 'key');
      if (typeof view !== 'string' || (key !== undefined && typeof key !== 'string'))
        return wrong('a step must have a view');
      return key === undefined ? { view } : { view, key };
    }),
  };
}

/** @throws InputError for arguments that are no good */
export async function answer(
  client: EngineClient,
  message: ClientMessage,
  showSecrets: boolean,
): Promise<unknown> {
  const { ask } = message;
  switch (message.question) {
    case 'tree':
      return client.tree({ open: strings(member(ask, 'open')) });
    case 'edges':
      return client.edges();
    case 'transaction': {
      const id = member(ask, 'id');
      if (typeof id !== 'number' || !Number.isSafeInteger(id)) return wrong('"id" must be a number');
      return (await client.transaction(id, { showSecrets })) ?? null;
    }
    case 'failure':
      return (await client.error(drillPath(member(ask, 'path')))) ?? null;
    case 'node': {
      const key = member(ask, 'key');
      return typeof key === 'string' ? ((await client.node(key)) ?? null) : wrong('"key" must be text');
    }
  }
}
