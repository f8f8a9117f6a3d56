// SPDX-License-Identifier: Apache-2.0
// Everything that a checkout needs before it runs: `npm ci` and the builds. Quick and silent when nothing changed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

function step(name, command, args) {
  console.log(`sonde: ${name} …`);
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) {
    console.error(`sonde: ${name} failed (${command} ${args.join(' ')})`);
    process.exit(1);
  }
}

const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const stamp = 'node_modules/.sonde-setup';
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  step('installing packages (better-sqlite3 compiles: a minute or two)', 'npm', [
    'ci',
    '--no-audit',
    '--no-fund',
  ]);
  mkdirSync('node_modules', { recursive: true });
  writeFileSync(stamp, lock);
}
