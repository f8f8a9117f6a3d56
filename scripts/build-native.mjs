// SPDX-License-Identifier: Apache-2.0
// Builds the native part with node-gyp. Captures can be read without it, so that a machine which cannot build it is no error:
// one line says what is missing. Quick and silent when nothing has changed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const stamp = join(root, 'build', 'native.stamp');
const addon = join(root, 'build', 'Release', 'sonde.node');

function inputs(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? inputs(path) : [path];
  });
}

function hash() {
  const sum = createHash('sha256').update(process.version);
  for (const file of [join(root, 'binding.gyp'), ...inputs(join(root, 'native')).sort()])
    sum.update(file).update(readFileSync(file));
  return sum.digest('hex');
}

const find = (program) =>
  (process.env['PATH'] ?? '')
    .split(':')
    .concat('/usr/sbin')
    .some((directory) => existsSync(join(directory, program)));

function missing() {
  const needs = [
    ['make', () => find('make')],
    ['g++', () => find('g++')],
    ['clang', () => find('clang-14') || find('clang')],
    ['bpftool', () => find('bpftool')],
    ['libbpf-dev', () => existsSync('/usr/include/bpf/libbpf.h')],
    ['libelf-dev', () => existsSync('/usr/include/libelf.h')],
    ['zlib1g-dev', () => existsSync('/usr/include/zlib.h')],
    ['python3', () => find('python3')],
  ];
  return needs.filter(([, has]) => !has()).map(([name]) => name);
}

/** node-gyp comes with npm; where, npm says. */
function nodeGyp() {
  const given = process.env['npm_config_node_gyp'];
  if (given !== undefined && existsSync(given)) return given;
  const npm = spawnSync('npm', ['root', '-g'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  const candidates = [
    join(npm, 'npm/node_modules/node-gyp/bin/node-gyp.js'),
    join(dirname(process.execPath), '../share/nodejs/node-gyp/bin/node-gyp.js'),
    '/usr/share/nodejs/node-gyp/bin/node-gyp.js',
  ];
  return candidates.find((path) => existsSync(path));
}

/** Headers of this very Node, where the distribution or its archive put them beside it: then nothing is downloaded. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include/node/node_version.h');
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, 'utf8');
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
  return `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}` === process.version ? prefix : undefined;
}

function main() {
  if (process.platform !== 'linux') return 'live capture needs Linux; captures can be read';
  const now = hash();
  if (
    existsSync(addon) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === now &&
    statSync(addon).size > 0
  )
    return '';
  const lacks = missing();
  if (lacks.length > 0) {
    return `the native part is not built, since these are missing: ${lacks.join(' ')}\nGet them with: apt-get install --no-install-recommends make g++ clang bpftool libbpf-dev libelf-dev zlib1g-dev python3`;
  }
  const gyp = nodeGyp();
  if (gyp === undefined) return 'the native part is not built: node-gyp, which comes with npm, was not found';
  const headers = nodeHeaders();
  const run = spawnSync(
    process.execPath,
    [gyp, 'rebuild', ...(headers === undefined ? [] : [`--nodedir=${headers}`])],
    { cwd: root, encoding: 'utf8' },
  );
  if (run.status !== 0) {
    const reason = `${run.stdout ?? ''}${run.stderr ?? ''}`
      .split('\n')
      .filter((line) => /error|Error|ERR!/.test(line))
      .slice(0, 6)
      .join('\n');
    return `the native part could not be built:\n${reason}`;
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, now);
  return '';
}

const problem = main();
if (problem !== '') console.error(`sonde: ${problem}`);
