// SPDX-License-Identifier: Apache-2.0
// How the model changes: by keys and by answers. Pure; nothing here waits for anything.

import type { Row, Status, TableAnswer, ViewInfo } from '../engine/query/api.ts';
import { currentView, drillInto, switchView, type DrillPath } from '../engine/query/drill.ts';
import { commandOf, type Command } from './keys.ts';
import { bodyRows, current, rowCount, screenFor, type Model, type Prompt, type Screen } from './model.ts';

/** Rows stay where they are for this long after the cursor moved. */
const SETTLE_MS = 1500;

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high));

function withScreen(model: Model, change: Partial<Screen>): Model {
  return { ...model, stack: [...model.stack.slice(0, -1), { ...current(model), ...change }] };
}

/** Goes down; the row that was entered is the one to come back to, wherever it moves. */
function push(model: Model, screen: Screen): Model {
  const key = selectedRow(current(model))?.key;
  const left = key === undefined ? model : withScreen(model, { cursorKey: key });
  return { ...left, stack: [...left.stack, screen] };
}

function goTo(model: Model, path: DrillPath): Model {
  return { ...model, stack: [...model.stack.slice(0, -1), screenFor(path)] };
}

// ---- the cursor ----

function moveTo(model: Model, wanted: number, now: number): Model {
  const screen = current(model);
  const body = bodyRows(model);
  if (screen.kind !== 'table' && screen.kind !== 'events') {
    return withScreen(model, { top: Math.max(0, wanted) });
  }
  const cursor = clamp(wanted, 0, Math.max(0, rowCount(screen) - 1));
  const key = screen.table?.rows[cursor]?.key;
  const moved = withScreen(model, {
    cursor,
    top: clamp(screen.top, Math.max(0, cursor - body + 1), cursor),
    ...(key === undefined ? {} : { cursorKey: key }),
  });
  return { ...moved, movedAt: now };
}

function scrollPosition(model: Model): number {
  const screen = current(model);
  return screen.kind === 'table' || screen.kind === 'events' ? screen.cursor : screen.top;
}

// ---- into and out ----

function selectedRow(screen: Screen): Row | undefined {
  return screen.table?.rows[screen.cursor];
}

