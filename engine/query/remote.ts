// SPDX-License-Identifier: Apache-2.0
// An EngineClient across a message port: the engine works on one thread, faces draw on another.
//
//   face ─ call(method, args) ─▶ port ─▶ serveClient ─▶ session
//        ◀──── result or error ────┘
//
// One status at most is on its way: a face that is busy gets a newer one, not a queue.

import { FilterError, InputError } from '../base/errors.ts';
import type { EngineClient, Status } from './api.ts';

/** What both ends of a worker's port can do. */
export type Port = {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
};

type Method = Exclude<keyof EngineClient, 'onStatus'>;

type Request =
  | { readonly kind: 'call'; readonly id: number; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly kind: 'status-seen' };

type Fault = {
  readonly code: string;
  readonly message: string;
  readonly filter?: { readonly position: number; readonly span: number; readonly suggestion?: string };
};

type Reply =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly fault: Fault }
  | { readonly kind: 'status'; readonly status: Status };

/** Answers calls that come over the port. */
export function serveClient(port: Port, client: EngineClient): void {
  let seen = true;
  let newer: Status | undefined;
  const send = (status: Status): void => {
    seen = false;
    newer = undefined;
    port.postMessage({ kind: 'status', status } satisfies Reply);
  };
  client.onStatus((status) => {
    if (seen) send(status);
    else newer = status;
  });
  port.on('message', (message) => {
    const request = message as Request;
    if (request.kind === 'status-seen') {
      seen = true;
      if (newer !== undefined) send(newer);
      return;
    }
    const method = client[request.method] as (...args: unknown[]) => Promise<unknown>;
    method.apply(client, [...request.args]).then(
      (value) => port.postMessage({ kind: 'result', id: request.id, value } satisfies Reply),
      (error: unknown) =>
        port.postMessage({ kind: 'error', id: request.id, fault: toFault(error) } satisfies Reply),
    );
  });
}

function toFault(error: unknown): Fault {
  if (error instanceof FilterError) {
    const { position, span, suggestion } = error;
    return {
      code: error.code,
      message: error.message,
      filter: { position, span, ...(suggestion === undefined ? {} : { suggestion }) },
    };
  }
  if (error instanceof InputError) return { code: error.code, message: error.message };
  return {
    code: 'internal',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

function fromFault(fault: Fault): Error {
  if (fault.filter !== undefined) {
    const { position, span, suggestion } = fault.filter;
    return new FilterError(fault.code, fault.message, position, span, suggestion);
  }
  return fault.code === 'internal' ? new Error(fault.message) : new InputError(fault.code, fault.message);
}

/** The client at the other end of a port that serveClient() serves. */
export function connectClient(port: Port): EngineClient {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners = new Set<(status: Status) => void>();
  let lastId = 0;
  port.on('message', (message) => {
    const reply = message as Reply;
    if (reply.kind === 'status') {
      for (const listener of listeners) listener(reply.status);
      port.postMessage({ kind: 'status-seen' } satisfies Request);
      return;
    }
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.kind === 'result') call?.resolve(reply.value);
    else call?.reject(fromFault(reply.fault));
  });
  const call =
    <M extends Method>(method: M) =>
    (...args: Parameters<EngineClient[M]>): ReturnType<EngineClient[M]> =>
      new Promise<unknown>((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        port.postMessage({ kind: 'call', id, method, args } satisfies Request);
      }) as ReturnType<EngineClient[M]>;
  return {
    status: call('status'),
    views: call('views'),
    table: call('table'),
    events: call('events'),
    event: call('event'),
    transaction: call('transaction'),
    error: call('error'),
    tree: call('tree'),
    edges: call('edges'),
    node: call('node'),
    checkFilter: call('checkFilter'),
    close: call('close'),
    onStatus(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
