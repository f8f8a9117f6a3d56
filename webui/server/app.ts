// SPDX-License-Identifier: Apache-2.0
// The server of the map: the page, and one websocket a page over which it asks the engine.

import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import fastifyStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { InputError } from '../../engine/base/errors.ts';
import type { EngineClient, Status } from '../../engine/query/api.ts';
import { MESSAGE_LIMIT, parseClientMessage, type ServerMessage } from '../protocol.ts';
import { COOKIE, hasToken, isOurHost, isOurOrigin, newToken } from './guard.ts';
import { answer } from './questions.ts';

export type WebOptions = {
  /** Address to listen on; loopback by default. */
  readonly host?: string;
  /** 0 = any that is free. */
  readonly port?: number;
  readonly token?: string;
  readonly showSecrets?: boolean;
  /** Directory of the built page. */
  readonly page: string;
};

export type WebServer = {
  /** Address with the token. */
  readonly url: string;
  readonly port: number;
  readonly app: FastifyInstance;
  close(): Promise<void>;
};

const LOOPBACK = '127.0.0.1';

// no code but our own files, nothing from elsewhere, in nobody's frame
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A client that does not read gets no more than this; then it is let go. */
const BUFFER_LIMIT = 16 << 20;

/** @throws InputError `no-port` if the port is taken, `no-page` if the page was not built */
export async function startWeb(client: EngineClient, options: WebOptions): Promise<WebServer> {
  const host = options.host ?? LOOPBACK;
  const token = options.token ?? newToken();
  const { page } = options;
  if (!existsSync(page)) throw new InputError('no-page', 'the map is not built: npm run build');
  const app = fastify({ logger: false, bodyLimit: 1024, forceCloseConnections: true });
  const names = [host, 'localhost', LOOPBACK, '[::1]', ...(isIP(host) === 6 ? [`[${host}]`] : [])];
  let port = options.port ?? 0;

  const refuse = (request: FastifyRequest, reply: FastifyReply, code: number, why: string): FastifyReply => {
    // a refused upgrade would keep its socket, which the server no longer knows
    if (request.headers.upgrade !== undefined) reply.raw.on('finish', () => request.raw.socket.destroySoon());
    return reply.code(code).type('text/plain').send(`${why}\n`);
  };

  app.addHook('onRequest', async (request, reply) => {
    const { headers } = request;
    if (host === LOOPBACK && !isOurHost(headers, names, port)) {
      return refuse(request, reply, 403, 'This is not the name of this server.');
    }
    if (!hasToken(headers, request.query, token)) {
      return refuse(
        request,
        reply,
        401,
        'The address must have the token that sonde printed: http://…/?token=…',
      );
    }
    const origins = host === LOOPBACK ? names : [...names, hostName(headers.host)];
    if (headers.upgrade !== undefined && !isOurOrigin(headers, origins, port)) {
      return refuse(request, reply, 403, 'Only the map itself may connect.');
    }
    void reply.headers({
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
      'set-cookie': `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/`,
    });
    return undefined;
  });

  await app.register(websocket, { options: { maxPayload: MESSAGE_LIMIT } });
  await app.register(fastifyStatic, { root: page, cacheControl: false });
  app.get('/live', { websocket: true }, (socket) => serve(socket, client, options.showSecrets === true));

  try {
    await app.listen({ host, port });
  } catch (error: unknown) {
    await app.close();
    const reason =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        ? `port ${port} is in use: choose another with --port`
        : (error as Error).message;
    throw new InputError('no-port', `the map cannot be served on ${host}: ${reason}`);
  }
  const bound = app.server.address();
  port = typeof bound === 'object' && bound !== null ? bound.port : port;
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  return { url: `http://${shown}:${port}/?token=${token}`, port, app, close: () => closeAll(app) };
}

/** Pages that are open do not keep the server: they are cut off, and say so. */
async function closeAll(app: FastifyInstance): Promise<void> {
  for (const socket of app.websocketServer.clients) socket.terminate();
  await app.close();
}

const hostName = (host: string | undefined): string => (host ?? '').replace(/:\d+$/, '');

function serve(socket: WebSocket, client: EngineClient, showSecrets: boolean): void {
  const send = (message: ServerMessage): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > BUFFER_LIMIT) socket.terminate();
    else socket.send(JSON.stringify(message));
  };
  // a status that a slow client has not read yet is not followed by the next
  const push = (status: Status): void => {
    if (socket.bufferedAmount === 0) send({ kind: 'status', status });
  };
  const stop = client.onStatus(push);
  void client.status().then(push, () => undefined);
  socket.on('close', stop);
  socket.on('error', stop);
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    const message = isBinary ? undefined : parseClientMessage(data.toString('utf8'));
    if (message === undefined) {
      socket.close(1003, 'no message of the map');
      return;
    }
    const { id } = message;
    answer(client, message, showSecrets).then(
      (result) => send({ kind: 'answer', id, answer: result }),
      (error: unknown) =>
        send({
          kind: 'error',
          id,
          error: error instanceof InputError ? error.message : 'the engine could not answer',
        }),
    );
  });
}
