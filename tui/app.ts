// SPDX-License-Identifier: Apache-2.0
// The terminal face: keys change the model at once; what the model lacks is asked for, and drawn when it comes. No key waits for
// an answer, and an answer that comes too late for its screen is dropped.

import type { EngineClient, EventsAnswer } from '../engine/query/api.ts';
import { InputError } from '../engine/base/errors.ts';
import type { DrillPath } from '../engine/query/drill.ts';
import { cellText } from './cells.ts';
import { bodyRows, current, initialModel, type Model, type Screen } from './model.ts';
import { detailLength, picture } from './screens/picture.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { press, screenArrived, statusArrived, tableArrived } from './update.ts';

export type TuiOptions = {
  readonly startPath?: DrillPath;
  readonly mapUrl?: string;
};

const ROW_LIMIT = 2000;
const EVENTS_PAGE = 400;
/** At most ten pictures a second of what changes by itself; keys are drawn at once. */
const REFRESH_MS = 100;
const DATA_MS = 500;

class App {
  private model: Model;
  private readonly client: EngineClient;
  private readonly terminal: Terminal;
  private readonly done: (path: DrillPath) => void;
  private drawing: NodeJS.Immediate | undefined;
  private refreshing: NodeJS.Timeout | undefined;
  private readonly stopStatus: () => void;
  /** What was asked last for the screen on top, and of which version of the data. */
  private asked = '';
  private askedVersion = -1;
  private askedAt = 0;
  private waiting = false;
  private readonly viewsAsked = new Set<Screen['path']>();
  private finished = false;

  constructor(client: EngineClient, options: TuiOptions, done: (path: DrillPath) => void) {
    this.client = client;
    this.done = done;
    this.terminal = openTerminal({
      onKey: (key, text) => this.key(key, text),
      onResize: () => this.resize(),
      onLost: () => this.close(),
    });
    const size = { columns: this.terminal.columns, rows: this.terminal.rows };
    this.model = initialModel(options.startPath ?? { steps: [{ view: 'containers' }] }, size, options.mapUrl);
    this.stopStatus = client.onStatus((status) => {
      this.model = statusArrived(this.model, status);
      this.refresh();
    });
    void client.status().then((status) => {
      this.model = statusArrived(this.model, status);
      this.refresh();
    });
    this.draw();
  }

  private resize(): void {
    this.model = { ...this.model, columns: this.terminal.columns, rows: this.terminal.rows };
    this.draw();
  }

  private key(key: string, text: string): void {
    if (this.finished) return;
    const before = this.model;
    this.model = press(before, key, text, Date.now());
    if (this.model.quit) {
      this.close();
      return;
    }
    if (before.prompt === undefined && before.overlay === undefined && key === 'y') this.yank();
    if (this.model.prompt?.kind === 'filter' && this.model.prompt.check === undefined)
      this.checkFilter(this.model.prompt.text);
    this.limitScroll();
    this.scheduleDraw();
  }

  // details scroll to their last line and no further
  private limitScroll(): void {
    const screen = current(this.model);
    if (screen.kind === 'table' || screen.kind === 'events') return;
    const most = Math.max(0, detailLength(this.model) - bodyRows(this.model));
    if (screen.top > most) this.model = screenArrived(this.model, { top: most });
  }

  private checkFilter(text: string): void {
    void this.client.checkFilter(text).then((check) => {
      const { prompt } = this.model;
      if (prompt?.text !== text) return;
      this.model = { ...this.model, prompt: { ...prompt, check } };
      this.scheduleDraw();
    });
  }

  private yank(): void {
    const { table, cursor } = current(this.model);
    const row = table?.rows[cursor];
    if (table === undefined || row === undefined) return;
    const text = row.cells.map((cell, i) => cellText(cell, table.columns[i]?.unit ?? 'text')).join('\t');
    this.terminal.copy(text);
    this.model = { ...this.model, notice: 'the row is on the clipboard' };
  }

  // ---- drawing ----

  // All keys that are there are taken before one picture is made of them.
  private scheduleDraw(): void {
    this.drawing ??= setImmediate(() => this.draw());
  }

