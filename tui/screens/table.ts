// SPDX-License-Identifier: Apache-2.0
// A view as a table, and the events as a list.

import { formatClock, formatDuration } from '../../engine/base/format.ts';
import type { EventLine, Row } from '../../engine/query/api.ts';
import { cellText, isNumeric, placeColumns } from '../cells.ts';
import { fit, fitMiddle, line, span, type Line, type Span, type Style } from '../frame.ts';
import { bodyRows, current, type Model, type Screen } from '../model.ts';

const MARKS: Readonly<Record<NonNullable<Row['mark']>, Style>> = { error: 'error', warn: 'warn', dim: 'dim' };

export function tableLines(model: Model): Line[] {
  const screen = current(model);
  const { table } = screen;
  const height = bodyRows(model);
  if (screen.problem !== undefined)
    return filled([line(), line(span(`  ${screen.problem}`, 'error'))], height + 1);
  if (table === undefined) return filled([line(), line(span('  …', 'dim'))], height + 1);
  const placed = placeColumns(table.columns, model.columns - 1, table.sort);
  const head = line(
    span(' ', 'head'),
    ...placed.map(({ column, width }) => {
      const sorted = column.id === table.sort;
      const title = sorted ? `${column.title}${table.descending ? '▼' : '▲'}` : column.title;
      return span(
        `${fit(title, width, isNumeric(column.unit) ? 'right' : 'left')} `,
        sorted ? 'sorted' : 'head',
      );
    }),
  );
  if (table.rows.length === 0)
    return filled([head, line(), line(span(`  ${table.empty ?? 'nothing here'}`, 'dim'))], height + 1);
  const rows = table.rows
    .slice(screen.top, screen.top + height)
    .map((row, i) => rowLine(row, screen, placed, screen.top + i === screen.cursor));
  return filled([head, ...rows], height + 1);
}

function rowLine(row: Row, screen: Screen, placed: ReturnType<typeof placeColumns>, selected: boolean): Line {
  const style: Style = row.mark === undefined ? 'plain' : MARKS[row.mark];
  const spans: Span[] = [span(selected ? '›' : ' ', 'accent')];
  placed.forEach(({ index, column, width }, at) => {
    const cell = row.cells[index] ?? null;
    const text = cellText(cell, column.unit);
    const numeric = isNumeric(column.unit) || typeof cell === 'number';
    const short = column.width === 0 && !numeric ? fitMiddle(text, width) : text;
    const isZero = cell === 0 || cell === null;
    const own: Style = isZero
      ? 'dim'
      : column.id === 'errors' && style === 'plain'
        ? 'error'
        : at === 0 && style === 'plain'
          ? 'bold'
          : style;
    spans.push(...highlighted(`${fit(short, width, numeric ? 'right' : 'left')} `, screen.find, own));
  });
  return { spans, selected };
}

/** Marks what was searched for. */
function highlighted(text: string, find: string, style: Style): Span[] {
  if (find === '') return [span(text, style)];
  const at = text.toLowerCase().indexOf(find.toLowerCase());
  if (at < 0) return [span(text, style)];
  return [
    span(text.slice(0, at), style),
    span(text.slice(at, at + find.length), 'match'),
    span(text.slice(at + find.length), style),
  ];
}

export function filled(lines: Line[], height: number): Line[] {
  const shown = lines.slice(0, height);
  while (shown.length < height) shown.push(line());
  return shown;
}

// ---- events ----

const HEAD = { num: 8, time: 12, cpu: 2, process: 15, tid: 7, type: 14, latency: 8 } as const;

export function eventsLines(model: Model): Line[] {
  const screen = current(model);
  const height = bodyRows(model);
  const { events } = screen;
  const wide = model.columns >= 100;
  const head = line(
    span(
      fit(
        ` ${fit('NUM', HEAD.num, 'right')} ${fit('TIME', HEAD.time)} ${wide ? `${fit('C', HEAD.cpu, 'right')} ` : ''}${fit('PROCESS', HEAD.process)} ${wide ? `${fit('TID', HEAD.tid, 'right')} ` : ''}  ${fit('TYPE', HEAD.type)}${fit('LATENCY', HEAD.latency, 'right')} ARGS`,
        model.columns,
      ),
      'head',
    ),
  );
  if (screen.problem !== undefined)
    return filled([head, line(), line(span(`  ${screen.problem}`, 'error'))], height + 1);
  if (events === undefined) return filled([head, line(span('  …', 'dim'))], height + 1);
  if (events.answer.total === 0)
    return filled([head, line(), line(span('  no event matches', 'dim'))], height + 1);
  const lines: Line[] = [head];
  for (let i = 0; i < height; i++) {
    const index = screen.top + i;
    if (index >= events.answer.total) break;
    const item = events.answer.events[index - events.offset];
    lines.push(
      item === undefined ? line(span('  …', 'dim')) : eventLine(model, item, index === screen.cursor, wide),
    );
  }
  return filled(lines, height + 1);
}

function eventLine(model: Model, item: EventLine, selected: boolean, wide: boolean): Line {
  const start = model.status?.startEpochNs ?? '0';
  const time = formatClock(start, item.ts, 3);
  const style: Style = item.failed ? 'error' : 'plain';
  const latency = item.latency === null ? '' : formatDuration(item.latency);
  const slow = item.latency !== null && item.latency > 1e6;
  const spans: Span[] = [
    span(selected ? '›' : ' ', 'accent'),
    span(`${fit(String(item.num), HEAD.num, 'right')} `, 'dim'),
    span(`${fit(time, HEAD.time)} `, 'dim'),
    ...(wide ? [span(`${fit(String(item.cpu), HEAD.cpu, 'right')} `, 'dim')] : []),
    span(`${fit(item.process, HEAD.process)} `, 'plain'),
    ...(wide ? [span(`${fit(String(item.tid), HEAD.tid, 'right')} `, 'dim')] : []),
    span(item.failed ? '✗ ' : `${item.dir} `, item.failed ? 'error' : 'dim'),
    span(fit(item.type, HEAD.type), item.failed ? 'error' : 'accent'),
    span(`${fit(latency, HEAD.latency, 'right')} `, slow ? 'warn' : 'dim'),
  ];
  const used = spans.reduce((sum, item) => sum + item.text.length, 0);
  spans.push(...highlighted(fit(item.args, Math.max(0, model.columns - used)), current(model).find, style));
  return { spans, selected };
}
