// SPDX-License-Identifier: Apache-2.0
// The whole picture of a model: exactly `rows` lines.

import { fit, line, span, type Line } from '../frame.ts';
import { KEYS } from '../keys.ts';
import { bodyRows, current, type Model } from '../model.ts';
import { crumbLine, footLine, promptHint, statusLine, viewsLine } from './chrome.ts';
import { eventLines, failureLines, transactionLines } from './detail.ts';
import { eventsLines, filled, tableLines } from './table.ts';

const SMALLEST = { columns: 40, rows: 10 } as const;

export function picture(model: Model): Line[] {
  if (model.columns < SMALLEST.columns || model.rows < SMALLEST.rows) {
    return filled([line(span(fit(`need ${SMALLEST.columns}x${SMALLEST.rows}`, model.columns)))], model.rows);
  }
  const hint = promptHint(model);
  const lines = [statusLine(model), crumbLine(model), ...body(model), footLine(model)];
  if (hint !== undefined) lines[lines.length - 2] = hint;
  return model.overlay === undefined ? lines : overlaid(model, lines);
}

function body(model: Model): Line[] {
  const screen = current(model);
  const height = bodyRows(model);
  switch (screen.kind) {
    case 'table':
      return [viewsLine(model), ...tableLines(model)];
    case 'events':
      return [viewsLine(model), ...eventsLines(model)];
    default: {
      const lines = detail(model);
      return [
        line(),
        ...filled(lines.slice(Math.min(screen.top, Math.max(0, lines.length - height))), height),
      ];
    }
  }
}

function detail(model: Model): Line[] {
  const screen = current(model);
  if (screen.problem !== undefined) return [line(span(` ${screen.problem}`, 'error'))];
  if (screen.transaction !== undefined) return transactionLines(model, screen.transaction);
  if (screen.failure !== undefined) return failureLines(model, screen.failure);
  if (screen.detail !== undefined) return eventLines(model, screen.detail);
  return [line(span(' …', 'dim'))];
}

/** Lines of the detail on screen, for scrolling. */
export function detailLength(model: Model): number {
  const { kind } = current(model);
  return kind === 'table' || kind === 'events' ? 0 : detail(model).length;
}

function overlaid(model: Model, lines: readonly Line[]): Line[] {
  const box = model.overlay?.kind === 'help' ? helpBox(model) : viewsBox(model);
  const top = 2;
  return lines.map((below, y) => box[y - top] ?? below);
}

function boxed(title: string, content: readonly Line[], width: number): Line[] {
  const inner = width - 4;
  const edge = (left: string, right: string, text: string): Line =>
    line(
      span(
        `  ${left}${fit(text, inner - 2).replace(/ +$/, '')}${'─'.repeat(Math.max(0, inner - 2 - text.length))}${right}`,
        'bar',
      ),
    );
  return [
    edge('┌', '┐', `─ ${title} `),
    ...content.map((item): Line => {
      const used = item.spans.reduce((sum, part) => sum + part.text.length, 0);
      return {
        ...item,
        spans: [
          span('  │', 'bar'),
          ...item.spans,
          span(' '.repeat(Math.max(0, inner - 2 - used))),
          span('│', 'bar'),
        ],
      };
    }),
    edge('└', '┘', ''),
  ];
}

function helpBox(model: Model): Line[] {
  const width = Math.min(model.columns, 84);
  const height = model.rows - 6;
  const rows = KEYS.map((row) =>
    line(span(` ${fit(row.shown, 10)} `, 'key'), span(fit(row.title, width - 20))),
  );
  const top = Math.min(
    model.overlay?.kind === 'help' ? model.overlay.top : 0,
    Math.max(0, rows.length - height),
  );
  return boxed('Keys (any key closes, ↑↓ scroll)', rows.slice(top, top + height), width);
}

function viewsBox(model: Model): Line[] {
  const cursor = model.overlay?.kind === 'views' ? model.overlay.cursor : 0;
  const width = Math.min(model.columns, 84);
  const rows = current(model).views.map((view, i): Line => ({
    spans: [span(` ${fit(view.title, 14)} `, 'bold'), span(fit(view.description, width - 24), 'dim')],
    selected: i === cursor,
  }));
  return boxed('Views', rows, width);
}