  private refresh(): void {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined;
      if (this.terminal.isBusy()) this.refresh();
      else this.draw();
    }, REFRESH_MS);
  }

  private draw(): void {
    if (this.drawing !== undefined) clearImmediate(this.drawing);
    this.drawing = undefined;
    if (this.finished) return;
    this.ask();
    this.terminal.paint(picture(this.model));
  }

  // ---- asking ----

  /** The question whose answer the screen on top shows; '' when it needs none. */
  private question(screen: Screen): string {
    const { path, kind, sort, descending } = screen;
    const page = kind === 'events' ? this.pageOf(screen) : 0;
    return JSON.stringify([path, kind, sort, descending, page, screen.event, this.model.showSecrets]);
  }

  private pageOf(screen: Screen): number {
    const body = bodyRows(this.model);
    const held = screen.events;
    if (
      held !== undefined &&
      screen.top >= held.offset &&
      screen.top + body <= held.offset + held.answer.events.length
    )
      return held.offset;
    if (
      held !== undefined &&
      screen.top >= held.offset &&
      held.offset + held.answer.events.length >= held.answer.total
    )
      return held.offset;
    return Math.max(0, screen.top - Math.floor((EVENTS_PAGE - body) / 2));
  }

  private ask(): void {
    const screen = current(this.model);
    const { status, pausedAt } = this.model;
    this.askViews(screen);
    const question = this.question(screen);
    const version = pausedAt?.version ?? status?.version ?? 0;
    const isNew = question !== this.asked;
    if (!isNew && (version === this.askedVersion || this.waiting)) return;
    const wait = this.askedAt + DATA_MS - Date.now();
    if (!isNew && wait > 0) {
      this.refresh();
      return;
    }
    this.asked = question;
    this.askedVersion = version;
    this.askedAt = Date.now();
    this.waiting = true;
    const depth = this.model.stack.length;
    const isStill = (): boolean => this.model.stack.length === depth && this.asked === question;
    void this.answer(screen).then(
      (take) => {
        if (isStill()) {
          this.waiting = false;
          this.model = take(this.model);
          this.limitScroll();
          this.scheduleDraw();
        }
      },
      (error: unknown) => {
        if (!(error instanceof InputError) && !(error instanceof Error)) throw error;
        if (!isStill()) return;
        this.waiting = false;
        this.model = screenArrived(this.model, { problem: error.message });
        this.scheduleDraw();
      },
    );
  }

  private askViews(screen: Screen): void {
    if (this.viewsAsked.has(screen.path) || (screen.kind !== 'table' && screen.kind !== 'events')) return;
    this.viewsAsked.add(screen.path);
    void this.client.views(screen.path).then((views) => {
      if (current(this.model).path !== screen.path) return;
      this.model = screenArrived(this.model, { views });
      this.scheduleDraw();
    });
  }

  private async answer(screen: Screen): Promise<(model: Model) => Model> {
    const { path, sort, descending } = screen;
    switch (screen.kind) {
      case 'table': {
        const table = await this.client.table({
          path,
          limit: ROW_LIMIT,
          ...(sort === undefined ? {} : { sort }),
          ...(descending === undefined ? {} : { descending }),
        });
        return (model) => tableArrived(model, table, Date.now());
      }
      case 'events': {
        const offset = this.pageOf(screen);
        const answer: EventsAnswer = await this.client.events({ path, offset, limit: EVENTS_PAGE });
        return (model) => screenArrived(model, { events: { offset, answer } });
      }
      case 'transaction': {
        const id = Number(path.steps.at(-2)?.key);
        const transaction = await this.client.transaction(id, { showSecrets: this.model.showSecrets });
        return (model) =>
          screenArrived(
            model,
            transaction === undefined
              ? { problem: 'this request is not in memory any more' }
              : { transaction },
          );
      }
      case 'failure': {
        const failure = await this.client.error({ ...path, steps: path.steps.slice(0, -1) });
        return (model) =>
          screenArrived(
            model,
            failure === undefined ? { problem: 'no such failure is in memory any more' } : { failure },
          );
      }
      case 'event': {
        const detail = await this.client.event(screen.event ?? 0);
        return (model) =>
          screenArrived(
            model,
            detail === undefined ? { problem: 'this event is not in memory any more' } : { detail },
          );
      }
    }
  }

  close(): void {
    if (this.finished) return;
    this.finished = true;
    if (this.drawing !== undefined) clearImmediate(this.drawing);
    clearTimeout(this.refreshing);
    this.stopStatus();
    this.terminal.close();
    this.done(this.place());
  }

  /** Where the user is, as a path that opens as a table. */
  private place(): DrillPath {
    const table = [...this.model.stack]
      .reverse()
      .find((screen) => screen.kind === 'table' || screen.kind === 'events');
    return (table ?? current(this.model)).path;
  }
}

/** Runs the terminal until the user quits; gives where they were. */
export async function runTui(
  client: EngineClient,
  options: TuiOptions,
): Promise<{ readonly path: DrillPath }> {
  const path = await new Promise<DrillPath>((resolve) => {
    const app = new App(client, options, resolve);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(signal, () => app.close());
  });
  return { path };
}