/** What the breadcrumb calls a row. */
function labelOf(table: TableAnswer, row: Row): string {
  if (table.view === 'procs') {
    const at = (id: string): string =>
      String(row.cells[table.columns.findIndex((column) => column.id === id)] ?? '');
    // the program without its directory and arguments
    const program = (at('command').split(' ')[0] ?? '').replace(/^.*\//, '');
    return `${program} ${at('pid')}`.trim();
  }
  if (table.view === 'errors' || table.view === 'http')
    return row.cells
      .filter((cell) => typeof cell === 'string' && cell !== '')
      .slice(0, 3)
      .join(' ');
  return String(row.cells[0] ?? row.key);
}

function enter(model: Model): Model {
  const screen = current(model);
  if (screen.kind === 'events') {
    const index = screen.cursor - (screen.events?.offset ?? 0);
    const event = screen.events?.answer.events[index];
    return event === undefined
      ? model
      : push(model, { ...screenFor(screen.path), kind: 'event', event: event.num });
  }
  if (screen.kind === 'transaction' || screen.kind === 'failure')
    return push(model, screenFor(switchView(screen.path, 'events')));
  if (screen.kind !== 'table' || screen.table === undefined) return model;
  const row = selectedRow(screen);
  const info = screen.views.find((view) => view.id === currentView(screen.path));
  const target = row?.opens === undefined ? info?.drill : (row.opens ?? undefined);
  if (row === undefined || target === undefined)
    return {
      ...model,
      notice: row === undefined ? 'there is no row to open' : 'there is nothing below this row',
    };
  // sections only lead on: they select nothing
  const path =
    currentView(screen.path) === 'sections'
      ? switchView(screen.path, target)
      : drillInto(screen.path, row.key, target, labelOf(screen.table, row));
  return push(model, screenFor(path));
}

function back(model: Model): Model {
  if (model.stack.length > 1) return { ...model, stack: model.stack.slice(0, -1) };
  return { ...model, notice: 'this is the top; q quits' };
}

function openEvents(model: Model): Model {
  const screen = current(model);
  const row = selectedRow(screen);
  if (
    screen.kind === 'table' &&
    row !== undefined &&
    screen.table !== undefined &&
    currentView(screen.path) !== 'sections'
  ) {
    return push(model, screenFor(drillInto(screen.path, row.key, 'events', labelOf(screen.table, row))));
  }
  return screen.kind === 'events' || screen.kind === 'event'
    ? model
    : push(model, screenFor(switchView(screen.path, 'events')));
}

function siblingView(model: Model, step: number): Model {
  const screen = current(model);
  if (screen.kind !== 'table' && screen.kind !== 'events') return model;
  const { views } = screen;
  const at = views.findIndex((view) => view.id === currentView(screen.path));
  if (at < 0 || views.length < 2) return model;
  return openView(model, views[(at + step + views.length) % views.length] as ViewInfo);
}

function openView(model: Model, view: ViewInfo): Model {
  const screen = current(model);
  const next = goTo(model, switchView(screen.path, view.id));
  return withScreen(next, { views: screen.views });
}

// ---- sorting and searching ----

function sortBy(model: Model, step: number): Model {
  const { table } = current(model);
  if (table === undefined) return model;
  const at = table.columns.findIndex((column) => column.id === table.sort);
  const column = table.columns[(at + step + table.columns.length) % table.columns.length];
  return column === undefined
    ? model
    : {
        ...withScreen(model, { sort: column.id, descending: column.unit !== 'text' && column.unit !== 'id' }),
        movedAt: 0,
      };
}

function findFrom(model: Model, step: number, now: number): Model {
  const screen = current(model);
  const rows = screen.table?.rows ?? [];
  const wanted = screen.find.toLowerCase();
  if (wanted === '' || rows.length === 0) return model;
  for (let i = 1; i <= rows.length; i++) {
    const index = (((screen.cursor + i * step) % rows.length) + rows.length) % rows.length;
    if (
      rows[index]?.cells.some((cell) =>
        String(cell ?? '')
          .toLowerCase()
          .includes(wanted),
      ) === true
    )
      return moveTo(model, index, now);
  }
  return { ...model, notice: `"${screen.find}" is in no row` };
}

// ---- prompts ----

function openPrompt(model: Model, kind: Prompt['kind']): Model {
  const screen = current(model);
  const before = kind === 'find' ? screen.find : (screen.path.filter ?? '');
  return { ...model, prompt: { kind, text: kind === 'find' ? '' : before, before } };
}

function setFilter(model: Model, filter: string): Model {
  const text = filter.trim();
  const change = ({ path, ...screen }: Screen): Screen => {
    const { filter: _old, ...rest } = path;
    return { ...screen, path: text === '' ? rest : { ...rest, filter: text } };
  };
  return { ...model, stack: model.stack.map(change) };
}

function pressInPrompt(model: Model, prompt: Prompt, key: string, text: string, now: number): Model {
  const { prompt: _gone, ...closed } = model;
  switch (key) {
    case 'escape':
    case 'C-c':
      return prompt.kind === 'find' ? withScreen(closed, { find: '' }) : closed;
    case 'enter':
      if (prompt.kind === 'find') return findFrom(withScreen(closed, { find: prompt.text }), 1, now);
      // a filter that is wrong is not taken: the prompt stays, and says where
      return prompt.check !== undefined && !prompt.check.ok && prompt.text.trim() !== ''
        ? model
        : setFilter(closed, prompt.text);
    case 'backspace':
      return edited(model, prompt, prompt.text.slice(0, -1));
    case 'C-u':
      return edited(model, prompt, '');
    case 'C-w':
      return edited(model, prompt, prompt.text.replace(/\S+\s*$/, ''));
    default:
      return text === '' ? model : edited(model, prompt, prompt.text + text);
  }
}

function edited(model: Model, prompt: Prompt, text: string): Model {
  const { check: _old, ...rest } = prompt;
  const next = { ...model, prompt: { ...rest, text } };
  return prompt.kind === 'find' ? withScreen(next, { find: text }) : next;
}

// ---- keys ----

const COMMANDS: Readonly<Record<Command, (model: Model, now: number) => Model>> = {
  up: (model, now) => moveTo(model, scrollPosition(model) - 1, now),
  down: (model, now) => moveTo(model, scrollPosition(model) + 1, now),
  pageUp: (model, now) => moveTo(model, scrollPosition(model) - bodyRows(model), now),
  pageDown: (model, now) => moveTo(model, scrollPosition(model) + bodyRows(model), now),
  first: (model, now) => moveTo(model, 0, now),
  last: (model, now) => moveTo(model, Number.MAX_SAFE_INTEGER, now),
  enter,
  back,
  nextView: (model) => siblingView(model, 1),
  previousView: (model) => siblingView(model, -1),
  views: (model) => ({
    ...model,
    overlay: {
      kind: 'views',
      cursor: Math.max(
        0,
        current(model).views.findIndex((view) => view.id === currentView(current(model).path)),
      ),
    },
  }),
  events: openEvents,
  sortNext: (model) => sortBy(model, 1),
  sortPrevious: (model) => sortBy(model, -1),
  invert: (model) =>
    withScreen(model, {
      sort: current(model).table?.sort ?? '',
      descending: !(current(model).table?.descending ?? true),
    }),
  find: (model) => openPrompt(model, 'find'),
  findNext: (model, now) => findFrom(model, 1, now),
  findPrevious: (model, now) => findFrom(model, -1, now),
  filter: (model) => openPrompt(model, 'filter'),
  pause: (model) => {
    const { pausedAt, ...running } = model;
    return pausedAt === undefined
      ? { ...model, pausedAt: { version: model.status?.version ?? 0, events: model.status?.events ?? 0 } }
      : running;
  },
  secrets: (model) => ({
    ...model,
    showSecrets: !model.showSecrets,
    notice: model.showSecrets ? 'secrets are masked' : 'secrets are shown',
  }),
  yank: (model) => model,
  map: (model) => ({
    ...model,
    notice: model.mapUrl === undefined ? 'there is no map: start sonde with --web' : `map: ${model.mapUrl}`,
  }),
  help: (model) => ({ ...model, overlay: { kind: 'help', top: 0 } }),
  quit: (model) => ({ ...model, quit: true }),
};

function pressInOverlay(model: Model, overlay: NonNullable<Model['overlay']>, key: string): Model {
  const { overlay: _gone, ...closed } = model;
  const command = commandOf(key);
  if (overlay.kind === 'help') {
    if (command === 'down') return { ...model, overlay: { kind: 'help', top: overlay.top + 1 } };
    if (command === 'up') return { ...model, overlay: { kind: 'help', top: Math.max(0, overlay.top - 1) } };
    return closed;
  }
  const { views } = current(model);
  if (command === 'down')
    return { ...model, overlay: { kind: 'views', cursor: Math.min(views.length - 1, overlay.cursor + 1) } };
  if (command === 'up')
    return { ...model, overlay: { kind: 'views', cursor: Math.max(0, overlay.cursor - 1) } };
  const chosen = views[overlay.cursor];
  return command === 'enter' && chosen !== undefined ? openView(closed, chosen) : closed;
}

/**
 * A key was pressed.
 *
 * @param key name such as `down`, `enter`, `C-u`, `x`
 * @param text what it types, '' if nothing
 * @param now ms
 */
export function press(model: Model, key: string, text: string, now: number): Model {
  const { notice: _old, ...quiet } = model;
  if (quiet.prompt !== undefined) return pressInPrompt(quiet, quiet.prompt, key, text, now);
  if (quiet.overlay !== undefined) return pressInOverlay(quiet, quiet.overlay, key);
  const command = commandOf(key);
  return command === undefined ? quiet : COMMANDS[command](quiet, now);
}

// ---- answers ----

/** A new table for a screen: the cursor stays on its row. */
export function tableArrived(model: Model, table: TableAnswer, now: number): Model {
  const screen = current(model);
  const held = screen.table;
  // while somebody moves, rows keep their places: only their values change
  const settled =
    model.movedAt === 0 ||
    now - model.movedAt >= SETTLE_MS ||
    held === undefined ||
    held.sort !== table.sort ||
    held.descending !== table.descending;
  const rows = settled ? table.rows : keepOrder(held.rows, table.rows);
  const at = screen.cursorKey === undefined ? -1 : rows.findIndex((row) => row.key === screen.cursorKey);
  const cursor = clamp(at >= 0 ? at : screen.cursor, 0, Math.max(0, rows.length - 1));
  const body = bodyRows(model);
  // the head of the list stays in view as long as the cursor allows: there is what matters most
  const top = clamp(screen.top, Math.max(0, cursor - body + 1), cursor);
  const { problem: _old, ...rest } = screen;
  const next: Screen = { ...rest, table: { ...table, rows }, cursor, top };
  return { ...model, stack: [...model.stack.slice(0, -1), next] };
}

function keepOrder(before: readonly Row[], after: readonly Row[]): Row[] {
  const fresh = new Map(after.map((row) => [row.key, row]));
  const kept = before.flatMap((row) => {
    const now = fresh.get(row.key);
    if (now === undefined) return [];
    fresh.delete(row.key);
    return [now];
  });
  return [...kept, ...fresh.values()];
}

export function screenArrived(model: Model, change: Partial<Screen>): Model {
  return withScreen(model, change);
}

export function statusArrived(model: Model, status: Status): Model {
  return { ...model, status };
}
