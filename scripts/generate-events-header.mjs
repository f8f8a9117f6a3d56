// SPDX-License-Identifier: Apache-2.0
// Writes native/events.gen.h from the event table (engine/event): what the eBPF programs and the C library must know of events.
// With --check it writes nothing, and fails if the file is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const { CAPTURE, GENERIC_PATHS, KERNEL_MAPS } = await import(
  new URL('dist/engine/event/capture.js', root).href
);
const { EVENT_TYPES } = await import(new URL('dist/engine/event/schema.js', root).href);
const { SYSCALL_ROWS, SYSCALLS_X86_64, SYSCALLS_AARCH64 } = await import(
  new URL('dist/engine/event/syscalls.js', root).href
);

const MAX_PARAMS = 32;
const SIZES = {
  8: 'INT8 UINT8 FLAGS8 ENUMFLAGS8 SIGTYPE',
  16: 'INT16 UINT16 FLAGS16 ENUMFLAGS16',
  32: 'INT32 UINT32 FLAGS32 ENUMFLAGS32 MODE UID GID SIGSET',
};
const SIGNED = new Set('INT8 INT16 INT32 INT64 ERRNO FD PID'.split(' '));
const BUFFERS = new Set('CHARBUF FSPATH FSRELPATH BYTEBUF SOCKADDR SOCKTUPLE FDLIST DYN'.split(' '));

function sizeOf(type) {
  if (BUFFERS.has(type)) return 0;
  for (const [bits, types] of Object.entries(SIZES))
    if (types.split(' ').includes(type)) return Number(bits) / 8;
  return 8;
}

// arguments of these types are ints in the kernel's interface, widened in the event
const INTS = new Set(['FD', 'PID', 'ERRNO', 'INT32', 'INT64']);

const kinds = new Set();
const mapNames = Object.keys(KERNEL_MAPS);
const facts =
  'exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups env tty pgid loginuid uid gid vtid vpid exepath dev ino queuepct queuelen queuemax accepted sent received none zero ret status exitcode signal core sockerr'.split(
    ' ',
  );

function parseWord(word, type, event) {
  const size = sizeOf(type);
  const match = /^([a-z_]*)(\d)?(?:\+(\d+))?(?::([a-z]+))?$/.exec(word);
  const [, name = '', arg, offset = '0', map] = match ?? [];
  const known = facts.includes(word) ? word : arg === undefined ? undefined : name === '' ? 'arg' : name;
  if (match === null || known === undefined) throw new Error(`${event}: what is "${word}"?`);
  if (map !== undefined && !mapNames.includes(map)) throw new Error(`${event}: no map "${map}"`);
  const isInt =
    known === 'arg' && INTS.has(type) && !(type === 'INT64' && event !== 'poll' && event !== 'prlimit');
  const kind = `K_${(isInt ? 'int' : known === 'zero' && size === 0 ? 'none' : known).toUpperCase()}`;
  kinds.add(kind);
  return {
    kind,
    arg: Number(arg ?? 0),
    size,
    offset: Number(offset),
    map: map === undefined ? 0 : mapNames.indexOf(map) + 1,
    isSigned: SIGNED.has(type),
  };
}

const descs = [{ name: 'generic', code: 1, params: [] }];
const byCode = new Map();
function describe(code) {
  if (byCode.has(code)) return byCode.get(code);
  const type = EVENT_TYPES[code];
  const words = CAPTURE[type.name];
  if (words === undefined) return 0;
  const list = words === '' ? [] : words.split(' ');
  if (list.length !== type.params.length)
    throw new Error(`${type.name} has ${type.params.length} params, and its row ${list.length} words`);
  if (list.length > MAX_PARAMS) throw new Error(`${type.name} has too many params`);
  descs.push({
    name: type.name,
    code,
    params: list.map((word, i) => parseWord(word, type.params[i].type, type.name)),
  });
  byCode.set(code, descs.length - 1);
  return descs.length - 1;
}

