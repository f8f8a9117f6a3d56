// SPDX-License-Identifier: Apache-2.0
// The params of an event as one piece of text, `res=-2(ENOENT) name=/nope `, and one at a time.

import { byteText } from '../base/text.ts';
import type { ByteText } from '../base/units.ts';
import { FIRST_NAMED } from '../event/generic.ts';
import { EVENT_TYPES, eventType, type Param } from '../event/schema.ts';
import type { EventContext } from '../state/context.ts';
import { argumentsText, type Tracer } from '../state/spans.ts';
import { errnoLabel } from './names.ts';
import { FULL, type PrintOptions } from './options.ts';
import { paramPrinter, type ParamPrinter } from './param.ts';
import { ByteSink } from './sink.ts';

type Layout = readonly ParamPrinter[];

/** Bytes that the params of an event usually take. */
const ARGS = 512;

const printersOf = (params: readonly Param[]): Layout => params.map(paramPrinter);

const full: (Layout | undefined)[] = [];
const classic: (Layout | undefined)[] = [];
const older = new Map<number, Layout>();

/** The params that print, by the layout of the event under the cursor. */
function layoutOf(ctx: EventContext, options: PrintOptions): Layout {
  const { evt } = ctx;
  const { code } = evt;
  const type = eventType(code);
  if (
    options.layout === 'classic' &&
    type.classic !== undefined &&
    !(type.isExit && !ctx.inPairs && evt.count > type.classic.params.length)
  ) {
    return (classic[code] ??= printersOf(type.classic.params));
  }
  const count = evt.count;
  if (type.older.length > 0 && count < type.params.length) {
    const match = type.older.find((layout) => layout.count === count);
    if (match !== undefined) {
      const key = code * 64 + count;
      let layout = older.get(key);
      if (layout === undefined) older.set(key, (layout = printersOf(match.params)));
      return layout;
    }
  }
  return (full[code] ??= printersOf(type.params));
}

/** All params: `name=value ` or `name=value(resolved) ` each. Generic events say nothing but their result, where they carry one. */
export function formatArgs(ctx: EventContext, options: PrintOptions = FULL): ByteText {
  const sink = new ByteSink(ARGS);
  printArgs(ctx, options, sink);
  return byteText(sink.bytes, 0, sink.length);
}

/** The same, put into a sink. */
export function printArgs(ctx: EventContext, options: PrintOptions, sink: ByteSink): void {
  const { evt } = ctx;
  if (evt.code < FIRST_NAMED || evt.carrier >= 0) {
    // in pairs, sysdig 0.29.3 shows nothing of them
    if (options.layout === 'classic' && (ctx.inPairs || (evt.code & 1) === 0)) return;
    if (evt.carrier < 0) {
      sink.put(genericArgs(ctx));
      return;
    }
  }
  if (ctx.tracer !== undefined && ctx.inPairs) {
    sink.put(tracerArgs(ctx.tracer.tracer));
    return;
  }
  const layout = layoutOf(ctx, options);
  const count = Math.min(evt.count, layout.length);
  for (let index = 0; index < count; index++) {
    const printer = layout[index] as ParamPrinter;
    const resolved = printer.resolved === undefined ? '' : printer.resolved(ctx, index, options);
    const value = printer.value(ctx, index, options);
    sink.put(printer.label);
    sink.put(value);
    if (resolved !== '') {
      sink.put('(');
      sink.put(resolved);
      sink.put(')');
    }
    sink.put(' ');
  }
}

const tracerArgs = ({ id, tags, args }: Tracer): ByteText =>
  `id=${id} tags=${tags.join('.')} args=${argumentsText(args, ':')} `;

function genericArgs(ctx: EventContext): ByteText {
  const result = ctx.evt.carriedResult;
  if (result === undefined) return '';
  const errno = result < 0 ? errnoLabel(-result) : '';
  const { target } = ctx.evt;
  return `res=${result}${errno === '' ? '' : `(${errno})`} ${target === '' ? '' : `name=${target} `}`;
}

/** Value and resolved form of a param as one text: `3(<f>/etc/passwd)`. */
export function formatParam(ctx: EventContext, index: number, options: PrintOptions = FULL): ByteText {
  const printer = layoutOf(ctx, options)[index];
  if (printer === undefined || index >= ctx.evt.count) return '';
  const value = printer.value(ctx, index, options);
  const resolved = printer.resolved?.(ctx, index, options) ?? '';
  return resolved === '' ? value : `${value}(${resolved})`;
}

/** The resolved form of a param if it has one, else the value: what evt.arg.X is. Undefined if the event lacks the param. */
export function paramText(ctx: EventContext, index: number, options: PrintOptions): ByteText | undefined {
  const layout = layoutOf(ctx, options);
  const printer = layout[index];
  if (printer === undefined || index >= ctx.evt.count) return undefined;
  const resolved = printer.resolved?.(ctx, index, options) ?? '';
  return resolved === '' ? printer.value(ctx, index, options) : resolved;
}

/** Index of the param with a name, -1 if the event's type has none; by event code. */
export function paramIndexes(name: string): Int8Array {
  return Int8Array.from(EVENT_TYPES, (type) => type.params.findIndex((param) => param.name === name));
}
