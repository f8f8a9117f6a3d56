// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FileSource } from '../../collector/capture/file-source.ts';
import { encodeSection } from '../../collector/recorder.ts';
import { encodeEvent } from '../../engine/event/encode.ts';
import type { Snapshot } from '../../engine/event/source.ts';
import { replay } from '../support/replay.ts';
import { sharedCapture } from '../support/shared.ts';

const EMPTY: Snapshot = {
  machine: { cpus: 2, memory: 1n, maxPid: 0n, hostname: 'box', bootTime: 0n },
  threads: [],
  users: [{ uid: 0, gid: 0, name: 'root', home: '/root', shell: '/bin/sh' }],
  groups: [{ gid: 0, name: 'root' }],
  interfaces: [],
};

const close = (ts: number): Uint8Array => encodeEvent({ code: 5, ts: BigInt(ts), tid: 7, params: [0, 3] });

function capture(...parts: Uint8Array[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sonde-')), 'test.scap');
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

async function countEvents(path: string): Promise<{ events: number; error?: string }> {
  let events = 0;
  try {
    await replay(await FileSource.open(path), () => events++);
    return { events };
  } catch (error: unknown) {
    return { events, error: (error as Error).message };
  }
}

describe('a capture file', () => {
  test('gives its snapshot, then its events', async () => {
    const source = await FileSource.open(capture(encodeSection(EMPTY), close(1000), close(2000)));
    const machine = await replay(source);
    expect(machine.hostname).toBe('box');
    expect(machine.users.get(0)?.name).toBe('root');
    expect(source.stats().events).toBe(2);
  });

  test('may be compressed, in several members', async () => {
    const path = capture(gzipSync(encodeSection(EMPTY)), gzipSync(Buffer.concat([close(1), close(2)])));
    expect(await countEvents(path)).toEqual({ events: 2 });
  });

  test('may be several captures in a row', async () => {
    const path = capture(encodeSection(EMPTY), close(1), encodeSection(EMPTY), close(2), close(3));
    expect(await countEvents(path)).toEqual({ events: 3 });
  });

  test('that was cut gives every whole event, and says where it ends', async () => {
    const path = capture(encodeSection(EMPTY), close(1), close(2).subarray(0, 20));
    const at = encodeSection(EMPTY).length + close(1).length;
    const result = await countEvents(path);
    expect(result.events).toBe(1);
    expect(result.error).toContain(`ends in the middle of a block at byte ${at}`);
  });

  test('that is something else is refused with one sentence', async () => {
    await expect(FileSource.open(capture(Buffer.from('#!/bin/sh\necho no capture\n')))).rejects.toThrow(
      'is no scap capture',
    );
    await expect(FileSource.open('/nonexistent/x.scap')).rejects.toThrow('there is no such file');
  });
});

describe.each([
  ['502Error.scap', 22381, 22],
  ['curl_google.scap', 1536, 0],
  ['sample.scap', 572, 0],
  ['http-nginx-python.scap.gz', 87335, 0],
])('%s', (name, events, containers) => {
  const path = sharedCapture(name);
  test.skipIf(path === undefined)('is read whole (skipped without ../shared/captures)', async () => {
    let count = 0;
    const machine = await replay(await FileSource.open(path as string), () => count++);
    expect(count).toBe(events);
    expect(machine.containers.size).toBe(containers);
  });

  test.skipIf(path === undefined || name.endsWith('.gz'))('cut anywhere never crashes', async () => {
    const bytes = readFileSync(path as string);
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const result = await countEvents(capture(bytes.subarray(0, Math.floor(bytes.length * part))));
      expect(result.error ?? '').toMatch(/^$|cut|damaged|no events/);
    }
  });
});
