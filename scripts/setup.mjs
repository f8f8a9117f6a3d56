// SPDX-License-Identifier: Apache-2.0
// Everything that a checkout needs before it runs: system packages, npm packages, the native part, the builds. A line a step;
// quick and silent when nothing has changed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

/** What the native part is built with, as Debian names it. */
const PACKAGES = ['make', 'g++', 'clang', 'bpftool', 'libbpf-dev', 'libelf-dev', 'zlib1g-dev', 'python3'];

const say = (text) => console.log(`sonde: ${text}`);

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
}

/** A step whose failure ends the set-up; its output is shown only then. */
function step(name, command, args) {
  say(`${name} …`);
  const started = Date.now();
  const result = run(command, args);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    say(`${name} failed: ${command} ${args.join(' ')}`);
    process.exit(1);
  }
  return Date.now() - started;
}

function hashOf(files) {
  const sum = createHash('sha256').update(process.version);
  for (const file of files) sum.update(file).update(readFileSync(file));
  return sum.digest('hex');
}

function filesIn(directory, pattern) {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return filesIn(path, pattern);
      return pattern.test(entry.name) ? [path] : [];
    })
    .sort();
}

/** Whether `stamp` says that this was done for exactly these inputs. */
const isDone = (stamp, hash) => existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;

function done(stamp, hash) {
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, hash);
}

// ---- Debian packages: without them captures can still be read ----

function missingPackages() {
  return PACKAGES.filter(
    (name) =>
      !(run('dpkg-query', ['-W', '-f', '${Status}', name]).stdout ?? '').startsWith('install ok installed'),
  );
}

function systemPackages() {
  if (existsSync('build/Release/sonde.node')) return;
  if (!existsSync('/usr/bin/apt-get')) return;
  const missing = missingPackages();
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  const hasSudo = !isRoot && run('sudo', ['-n', 'true']).status === 0;
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing];
  if (!isRoot && !hasSudo) {
    say(`live capture needs these packages: sudo ${install.join(' ')}`);
    return;
  }
  say(`installing ${missing.join(' ')} …`);
  const prefix = isRoot ? [] : ['sudo', '-n'];
  const environment = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const apt = (args) => {
    const [command, ...rest] = [...prefix, ...args];
    return run(command, rest, environment);
  };
  let result = apt(install);
  if (result.status !== 0) {
    apt(['apt-get', 'update', '-q']);
    result = apt(install);
  }
  if (result.status !== 0) {
    const reason = (result.stderr ?? '').split('\n').find((line) => line.startsWith('E:')) ?? '';
    say(`they could not be installed, so that only captures can be read: ${reason}`);
  }
}

// ---- npm packages ----

function npmPackages() {
  const stamp = 'node_modules/.sonde-setup';
  const hash = hashOf(['package-lock.json']);
  if (isDone(stamp, hash)) return;
  step('installing npm packages (better-sqlite3 may compile for a minute or two)', 'npm', [
    'ci',
    '--no-audit',
    '--no-fund',
  ]);
  done(stamp, hash);
}

// ---- builds ----

function nativePart() {
  // its own stamp, and its own words when something is missing
  const { stderr } = run(process.execPath, ['scripts/build-native.mjs']);
  if (stderr !== '') process.stderr.write(stderr);
}

function typescript() {
  const folders = ['engine', 'collector', 'tui', 'webui', 'cli'];
  const sources = folders.flatMap((folder) => filesIn(folder, /\.(ts|tsx|json|css|html|svg)$/));
  const hash = hashOf(['package-lock.json', 'tsconfig.base.json', ...sources]);
  const stamp = 'dist/.sonde-setup';
  if (isDone(stamp, hash)) return;
  step('building', 'npx', [
    'tsc',
    '-b',
    ...folders.filter((folder) => folder !== 'webui'),
    'webui/server',
    'webui/client',
  ]);
  step('bundling the command', process.execPath, ['scripts/build-cli.mjs']);
  step('building the map', process.execPath, ['scripts/build-web.mjs']);
  done(stamp, hash);
}

systemPackages();
npmPackages();
nativePart();
typescript();
