// SPDX-License-Identifier: Apache-2.0
// Values of a table as text, and which columns fit a width.

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRelative,
} from '../engine/base/format.ts';
import type { Cell, Column, Unit } from '../engine/query/api.ts';

/** null is unknown, and never looks like 0. */
export function cellText(cell: Cell, unit: Unit): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  switch (unit) {
    case 'count':
    case 'perSecond':
      return formatCount(cell);
    case 'percent':
      return formatPercent(cell);
    case 'bytes':
    case 'rate':
      return formatBytes(cell);
    case 'duration':
      return formatDuration(cell);
    case 'time':
      return formatRelative(cell, 3);
    case 'text':
    case 'id':
      return String(cell);
  }
}

export const isNumeric = (unit: Unit): boolean => unit !== 'text';

export type Placed = { readonly index: number; readonly column: Column; readonly width: number };

const FLEX_MIN = 12;
const GAP = 1;

/** The columns that fit into `width`: the first and the sorted one always, then from the left; what takes the rest takes it. */
export function placeColumns(columns: readonly Column[], width: number, sort: string): Placed[] {
  const need = (column: Column): number =>
    (column.width === 0 ? FLEX_MIN : Math.max(column.width, column.title.length + 1)) + GAP;
  const must = columns.filter((column, i) => i === 0 || column.id === sort || column.width === 0);
  let left = width - must.reduce((sum, column) => sum + need(column), 0);
  const chosen = new Set(must);
  for (const column of columns) {
    if (chosen.has(column)) continue;
    if (need(column) > left) continue;
    chosen.add(column);
    left -= need(column);
  }
  const flexible = columns.filter((column) => chosen.has(column) && column.width === 0).length;
  const share = flexible === 0 ? 0 : Math.floor(Math.max(0, left) / flexible);
  return columns.flatMap((column, index) =>
    chosen.has(column)
      ? [{ index, column, width: need(column) - GAP + (column.width === 0 ? share : 0) }]
      : [],
  );
}