const names = new Map(SYSCALL_ROWS.map((row) => [row.sc, row.name]));
function calls(list) {
  return list.map(([nr, sc, exit]) => ({
    nr,
    sc,
    desc: exit > 1 ? describe(exit) : 0,
    path: GENERIC_PATHS[names.get(sc)] ?? 255,
    name: names.get(sc),
  }));
}
const x86 = calls(SYSCALLS_X86_64);
const arm = calls(SYSCALLS_AARCH64);
const procexit = describe(186);
const maxNr = Math.max(...[...x86, ...arm].map((call) => call.nr));

const lines = [
  '/* SPDX-License-Identifier: (MIT OR GPL-2.0) */',
  '/* Made by scripts/generate-events-header.mjs from engine/event; do not edit. */',
  '#ifndef SONDE_EVENTS_GEN_H',
  '#define SONDE_EVENTS_GEN_H',
  '',
  `#define SONDE_MAX_PARAMS ${MAX_PARAMS}`,
  `#define SONDE_MAX_SYSCALL ${maxNr + 1}`,
  `#define SONDE_DESC_PROCEXIT ${procexit}`,
  '',
  'enum sonde_kind {',
  ...[...kinds].sort().map((kind) => `\t${kind},`),
  '};',
  '',
  '/* How to get a param: see engine/event/capture.ts. size in bytes, 0 = as long as it is; map: index into sonde_maps, 0 = none. */',
  'struct sonde_param {',
  '\t__u8 kind, arg, size, offset, map, is_signed;',
  '};',
  '',
  'struct sonde_desc {',
  '\t__u16 code;',
  '\t__u16 nparams;',
  '\tstruct sonde_param params[SONDE_MAX_PARAMS];',
  '};',
  '',
  '/* desc: index into sonde_descs, 0 = generic; path: argument with the path, 255 = none. */',
  'struct sonde_call {',
  '\t__u16 desc, sc;',
  '\t__u8 path;',
  '};',
  '',
  `#define SONDE_DESCS ${descs.length}`,
  'static const struct sonde_desc sonde_descs[SONDE_DESCS] = {',
  ...descs.map((desc) => {
    const params = desc.params
      .map((p) => `{ ${p.kind}, ${p.arg}, ${p.size}, ${p.offset}, ${p.map}, ${p.isSigned ? 1 : 0} }`)
      .join(', ');
    return `\t{ ${desc.code}, ${desc.params.length}, { ${params} } }, /* ${desc.name} */`;
  }),
  '};',
  '',
  'static const struct sonde_call sonde_calls[SONDE_MAX_SYSCALL] = {',
  '#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)',
  ...arm.map((call) => `\t[${call.nr}] = { ${call.desc}, ${call.sc}, ${call.path} }, /* ${call.name} */`),
  '#else',
  ...x86.map((call) => `\t[${call.nr}] = { ${call.desc}, ${call.sc}, ${call.path} }, /* ${call.name} */`),
  '#endif',
  '};',
  '',
  '#ifndef __bpf__',
  '/* From kernel values to those of the format. */',
  'struct sonde_pair {',
  '\t__u64 from, to;',
  '};',
  'struct sonde_map {',
  '\tint is_mask;',
  '\tint npairs;',
  '\t__u64 keep;',
  '\tstruct sonde_pair pairs[32];',
  '};',
  `#define SONDE_MAP_OPEN ${mapNames.indexOf('open') + 1}`,
  `static const struct sonde_map sonde_maps[${mapNames.length + 1}] = {`,
  '\t{ 0, 0, 0, { { 0, 0 } } },',
  ...mapNames.map((name) => {
    const { kind, pairs, keep = 0 } = KERNEL_MAPS[name];
    return `\t{ ${kind === 'mask' ? 1 : 0}, ${pairs.length}, ${keep}, { ${pairs.map(([from, to]) => `{ ${from}u, ${to}u }`).join(', ') || '{ 0, 0 }'} } }, /* ${name} */`;
  }),
  '};',
  '#endif',
  '',
  '#endif',
  '',
];

const file = fileURLToPath(new URL('native/events.gen.h', root));
const text = lines.join('\n');
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('native/events.gen.h is stale: run "npm run gen"');
    process.exit(1);
  }
} else writeFileSync(file, text);
