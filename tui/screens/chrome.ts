// SPDX-License-Identifier: Apache-2.0
// What stands around every screen: status, way down, views, keys.

import { formatCount, formatDuration } from '../../engine/base/format.ts';
import type { Status } from '../../engine/query/api.ts';
import { breadcrumb, currentView } from '../../engine/query/drill.ts';
import { fitMiddle, line, span, spread, widthOf, type Line, type Span } from '../frame.ts';
import { KEYS } from '../keys.ts';
import { current, type Model } from '../model.ts';

function sourceText(status: Status): string {
  const name =
    status.source.kind === 'live'
      ? `live ${status.hostname || status.source.name}`
      : status.source.name.replace(/^.*\//, '');
  return status.phase === 'loading'
    ? `${name} · reading ${Math.round((status.progress ?? 0) * 100)} %`
    : name;
}

/** Losses are never hidden: they stand first among the numbers. */
function lossSpans(status: Status): Span[] {
  const lost = Object.entries(status.drops).filter(([, count]) => count > 0);
  const total = lost.reduce((sum, [, count]) => sum + count, 0);
  const spans: Span[] = [];
  if (total > 0)
    spans.push(span(` ▼ ${formatCount(total)} lost (${lost.map(([cause]) => cause).join(', ')}) `, 'error'));
  if (status.evicted > 0) spans.push(span(` ${formatCount(status.evicted)} left memory `, 'warn'));
  return spans;
}

export function statusLine(model: Model): Line {
  const { status, columns } = model;
  if (status === undefined)
    return spread([span(' sonde ', 'brand'), span(' starting …', 'dim')], [], columns);
  const right: Span[] = [...lossSpans(status)];
  if (model.pausedAt !== undefined)
    right.push(
      span(` ‖ paused, ${formatCount(status.events - model.pausedAt.events)} events behind `, 'warn'),
    );
  if (status.source.kind === 'live') right.push(span(`${formatCount(status.rate)} ev/s  `));
  right.push(span(`${formatCount(status.events)} events `));
  if (columns >= 70) right.push(span(` ${formatDuration(status.now)} `, 'dim'));
  if (status.requests > 0) right.push(span(` ${formatCount(status.requests)} http `, 'accent'));
  if (status.errors > 0) right.push(span(` ${formatCount(status.errors)} errors `, 'error'));
  return spread([span(' sonde ', 'brand'), span(` ${sourceText(status)}`, 'bold')], right, columns);
}

/** host ▸ container ▸ process: the last part is never cut. */
export function crumbLine(model: Model): Line {
  const screen = current(model);
  const { path } = screen;
  const filter =
    path.filter === undefined
      ? []
      : [span(` filter: ${fitMiddle(path.filter, Math.floor(model.columns / 3))} `, 'warn')];
  const room = model.columns - filter.reduce((sum, item) => sum + widthOf(item.text), 0);
  const names = [model.status?.hostname || 'host', ...breadcrumb(path)];
  const title = screenTitle(model);
  const spans: Span[] = [];
  let left = room - widthOf(title) - 2;
  const shown: string[] = [];
  for (let i = names.length - 1; i >= 0; i--) {
    const name = fitMiddle(names[i] as string, i === names.length - 1 ? Math.max(8, left - 4) : 28);
    if (widthOf(name) + 3 > left) {
      shown.unshift('…');
      break;
    }
    shown.unshift(name);
    left -= widthOf(name) + 3;
  }
  shown.forEach((name, i) =>
    spans.push(
      span(i === 0 ? ` ${name}` : name, i === shown.length - 1 ? 'bold' : 'plain'),
      span(' ▸ ', 'dim'),
    ),
  );
  spans.push(span(title, 'accent'));
  return spread(spans, filter, model.columns);
}

function screenTitle(model: Model): string {
  const screen = current(model);
  switch (screen.kind) {
    case 'transaction':
      return screen.transaction === undefined
        ? 'HTTP'
        : `${screen.transaction.method} ${screen.transaction.url}`;
    case 'failure':
      return screen.failure === undefined ? 'Error' : screen.failure.errno.name;
    case 'event':
      return `Event ${screen.event ?? ''}`;
    case 'events':
      return 'Events';
    case 'table':
      return screen.table?.title ?? currentView(screen.path);
  }
}

/** The views of this selection; the one on screen stands out. */
export function viewsLine(model: Model): Line {
  const screen = current(model);
  const view = currentView(screen.path);
  const total = screen.kind === 'events' ? screen.events?.answer.total : screen.table?.total;
  const atLeast =
    (screen.kind === 'events' ? screen.events?.answer.atLeast : screen.table?.atLeast) === true
      ? 'at least '
      : '';
  const spans: Span[] = [span(' ')];
  for (const info of screen.views) {
    if (info.id === view) spans.push(span(` ${info.title} `, 'sorted'), span(' '));
    else spans.push(span(` ${info.title} `, 'dim'), span(' '));
  }
  const right = total === undefined ? [] : [span(`${atLeast}${formatCount(total)} `, 'dim')];
  return spread(spans, right, model.columns);
}

/** The keys that a newcomer needs, or what is asked or said at the moment. */
export function footLine(model: Model): Line {
  const { prompt, notice, columns } = model;
  if (prompt !== undefined) {
    const label = prompt.kind === 'find' ? ' search: ' : ' filter: ';
    const { check } = prompt;
    const room = columns - widthOf(label) - 2;
    const text = widthOf(prompt.text) > room - 1 ? prompt.text.slice(-(room - 1)) : prompt.text;
    const wrong = check !== undefined && !check.ok && prompt.text.trim() !== '';
    return spread(
      [span(label, 'key'), span(text, wrong ? 'error' : 'plain'), span('█', 'plain')],
      [],
      columns,
    );
  }
  if (notice !== undefined) return spread([span(` ${notice}`, 'warn')], [], columns);
  // why reading ended early stays in sight
  const error = model.status?.error;
  if (error !== undefined) return spread([span(` ${error}`, 'error')], [], columns);
  const spans: Span[] = [span(' ')];
  for (const row of KEYS) {
    if (row.footer !== undefined)
      spans.push(span(row.shown.split(' ')[0] as string, 'key'), span(` ${row.footer}  `, 'dim'));
  }
  return spread(spans, [], columns);
}

/** Where a filter is wrong, above the prompt. */
export function promptHint(model: Model): Line | undefined {
  const { prompt } = model;
  if (prompt?.kind !== 'filter' || prompt.text.trim() === '') return undefined;
  const { check } = prompt;
  if (check === undefined || check.ok)
    return line(span(' Enter takes the filter, Esc leaves it as it was', 'dim'));
  const caret = `${' '.repeat(' filter: '.length + check.position)}${'^'.repeat(Math.max(1, check.span))}`;
  return line(span(`${caret} ${check.message}`.slice(0, model.columns), 'error'));
}
