// SPDX-License-Identifier: Apache-2.0
// The only file that knows blessed: paints pictures, names keys, and leaves the terminal as it was, whatever happens.

import blessed from 'blessed';
import type { Line, Style } from './frame.ts';
import { widthOf } from './frame.ts';

export type Terminal = {
  readonly columns: number;
  readonly rows: number;
  paint(lines: readonly Line[]): void;
  /** Output is not taken by the terminal yet: no use in painting more. */
  isBusy(): boolean;
  copy(text: string): void;
  close(): void;
};

export type TerminalEvents = {
  onKey(key: string, text: string): void;
  onResize(): void;
  /** The terminal is gone: its window was closed. */
  onLost(): void;
};

// What blessed 0.1.81 keeps in a cell: flags, foreground and background in one number, and the character.
type Cell = [attribute: number, character: string];
type Row = Cell[] & { dirty?: boolean };
type Painter = { lines: Row[]; readonly tput: { brokenACS: boolean }; draw(from: number, to: number): void };

const DEFAULT = 0x1ff;
const BOLD = 1;
const UNDERLINE = 2;
const INVERSE = 8;

const attribute = (flags: number, fg: number, bg: number = DEFAULT): number => (flags << 18) | (fg << 9) | bg;

const COLOUR: Readonly<Record<Style, number>> = {
  plain: attribute(0, DEFAULT),
  dim: attribute(0, 244),
  bold: attribute(BOLD, DEFAULT),
  brand: attribute(BOLD, 231, 24),
  accent: attribute(0, 80),
  head: attribute(0, 250, 236),
  sorted: attribute(BOLD, 231, 24),
  error: attribute(0, 203),
  warn: attribute(0, 215),
  good: attribute(0, 114),
  match: attribute(BOLD, 16, 222),
  key: attribute(BOLD, 80),
  bar: attribute(0, 67),
};

// Without colours the same differences by weight.
const MONOCHROME: Readonly<Record<Style, number>> = {
  plain: attribute(0, DEFAULT),
  dim: attribute(0, DEFAULT),
  bold: attribute(BOLD, DEFAULT),
  brand: attribute(INVERSE | BOLD, DEFAULT),
  accent: attribute(0, DEFAULT),
  head: attribute(UNDERLINE, DEFAULT),
  sorted: attribute(INVERSE, DEFAULT),
  error: attribute(BOLD, DEFAULT),
  warn: attribute(BOLD, DEFAULT),
  good: attribute(0, DEFAULT),
  match: attribute(INVERSE, DEFAULT),
  key: attribute(BOLD, DEFAULT),
  bar: attribute(0, DEFAULT),
};

const SELECTED_BACKGROUND = 238;

function selectedAttribute(attr: number, coloured: boolean): number {
  if (!coloured) return attr | (INVERSE << 18);
  const background = attr & DEFAULT;
  return background === DEFAULT ? (attr & ~DEFAULT) | SELECTED_BACKGROUND : attr;
}

// Terminals without UTF-8 get signs that look alike.
const PLAIN_SIGNS: Readonly<Record<string, string>> = {
  '▸': '>',
  '›': '>',
  '▼': 'v',
  '▲': '^',
  '…': '~',
  '–': '-',
  '·': '.',
  '│': '|',
  '─': '-',
  '━': '=',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
  '✗': 'x',
  '▮': '#',
  '█': '_',
  '‖': '=',
  '→': '>',
  '←': '<',
  '↑': '^',
  '↓': 'v',
  µ: 'u',
};

// bundled, since blessed cannot read the newer format of many installed ones
const NEW_TERMINFO = /^(xterm|screen|tmux|alacritty|foot|kitty|wezterm|rxvt|konsole|gnome|vte|ghostty)/;

function terminalName(): string | undefined {
  const term = process.env['TERM'] ?? '';
  return NEW_TERMINFO.test(term) || process.env['COLORTERM'] !== undefined ? 'xterm-256color' : undefined;
}

