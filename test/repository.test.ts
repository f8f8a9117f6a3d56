// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ROOT } from './support/sonde.ts';

test('lint, format and dead code', { timeout: 120_000 }, () => {
  const run = spawnSync('npm', ['run', '--silent', 'lint'], { cwd: ROOT, encoding: 'utf8' });
  expect(run.status === 0 ? '' : run.stdout + run.stderr).toBe('');
});

test('types: every folder compiles, and imports only what it may', { timeout: 300_000 }, () => {
  const run = spawnSync('npx', ['tsc', '-b'], { cwd: ROOT, encoding: 'utf8' });
  expect(run.stdout).toBe('');
  expect(run.status).toBe(0);
});
