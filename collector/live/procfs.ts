// SPDX-License-Identifier: Apache-2.0
// Small readers for /proc. A process may go at any moment: whatever is not there any more reads as empty.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { toByteText } from '../../engine/base/text.ts';
import type { ByteText } from '../../engine/base/units.ts';

/** A file as ByteText. */
export function readText(path: string): ByteText {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

export function readLink(path: string): ByteText {
  try {
    return readlinkSync(path, { encoding: 'buffer' }).toString('latin1');
  } catch {
    return '';
  }
}

export function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Numbers among the names in a directory. */
export function listNumbers(path: string): number[] {
  return list(path).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** NUL-separated strings. */
export function readStrings(path: string): ByteText[] {
  const parts = readText(path).split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

export type Stat = {
  readonly comm: ByteText;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  readonly tty: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Ticks of 10 ms. */
  readonly user: number;
  readonly system: number;
};

export function readStat(path: string): Stat | undefined {
  const text = readText(path);
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < 0) return undefined;
  const rest = text.slice(close + 2).split(' ');
  const at = (index: number): number => Number(rest[index - 3] ?? 0);
  return {
    comm: text.slice(open + 1, close),
    ppid: at(4),
    pgrp: at(5),
    session: at(6),
    tty: at(7),
    minorFaults: at(10),
    majorFaults: at(12),
    user: at(14),
    system: at(15),
  };
}

export type Status = {
  readonly uid: number;
  readonly gid: number;
  readonly vmSize: number;
  readonly vmRss: number;
  readonly vmSwap: number;
  /** In the innermost namespace. */
  readonly vtid: number;
  readonly vpid: number;
  readonly vpgid: number;
};

export function readStatus(path: string): Status | undefined {
  const text = readText(path);
  if (text === '') return undefined;
  const line = (name: string): string[] =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  const number = (name: string): number => Number(line(name)[0] ?? 0);
  const last = (name: string): number => Number(line(name).at(-1) ?? -1);
  return {
    // the effective ones, as the probe has them
    uid: Number(line('Uid')[1] ?? 0),
    gid: Number(line('Gid')[1] ?? 0),
    vmSize: number('VmSize'),
    vmRss: number('VmRSS'),
    vmSwap: number('VmSwap'),
    vtid: last('NSpid'),
    vpid: last('NStgid'),
    vpgid: last('NSpgid'),
  };
}

/** `subsys=path` for each hierarchy; the unified one has no name of its own. */
export function readCgroups(path: string): ByteText[] {
  return readText(path)
    .split('\n')
    .flatMap((line) => {
      const match = /^\d+:([^:]*):(.*)$/.exec(line);
      if (match === null) return [];
      const [, subsystems = '', group = ''] = match;
      const names = subsystems === '' ? ['pids'] : subsystems.split(',');
      return names.map((name) => `${name}=${toByteText(group)}`);
    });
}
