// SPDX-License-Identifier: Apache-2.0
// All fields, and how to find one by what a user typed.

import { FilterError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import { CONTAINER, K8S, MESOS } from './container.ts';
import { EVT } from './evt.ts';
import { FD } from './fd.ts';
import type { Field, FieldArg, FieldClass } from './field.ts';
import { FDLIST, FS_PATH, SYSLOG, UTIL } from './other.ts';
import { PROCESS } from './process.ts';
import { EVTIN, SPAN } from './span.ts';
import { GROUP, USER } from './user.ts';

export const FIELD_CLASSES: readonly FieldClass[] = [
  EVT,
  PROCESS,
  USER,
  GROUP,
  FD,
  FS_PATH,
  CONTAINER,
  K8S,
  MESOS,
  FDLIST,
  SYSLOG,
  SPAN,
  EVTIN,
  UTIL,
];

const byName = new Map<string, Field>();
for (const { fields } of FIELD_CLASSES) for (const item of fields) byName.set(item.name, item);

export type FoundField = {
  readonly field: Field;
  readonly arg: FieldArg | undefined;
  /** Characters of the text that name and argument take. */
  readonly length: number;
};

const WORD = /^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_/-]+)*/;

/**
 * The longest field that `text` begins with, and its argument.
 *
 * @returns undefined if it begins with none
 */
export function findField(text: ByteText): FoundField | undefined {
  let name = WORD.exec(text)?.[0] ?? '';
  while (name !== '') {
    const found = byName.get(name);
    if (found !== undefined) return withArgument(found, text);
    name = name.slice(0, -1);
  }
  return undefined;
}

function withArgument(field: Field, text: ByteText): FoundField {
  const { length } = field.name;
  if (field.arg === 'none') return { field, arg: undefined, length };
  const rest = text.slice(length);
  const bracket = /^\[("[^"]*"|'[^']*'|[^\]]*)\]/.exec(rest);
  if (bracket !== null) {
    const inner = bracket[1] ?? '';
    const quoted = /^(["'])(.*)\1$/s.exec(inner);
    return { field, arg: { text: quoted?.[2] ?? inner, bracket: true }, length: length + bracket[0].length };
  }
  const dotted = /^\.([A-Za-z0-9_][A-Za-z0-9_./-]*)/.exec(rest);
  if (dotted !== null)
    return { field, arg: { text: dotted[1] ?? '', bracket: false }, length: length + dotted[0].length };
  return { field, arg: undefined, length };
}

/**
 * The field that `text` names, whole.
 *
 * @param position where the text stands in what the user typed, for the error
 * @throws FilterError `unknown-field`, `bad-argument`
 */
export function resolveField(text: ByteText, position: number): FoundField {
  const found = findField(text);
  if (found === undefined || found.length !== text.length) {
    const suggestion = nearestField(text);
    const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
    throw new FilterError(
      'unknown-field',
      `there is no field "${text}"${hint}`,
      position,
      text.length,
      suggestion,
    );
  }
  if (found.field.arg === 'required' && found.arg === undefined) {
    throw new FilterError(
      'bad-argument',
      `${text} needs an argument: ${text}.NAME or ${text}[NAME]`,
      position,
      text.length,
    );
  }
  return found;
}

/** The field whose name is nearest to `text`, if it is near enough to be meant. */
export function nearestField(text: string): string | undefined {
  return nearest(text.replace(/\[.*$/s, ''), byName.keys());
}

/** The candidate that needs the fewest changes, if it is near enough to be meant. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - text.length) > bestDistance) continue;
    // what was begun rightly is nearer than what is equally far
    const distance = editDistance(text, candidate) - (candidate.startsWith(text) ? 0.5 : 0);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

// Insertions, deletions, replacements and swaps of neighbours.
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] as number) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] as number;
}
