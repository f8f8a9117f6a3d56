// SPDX-License-Identifier: Apache-2.0
// Live: real programs do real things, and every face shows them.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { checkLive } from '../../../collector/live/support.ts';
import type { TransactionDetail, TreeAnswer } from '../../../engine/query/api.ts';
import { has, lines, start, waitFor } from '../../support/sonde.ts';
import { Tmux } from '../../support/tmux.ts';

const support = checkLive();
const reason = support.ok ? '' : support.reason;

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

describe.skipIf(!support.ok)(`live capture${reason === '' ? '' : ` (${reason})`}`, () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sonde-live-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const webReady = has('nginx') && has('curl');

  describe.skipIf(!webReady)('nginx asked by curl (needs nginx and curl)', () => {
    let nginx: ChildProcess;
    let port = 0;
    let workload: ChildProcess;

    beforeAll(async () => {
      port = await freePort();
      mkdirSync(join(folder, 'html'));
      writeFileSync(join(folder, 'html', 'index.html'), 'hello\n');
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${folder}/${name};`)
        .join(' ');
      writeFileSync(
        join(folder, 'nginx.conf'),
        `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log; events {} http { access_log off; ${temporary} server { listen 127.0.0.1:${port}; root ${folder}/html; } }`,
      );
      nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf')], {
        stdio: 'ignore',
        env: { PATH: '/usr/sbin:/usr/bin:/bin' },
      });
      await waitFor(
        () => spawnSync('curl', ['-s', '-o', '/dev/null', `http://127.0.0.1:${port}/`]).status === 0,
        10_000,
        () => 'nginx does not answer',
      );
      const script = `while :; do curl -s -o /dev/null http://127.0.0.1:${port}/; curl -s -o /dev/null http://127.0.0.1:${port}/missing; cat /nope; sleep 0.2; done`;
      workload = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
    });
    afterAll(() => {
      if (workload.pid !== undefined) process.kill(-workload.pid, 'SIGKILL');
      nginx.kill();
    });

    test('the command line: the request line, the status, and the failed open under its process', async () => {
      const opens = await start(
        [
          '-p',
          '%proc.name|%evt.type|%evt.target|%evt.res|%evt.latency',
          'evt.target=/nope and evt.type=openat',
        ],
        /cat\|openat\|\/nope\|ENOENT\|[1-9]/,
      );
      expect(await opens.stop('SIGINT')).toBe(0);
      const http = await start(
        ['-A', '-p', '%proc.name %evt.buffer', `fd.sport=${port} and evt.buffer contains HTTP/1.1`],
        /nginx [^]*HTTP\/1\.1 404 Not Found[^]*curl|curl [^]*GET \/missing HTTP\/1\.1[^]*404 Not Found/,
      );
      expect(http.out()).toMatch(/nginx\/\d/);
      expect(await http.stop('SIGINT')).toBe(0);
    });

    test('a recording: read back alike, and by sysdig', async () => {
      const file = join(folder, 'recorded.scap');
      const record = await start(
        ['record', '-w', file, '-s', '256', `proc.name in (curl, cat, nginx, sh)`],
        /^/,
      );
      await waitFor(
        () => existsSync(file),
        15_000,
        () => 'nothing is recorded',
      );
      // a few rounds of the workload
      await pause(2000);
      expect(await record.stop('SIGINT')).toBe(0);
      const { sonde } = await import('../../support/sonde.ts');
      const back = sonde('-r', file, '-p', '%proc.name %evt.type %evt.target %evt.res', 'evt.target=/nope');
      expect(new Set(lines(back.out))).toEqual(new Set(['cat openat /nope ENOENT']));
      if (!has('sysdig')) return;
      // sysdig 0.29.3 knows fewer events, but shows these alike
      const filter = 'evt.type=openat and evt.arg.name=/nope';
      const sysdig = spawnSync('sysdig', ['-r', file, '-p', '%evt.num %proc.name %evt.res', filter], {
        encoding: 'utf8',
      });
      expect(sysdig.status).toBe(0);
      expect(lines(sysdig.stdout).every((line) => line.endsWith(' cat ENOENT'))).toBe(true);
      expect(lines(sysdig.stdout).length).toBe(lines(back.out).length);
    });

    test('the web API: the request with its headers and status, both ends, and the failure', async () => {
      const server = await start(['web'], /http:\S+/);
      const url = new URL(/http:\S+/.exec(server.out())?.[0] ?? '');
      const socket = new WebSocket(`ws://${url.host}/live?${url.searchParams.toString()}`, {
        headers: { origin: url.origin },
      });
      await new Promise((resolve, fail) => {
        socket.on('open', resolve);
        socket.on('error', fail);
      });
      let id = 0;
      const ask = <Answer>(question: string, given: unknown): Promise<Answer> =>
        new Promise((resolve) => {
          const wanted = ++id;
          const take = (data: Buffer): void => {
            const message = JSON.parse(data.toString()) as { id?: number; answer?: Answer };
            if (message.id !== wanted) return;
            socket.off('message', take);
            resolve(message.answer as Answer);
          };
          socket.on('message', take);
          socket.send(JSON.stringify({ id: wanted, question, ask: given }));
        });
      await pause(1500);
      const tree = async (open: readonly string[]): Promise<TreeAnswer> => ask<TreeAnswer>('tree', { open });
      const processes = (await tree(['c:host'])).children['c:host'] ?? [];
      const server404 = processes.find((node) => node.name.startsWith('nginx '));
      const connections = (await tree([server404?.key ?? ''])).children[server404?.key ?? ''] ?? [];
      const opened = connections.filter((node) => node.kind === 'connection').map((node) => node.key);
      const transactions = Object.values((await tree(opened)).children).flat();
      const missing = transactions.find((node) => node.http?.status === 404);
      expect(missing?.http).toMatchObject({ method: 'GET', status: 404, reason: 'Not Found' });
      const detail = await ask<TransactionDetail>('transaction', { id: Number(missing?.key.slice(2)) });
      expect(detail.request.startLine).toBe('GET /missing HTTP/1.1');
      expect(detail.request.headers.map((header) => header.name)).toEqual(['Host', 'User-Agent', 'Accept']);
      expect(detail.response?.startLine).toBe('HTTP/1.1 404 Not Found');
      expect(detail.response?.headComplete).toBe(true);
      expect(detail.peer?.process).toBe('curl');
      const cats = processes.filter((node) => node.name.startsWith('cat ')).map((node) => node.key);
      const errnos = Object.values((await tree(cats)).children)
        .flat()
        .filter((node) => node.kind === 'errno' && node.name === 'ENOENT');
      const failures = Object.values((await tree(errnos.map((node) => node.key))).children).flat();
      expect(
        failures.some((node) => node.failure?.syscall === 'openat' && node.failure.target === '/nope'),
      ).toBe(true);
      socket.close();
      expect(await server.stop()).toBe(0);
    });

    test.skipIf(!has('tmux'))('the terminal: from top to the headers of the 404 (needs tmux)', async () => {
      const screen = new Tmux(['top', '--path', 'http', `proc.name=nginx`]);
      try {
        await screen.see(/404 +GET/);
        screen.keys('Home', 'Enter');
        const shown = await screen.see(/HTTP\/1\.1 404 Not Found/);
        expect(shown).toMatch(/Server +nginx\//);
        expect(shown).toMatch(/User-Agent +curl\//);
        expect(shown).toMatch(/nginx \(\d+\) in host, the server/);
      } finally {
        screen.close();
      }
      const errors = new Tmux(['top', '--path', 'errors', 'proc.name=cat']);
      try {
        await errors.see(/ENOENT +openat .*\/nope/);
      } finally {
        errors.close();
      }
    });
  });

  describe.skipIf(!has('dockerd') || !has('docker') || !has('busybox'))(
    'in a Docker container (needs dockerd, docker and busybox)',
    () => {
      let daemon: ChildProcess;
      let hasDocker = false;
      const docker = (...args: string[]): string =>
        execFileSync('docker', ['-H', `unix://${folder}/docker.sock`, ...args], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        });

      beforeAll(async () => {
        daemon = spawn(
          'dockerd',
          [
            '--iptables=false',
            '--bridge=none',
            '--storage-driver=overlay2',
            '--data-root',
            `${folder}/docker`,
            '--exec-root',
            `${folder}/docker-exec`,
            '-H',
            `unix://${folder}/docker.sock`,
            '-p',
            `${folder}/docker.pid`,
          ],
          { stdio: 'ignore' },
        );
        try {
          await waitFor(
            () => spawnSync('docker', ['-H', `unix://${folder}/docker.sock`, 'version']).status === 0,
            30_000,
            () => 'dockerd does not answer',
          );
          const tree = join(folder, 'image', 'bin');
          mkdirSync(tree, { recursive: true });
          execFileSync(
            'sh',
            [
              '-c',
              `cp "$(command -v busybox)" ${tree}/busybox && ln -s busybox ${tree}/sh && ln -s busybox ${tree}/cat && ln -s busybox ${tree}/sleep && tar -C ${folder}/image -c . | docker -H unix://${folder}/docker.sock import - sonde-test`,
            ],
            { stdio: 'ignore' },
          );
          docker(
            'run',
            '-d',
            '--name',
            'shop-web',
            '--network',
            'none',
            '--label',
            'tier=front',
            'sonde-test',
            '/bin/sh',
            '-c',
            'while :; do cat /nope-inside; sleep 0.2; done',
          );
          hasDocker = true;
        } catch {
          // said by the test
        }
      }, 60_000);
      afterAll(async () => {
        if (hasDocker) docker('rm', '-f', 'shop-web');
        daemon.kill();
        await new Promise((resolve) => {
          daemon.on('exit', resolve);
        });
        spawnSync('sh', [
          '-c',
          `umount -l ${folder}/docker/overlay2/*/merged 2>/dev/null; rm -rf ${folder}/docker`,
        ]);
      });

      test('its processes are under its name', async ({ skip }) => {
        if (!hasDocker) skip('dockerd cannot run here');
        process.env['DOCKER_HOST'] = `unix://${folder}/docker.sock`;
        const run = await start(
          [
            '-p',
            '%container.name|%container.image|%container.label.tier|%evt.type|%evt.target|%evt.res',
            'evt.target=/nope-inside',
          ],
          /shop-web\|sonde-test\|front\|openat\|\/nope-inside\|ENOENT/,
        );
        expect(await run.stop('SIGINT')).toBe(0);
        if (!has('tmux')) return;
        const screen = new Tmux(['top'], { env: { DOCKER_HOST: `unix://${folder}/docker.sock` } });
        try {
          await screen.see(/shop-web +[\d.]+ +\d/);
        } finally {
          screen.close();
        }
      });
    },
  );
});