function isUtf8(): boolean {
  const locale = process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '';
  return /utf-?8/i.test(locale) || (locale === '' && NEW_TERMINFO.test(process.env['TERM'] ?? ''));
}

type BlessedKey = {
  readonly name?: string;
  readonly full?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
  readonly shift?: boolean;
  readonly meta?: boolean;
};

function keyName(text: string, key: BlessedKey): string {
  if (key.name === 'return') return '';
  const printable = text !== undefined && /^[^\x00-\x1f\x7f]$/u.test(text);
  if (printable) return text === ' ' ? 'space' : text;
  const name = key.name === 'linefeed' ? 'enter' : (key.name ?? '');
  return `${key.ctrl === true ? 'C-' : ''}${key.shift === true ? 'S-' : ''}${name}`;
}

export function openTerminal(events: TerminalEvents): Terminal {
  const name = terminalName();
  const unicode = isUtf8();
  const coloured = process.env['NO_COLOR'] === undefined && !/^(dumb|vt\d+)$/.test(process.env['TERM'] ?? '');
  const styles = coloured ? COLOUR : MONOCHROME;
  const screen = blessed.screen({
    smartCSR: false,
    fullUnicode: unicode,
    forceUnicode: unicode,
    warnings: false,
    title: 'sonde',
    ...(name === undefined ? {} : { terminal: name }),
  });
  const { program } = screen;
  const painter = screen as unknown as Painter;
  // blessed would send line drawing characters through a switch that UTF-8 terminals ignore
  if (unicode) painter.tput.brokenACS = true;
  let closed = false;

  screen.program.on('keypress', (text: string, key: BlessedKey) => {
    const named = keyName(text, key);
    if (named === '') return;
    events.onKey(named, text !== undefined && /^[^\x00-\x1f\x7f]$/u.test(text) ? text : '');
  });
  screen.on('resize', () => events.onResize());
  process.stdout.on('error', () => events.onLost());
  program.hideCursor();

  function close(): void {
    if (closed) return;
    closed = true;
    process.off('exit', close);
    program.showCursor();
    screen.destroy();
  }
  // blessed restores the terminal on exit too; a second time does no harm, none at all does
  process.on('exit', close);

  return {
    get columns(): number {
      return program.cols;
    },
    get rows(): number {
      return program.rows;
    },
    paint(lines): void {
      lines.forEach((item, y) => {
        const row = painter.lines[y];
        if (row !== undefined) paintRow(row, item);
      });
      painter.draw(0, painter.lines.length - 1);
    },
    isBusy: () => process.stdout.writableNeedDrain,
    copy(text): void {
      // OSC 52: the terminal puts it on the clipboard, also over ssh
      process.stdout.write(`\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`);
    },
    close,
  };

  function paintRow(row: Row, item: Line): void {
    let x = 0;
    const put = (attr: number, character: string): void => {
      const cell = row[x++];
      if (cell === undefined || (cell[0] === attr && cell[1] === character)) return;
      cell[0] = attr;
      cell[1] = character;
      row.dirty = true;
    };
    for (const { text, style } of item.spans) {
      const attr = item.selected === true ? selectedAttribute(styles[style], coloured) : styles[style];
      for (const character of text) {
        // whatever got here, no control reaches the terminal
        const safe = /[\x00-\x1f\x7f-\x9f]/.test(character) ? '?' : character;
        const shown = unicode ? safe : (PLAIN_SIGNS[safe] ?? (safe > '\x7e' ? '?' : safe));
        const width = widthOf(shown);
        if (width === 0 || x + width > row.length) continue;
        put(attr, shown);
        if (width === 2) put(attr, ' ');
      }
    }
    const rest = item.selected === true ? selectedAttribute(styles.plain, coloured) : styles.plain;
    while (x < row.length) put(rest, ' ');
  }
}
