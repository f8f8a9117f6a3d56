// SPDX-License-Identifier: Apache-2.0
// What the terminal shows, as one value. update.ts changes it, screens/ draw it, app.ts asks the engine what it lacks.

import type {
  ErrorDetail,
  EventDetail,
  EventsAnswer,
  FilterCheck,
  Status,
  TableAnswer,
  TransactionDetail,
  ViewInfo,
} from '../engine/query/api.ts';
import { currentView, type DrillPath } from '../engine/query/drill.ts';

export type ScreenKind = 'table' | 'events' | 'transaction' | 'failure' | 'event';

/** One level of the way down. Going up shows the level below it exactly as it was. */
export type Screen = {
  readonly kind: ScreenKind;
  readonly path: DrillPath;
  /** Screens of one event: its number. */
  readonly event?: number;
  /**
   * Row under the cursor: by key in tables once somebody has moved it, so that it stays on its row when rows move; by index before,
   * and in events.
   */
  readonly cursor: number;
  readonly cursorKey?: string;
  /** First row shown. */
  readonly top: number;
  readonly sort?: string;
  readonly descending?: boolean;
  readonly find: string;
  readonly views: readonly ViewInfo[];
  readonly table?: TableAnswer;
  readonly events?: { readonly offset: number; readonly answer: EventsAnswer };
  readonly transaction?: TransactionDetail;
  readonly failure?: ErrorDetail;
  readonly detail?: EventDetail;
  /** Why there is nothing to show. */
  readonly problem?: string;
};

export type Prompt = {
  readonly kind: 'find' | 'filter';
  readonly text: string;
  readonly check?: FilterCheck;
  /** What it was before, for Esc. */
  readonly before: string;
};

export type Model = {
  readonly columns: number;
  readonly rows: number;
  readonly status: Status | undefined;
  readonly stack: readonly Screen[];
  readonly prompt?: Prompt;
  readonly overlay?:
    { readonly kind: 'help'; readonly top: number } | { readonly kind: 'views'; readonly cursor: number };
  /** Paused at this version of the data: the picture stands, the capture goes on. */
  readonly pausedAt?: { readonly version: number; readonly events: number };
  readonly mapUrl: string | undefined;
  readonly showSecrets: boolean;
  /** One line for a moment. */
  readonly notice?: string;
  /** Time (ms) of the last move of the cursor: rows do not jump right under a hand. */
  readonly movedAt: number;
  readonly quit: boolean;
};

export function screenFor(path: DrillPath): Screen {
  const view = currentView(path);
  const kind: ScreenKind =
    view === 'events'
      ? 'events'
      : view === 'transaction'
        ? 'transaction'
        : view === 'failure'
          ? 'failure'
          : 'table';
  return { kind, path, cursor: 0, top: 0, find: '', views: [] };
}

export function initialModel(
  path: DrillPath,
  size: { readonly columns: number; readonly rows: number },
  mapUrl: string | undefined,
): Model {
  return {
    ...size,
    status: undefined,
    stack: [screenFor(path)],
    mapUrl,
    showSecrets: false,
    movedAt: 0,
    quit: false,
    ...(mapUrl === undefined ? {} : { notice: `map: ${mapUrl} (o shows this again)` }),
  };
}

export function current(model: Model): Screen {
  return model.stack.at(-1) as Screen;
}

/** Lines above and below the body. */
const CHROME = { table: 5, events: 5, detail: 4 } as const;

/** Rows of the body. */
export function bodyRows(model: Model): number {
  const { kind } = current(model);
  return Math.max(1, model.rows - (kind === 'table' || kind === 'events' ? CHROME.table : CHROME.detail));
}

export function rowCount(screen: Screen): number {
  if (screen.kind === 'table') return screen.table?.rows.length ?? 0;
  return screen.kind === 'events' ? (screen.events?.answer.total ?? 0) : 0;
}
