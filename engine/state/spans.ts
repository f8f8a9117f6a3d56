// SPDX-License-Identifier: Apache-2.0
// Spans that programs tell of themselves by writing to /dev/null, which costs them next to nothing:
//
//   >:t:shop.pay:card=visa:          a span begins: id (t = thread, p = process, pp = its parent, or a number), tags, arguments
//   <:t:shop.pay:result=ok:          … and ends
//   [">", 7, ["shop", "pay"], [{"card": "visa"}]]      the same as JSON
//
// A colon, comma or dot that is meant is written with a backslash. The format is that of sysdig's tracers.

import type { ByteText, EpochNs, RelativeNs } from '../base/units.ts';
import type { Thread } from './thread.ts';

export type Argument = readonly [name: ByteText, value: ByteText];

/** What one write says. */
export type Tracer = {
  readonly isEnter: boolean;
  readonly id: number;
  readonly tags: readonly ByteText[];
  readonly args: readonly Argument[];
};

/** A span that began. */
export type Span = Tracer & {
  readonly ts: RelativeNs;
  readonly epochNs: EpochNs;
  /** The thread that began it. */
  readonly tid: number;
  readonly pid: number;
  /** The open span that has all its tags but the last. */
  readonly parent: Span | undefined;
};

/** What a write to /dev/null was: the tracer, and the span that it begins or ends; undefined for an end without a beginning. */
export type TracerEvent = { readonly tracer: Tracer; readonly span: Span | undefined };

const LIMIT = 4096;
const OPEN_SPANS = 4096;

export class Spans {
  /** The innermost last. */
  readonly open: Span[] = [];
  /** Beginnings of tracers that are written in pieces, by thread. */
  private readonly pieces = new Map<number, ByteText>();

  /** @param text what `thread` wrote to /dev/null; undefined if it is no tracer */
  feed(text: ByteText, thread: Thread, ts: RelativeNs, epochNs: EpochNs): TracerEvent | undefined {
    const begins = /^[<>[]/.test(text);
    const before = begins ? '' : (this.pieces.get(thread.tid) ?? '');
    if (!begins && before === '') return undefined;
    const tracer = parseTracer(before + text, thread);
    if (tracer === 'incomplete' && before.length + text.length < LIMIT) {
      this.pieces.set(thread.tid, before + text);
      return undefined;
    }
    this.pieces.delete(thread.tid);
    if (tracer === undefined || tracer === 'incomplete') return undefined;
    return tracer.isEnter ? this.begin(tracer, thread, ts, epochNs) : this.end(tracer);
  }

  private begin(tracer: Tracer, thread: Thread, ts: RelativeNs, epochNs: EpochNs): TracerEvent {
    const outer = tracer.tags.slice(0, -1);
    const parent = outer.length === 0 ? undefined : this.find(tracer.id, outer);
    const span = { ...tracer, ts, epochNs, tid: thread.tid, pid: thread.pid, parent };
    // who forgets to end them must not cost more and more
    if (this.open.length >= OPEN_SPANS) this.open.shift();
    this.open.push(span);
    return { tracer, span };
  }

  private end(tracer: Tracer): TracerEvent {
    const span = this.find(tracer.id, tracer.tags);
    if (span !== undefined) this.open.splice(this.open.indexOf(span), 1);
    return { tracer, span };
  }

  private find(id: number, tags: readonly ByteText[]): Span | undefined {
    const same = (span: Span): boolean =>
      span.id === id && span.tags.length === tags.length && span.tags.every((tag, i) => tag === tags[i]);
    return this.open.findLast(same);
  }

  clear(): void {
    this.open.length = 0;
    this.pieces.clear();
  }
}

function parseTracer(text: ByteText, thread: Thread): Tracer | 'incomplete' | undefined {
  return text.startsWith('[') ? parseJson(text) : parseText(text, thread);
}

/** Splits at a character that no backslash stands before, and takes the backslashes away. */
function split(text: ByteText, at: string): ByteText[] {
  const parts: string[] = [''];
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '\\' && i + 1 < text.length) parts.push(`${parts.pop()}${text.charAt(++i)}`);
    else if (c === at) parts.push('');
    else parts.push(`${parts.pop()}${c}`);
  }
  return parts;
}

const FIELDS = /^([<>]):((?:\\.|[^\\:])*):((?:\\.|[^\\:])*):((?:\\.|[^\\:])*):/s;

function parseText(text: ByteText, thread: Thread): Tracer | 'incomplete' | undefined {
  const match = FIELDS.exec(text);
  if (match === null) return text.endsWith('\n') ? undefined : 'incomplete';
  const [, direction, idText = '', tagsText = '', argsText = ''] = match;
  const id = idOf(idText, thread);
  if (id === undefined || tagsText === '') return undefined;
  const args: Argument[] = [];
  for (const pair of argsText === '' ? [] : unescapedParts(argsText, ',')) {
    const equals = pair.indexOf('=');
    if (equals < 0) return undefined;
    args.push([split(pair.slice(0, equals), '').join(''), split(pair.slice(equals + 1), '').join('')]);
  }
  return { isEnter: direction === '>', id, tags: split(tagsText, '.'), args };
}

// The parts still with their backslashes.
function unescapedParts(text: ByteText, at: string): ByteText[] {
  return text.match(new RegExp(`(?:\\\\.|[^\\\\${at}])+`, 'gs')) ?? [];
}

function idOf(text: ByteText, thread: Thread): number | undefined {
  switch (text) {
    case '':
      return 0;
    case 't':
      return thread.tid;
    case 'p':
      return thread.pid;
    case 'pp':
      return thread.ptid;
    default:
      return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }
}

function parseJson(text: ByteText): Tracer | 'incomplete' | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text.trimEnd().endsWith(']') ? undefined : 'incomplete';
  }
  if (!Array.isArray(value)) return undefined;
  const [direction, id, tags, args = []] = value as unknown[];
  if ((direction !== '>' && direction !== '<') || typeof id !== 'number') return undefined;
  if (!Array.isArray(tags) || tags.length === 0 || !Array.isArray(args)) return undefined;
  const pairs = args.flatMap((item): Argument[] =>
    typeof item === 'object' && item !== null
      ? Object.entries(item).map(([name, argument]) => [name, String(argument)] as const)
      : [],
  );
  return { isEnter: direction === '>', id, tags: tags.map(String), args: pairs };
}

/** Arguments as one text, such as `card=visa,n=2`. */
export function argumentsText(args: readonly Argument[], equals: '=' | ':'): ByteText {
  return args.map(([name, value]) => `${name}${equals}${value}`).join(',');
}
