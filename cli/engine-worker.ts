// SPDX-License-Identifier: Apache-2.0
// The worker in which source and engine run, so that drawing never delays draining. It stands here and not in engine/, since it
// must know the collector.

import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../engine/base/errors.ts';
import { serveClient } from '../engine/query/remote.ts';
import { Session } from '../engine/session.ts';
import { openSource } from './sources.ts';
import type { WorkerData, WorkerHello } from './engine-host.ts';

const port = parentPort;
if (port === null) throw new Error('engine-worker runs as a worker');

const { source: options, budgetBytes } = workerData as WorkerData;
try {
  const source = await openSource(options);
  const session = new Session(source, budgetBytes === undefined ? {} : { budgetBytes });
  serveClient(port, session);
  port.postMessage({ kind: 'ready' } satisfies WorkerHello);
  await session.run();
} catch (error: unknown) {
  if (!(error instanceof InputError)) throw error;
  port.postMessage({ kind: 'refused', code: error.code, message: error.message } satisfies WorkerHello);
  port.close();
}
