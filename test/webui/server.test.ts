// SPDX-License-Identifier: Apache-2.0
// Who gets in, and what gets through: against the real server on a real session.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { FileSource } from '../../collector/capture/file-source.ts';
import { Session } from '../../engine/session.ts';
import { startWeb, type WebServer } from '../../webui/server/app.ts';
import { SAMPLE } from '../support/sonde.ts';

const TOKEN = 'the-token-of-this-test';
let server: WebServer;
let session: Session;
let page = '';

beforeAll(async () => {
  page = mkdtempSync(join(tmpdir(), 'sonde-page-'));
  mkdirSync(join(page, 'sub'));
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>map</title>');
  session = new Session(await FileSource.open(SAMPLE));
  await session.run();
  server = await startWeb(session, { token: TOKEN, page });
});
afterAll(async () => {
  await server.close();
  rmSync(page, { recursive: true });
});

const host = (): string => `127.0.0.1:${server.port}`;

describe('the page', () => {
  const get = (url: string, headers: Record<string, string> = {}) =>
    server.app.inject({ url, headers: { host: host(), ...headers } });

  test('is given to who has the token, with a strict policy and a cookie', async () => {
    const response = await get(`/?token=${TOKEN}`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    expect(response.headers['set-cookie']).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await get('/', { cookie: `sonde_token=${TOKEN}` })).statusCode).toBe(200);
  });

  test.each([
    ['no token', '/', {}],
    ['a wrong token', '/?token=wrong', {}],
    ['a wrong cookie', '/', { cookie: 'sonde_token=wrong' }],
  ])('is refused with %s', async (_name, url, headers) => {
    expect((await get(url, headers)).statusCode).toBe(401);
  });

  test('is refused under another name (DNS rebinding)', async () => {
    expect((await get(`/?token=${TOKEN}`, { host: `evil.example:${server.port}` })).statusCode).toBe(403);
  });

  test.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2f..%2fetc/passwd',
    '//etc/passwd',
    '/sub/../../secret',
  ])('no way out of its folder: %s', async (path) => {
    const response = await get(`${path}?token=${TOKEN}`);
    expect(response.statusCode).not.toBe(200);
    expect(response.body).not.toMatch(/root:|"name"/);
  });
});

describe('the websocket', () => {
  const connect = (headers: Record<string, string>, query = ''): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${host()}/live${query}`, { headers });
      socket.on('open', () => resolve(socket));
      socket.on('unexpected-response', (_request, response) =>
        reject(new Error(String(response.statusCode))),
      );
      socket.on('error', reject);
    });
  const ours = (): Record<string, string> => ({ origin: `http://${host()}`, cookie: `sonde_token=${TOKEN}` });

  const ask = (
    socket: WebSocket,
    message: unknown,
  ): Promise<{ kind: string; id: number; answer?: unknown; error?: string }> =>
    new Promise((resolve) => {
      const { id } = message as { id: number };
      const take = (data: Buffer): void => {
        const answer = JSON.parse(data.toString()) as { kind: string; id: number };
        if (answer.id !== id) return;
        socket.off('message', take);
        resolve(answer);
      };
      socket.on('message', take);
      socket.send(JSON.stringify(message));
    });

  test('answers: the tree, a request with its headers, secrets masked', async () => {
    const socket = await connect(ours());
    const tree = await ask(socket, { id: 1, question: 'tree', ask: { open: [] } });
    expect(tree.answer).toMatchObject({ root: { kind: 'host' } });
    const path = { steps: [{ view: 'http' }] };
    const table = await session.table({ path });
    const cart = table.rows.find((row) => row.cells.includes('POST'));
    const transaction = await ask(socket, { id: 2, question: 'transaction', ask: { id: Number(cart?.key) } });
    expect(transaction.answer).toMatchObject({ method: 'POST', status: 502 });
    expect(JSON.stringify(transaction.answer)).toContain('Authorization');
    expect(JSON.stringify(transaction.answer)).not.toContain('example-token');
    socket.close();
  });

  test('a wrong question gets a sentence', async () => {
    const socket = await connect(ours());
    expect(await ask(socket, { id: 3, question: 'tree', ask: { open: 'x' } })).toMatchObject({
      kind: 'error',
      error: expect.stringContaining('open') as string,
    });
    expect(await ask(socket, { id: 4, question: 'transaction', ask: {} })).toMatchObject({ kind: 'error' });
    socket.close();
  });

  test.each([
    ['no token', {}, '401'],
    ['another origin', { origin: 'http://evil.example', cookie: `sonde_token=${TOKEN}` }, '403'],
    ['no origin', { cookie: `sonde_token=${TOKEN}` }, '403'],
  ])('refuses %s', async (_name, headers, code) => {
    await expect(connect(headers as Record<string, string>)).rejects.toThrow(code);
  });

  test.each([
    ['garbage', '{{{'],
    ['a question there is not', JSON.stringify({ id: 1, question: 'shutdown', ask: {} })],
    ['too much', `"${'x'.repeat(400_000)}"`],
  ])('ends the connection on %s, and goes on for others', async (_name, text) => {
    const socket = await connect(ours());
    const closed = new Promise<number>((resolve) => {
      socket.on('close', resolve);
    });
    socket.on('error', () => undefined);
    socket.send(text);
    expect(await closed).toBeGreaterThanOrEqual(1003);
    const other = await connect(ours());
    expect(await ask(other, { id: 9, question: 'edges', ask: {} })).toMatchObject({ kind: 'answer' });
    other.close();
  });
});

test('a port that is in use is said', async () => {
  await expect(startWeb(session, { port: server.port, page })).rejects.toThrow(
    /port \d+ is in use: choose another with --port/,
  );
});
