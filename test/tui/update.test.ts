// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { TableAnswer } from '../../engine/query/api.ts';
import { current, initialModel, type Model } from '../../tui/model.ts';
import { press, tableArrived } from '../../tui/update.ts';

const table = (...names: string[]): TableAnswer => ({
  view: 'procs',
  title: 'Processes',
  columns: [{ id: 'name', title: 'NAME', unit: 'text', width: 10, description: '' }],
  sort: 'name',
  descending: false,
  rows: names.map((name) => ({ key: name, cells: [name] })),
  total: names.length,
  atLeast: false,
});

const start = (): Model => initialModel({ steps: [{ view: 'procs' }] }, { columns: 80, rows: 24 }, undefined);
const under = (model: Model): string | undefined => current(model).table?.rows[current(model).cursor]?.key;

test('until somebody moves, the cursor is on whatever comes first', () => {
  const model = tableArrived(
    tableArrived(start(), table('idle', 'other'), 0),
    table('busy', 'idle', 'other'),
    100,
  );
  expect(under(model)).toBe('busy');
  expect(current(model).top).toBe(0);
});

test('once moved, the cursor stays on its row, and rows do not jump for a moment', () => {
  let model = tableArrived(start(), table('a', 'b', 'c'), 0);
  model = press(model, 'down', '', 1000);
  expect(under(model)).toBe('b');
  const soon = tableArrived(model, table('c', 'b', 'a', 'new'), 1500);
  expect(current(soon).table?.rows.map((row) => row.key)).toEqual(['a', 'b', 'c', 'new']);
  const later = tableArrived(model, table('c', 'new', 'a', 'b'), 9000);
  expect(current(later).table?.rows.map((row) => row.key)).toEqual(['c', 'new', 'a', 'b']);
  expect(under(later)).toBe('b');
});

test('keys typed into a prompt are text, not commands', () => {
  let model = press(tableArrived(start(), table('a'), 0), '/', '/', 0);
  for (const key of 'q?') model = press(model, key, key, 0);
  expect(model.quit).toBe(false);
  expect(model.prompt?.text).toBe('q?');
  expect(press(model, 'escape', '', 0).prompt).toBeUndefined();
});
