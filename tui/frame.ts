// SPDX-License-Identifier: Apache-2.0
// A picture of the screen: lines of styled text. Pure data; terminal.ts paints it.

import stringWidth from 'string-width';

export type Style =
  | 'plain'
  | 'dim'
  | 'bold'
  | 'brand'
  | 'accent'
  | 'head'
  | 'sorted'
  | 'error'
  | 'warn'
  | 'good'
  | 'match'
  | 'key'
  | 'bar';

export type Span = { readonly text: string; readonly style: Style };

export type Line = {
  readonly spans: readonly Span[];
  /** The whole line is the cursor's. */ readonly selected?: boolean;
};

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });
export const line = (...spans: readonly Span[]): Line => ({ spans });

// Nearly all text is ASCII, one column a character.
const ASCII = /^[\x20-\x7e]*$/;

/** Columns that text takes. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** The first `width` columns of text. */
function cut(text: string, width: number): string {
  if (ASCII.test(text)) return text.slice(0, Math.max(0, width));
  let taken = '';
  let columns = 0;
  for (const character of text) {
    const more = stringWidth(character);
    if (columns + more > width) break;
    taken += character;
    columns += more;
  }
  return taken;
}

/** Text of exactly `width` columns: padded, or cut with an ellipsis. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  if (width <= 0) return '';
  const columns = widthOf(text);
  if (columns > width) {
    const short = `${cut(text, width - 1)}…`;
    return short + ' '.repeat(width - widthOf(short));
  }
  const pad = ' '.repeat(width - columns);
  return align === 'left' ? text + pad : pad + text;
}

/** Text of at most `width` columns that keeps both ends: paths and names. */
export function fitMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const tail = Math.ceil((width - 1) * 0.6);
  let end = '';
  for (const character of Array.from(text).reverse()) {
    if (widthOf(character + end) > tail) break;
    end = character + end;
  }
  return `${cut(text, width - 1 - widthOf(end))}…${end}`;
}

/** Breaks text into lines of at most `width` columns, at blanks where there are any. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (widthOf(rest) > width) {
    let piece = cut(rest, width);
    const blank = piece.lastIndexOf(' ');
    if (blank > width / 2) piece = piece.slice(0, blank);
    if (piece === '') break;
    lines.push(piece);
    rest = rest.slice(piece.length).replace(/^ /, '');
  }
  lines.push(rest);
  return lines;
}

/** Spans in the left and at the right end of a line of `width` columns; the left gives way. */
export function spread(left: readonly Span[], right: readonly Span[], width: number): Line {
  const room = width - right.reduce((sum, item) => sum + widthOf(item.text), 0);
  const spans: Span[] = [];
  let used = 0;
  for (const item of left) {
    const text = used + widthOf(item.text) > room ? fit(item.text, Math.max(0, room - used)) : item.text;
    spans.push({ ...item, text });
    used += widthOf(text);
    if (used >= room) break;
  }
  if (used < room) spans.push(span(' '.repeat(room - used)));
  return { spans: [...spans, ...right] };
}
