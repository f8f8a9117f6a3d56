// SPDX-License-Identifier: Apache-2.0
// Starts the engine's worker and gives out the client that talks to it.

import { Worker } from 'node:worker_threads';
import { InputError } from '../engine/base/errors.ts';
import type { EngineClient } from '../engine/query/api.ts';
import { connectClient } from '../engine/query/remote.ts';
import type { SourceOptions } from './sources.ts';

export type WorkerData = { readonly source: SourceOptions; readonly budgetBytes?: number };

export type WorkerHello =
  { readonly kind: 'ready' } | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** Memory for events of a live session. */
const LIVE_BUDGET = 512 << 20;

/**
 * An engine on the source, in a worker of its own.
 *
 * @param onCrash called when the worker dies of a mistake of ours
 * @throws InputError if the source cannot be opened
 */
export async function startEngine(
  source: SourceOptions,
  onCrash: (error: Error) => void,
): Promise<EngineClient> {
  const data: WorkerData = source.file === undefined ? { source, budgetBytes: LIVE_BUDGET } : { source };
  const worker = new Worker(new URL('./engine-worker.js', import.meta.url), { workerData: data });
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (hello: WorkerHello) => {
      worker.off('error', reject);
      if (hello.kind === 'ready') resolve();
      else reject(new InputError(hello.code, hello.message));
    });
  });
  worker.on('error', onCrash);
  const client = connectClient(worker);
  return {
    ...client,
    async close(): Promise<void> {
      await client.close();
      await worker.terminate();
    },
  };
}
