// SPDX-License-Identifier: Apache-2.0
// span.* and evtin.span.*: the spans that programs write to /dev/null (state/spans.ts), on the events of their beginning and end,
// and on all events in between.

import { InputError } from '../base/errors.ts';
import type { EventContext } from '../state/context.ts';
import { argumentsText, type Argument, type Span, type TracerEvent } from '../state/spans.ts';
import {
  boundField,
  field,
  type Field,
  type FieldArg,
  type FieldClass,
  type FieldType,
  type Value,
} from './field.ts';
import { clock, human, nanos, quantized } from './time.ts';

const text = (parts: readonly string[]): string => parts.join('.');

function of(
  name: string,
  type: FieldType,
  description: string,
  extract: (event: TracerEvent, ctx: EventContext) => Value | undefined,
): Field {
  return field(`span.${name}`, type, 'history', description, (ctx) =>
    ctx.tracer === undefined ? undefined : extract(ctx.tracer, ctx),
  );
}

function withArg(
  name: string,
  type: FieldType,
  description: string,
  bind: (arg: FieldArg) => (event: TracerEvent, ctx: EventContext) => Value | undefined,
): Field {
  return boundField(
    `span.${name}`,
    type,
    'history',
    description,
    (arg) => {
      if (arg === undefined)
        throw new InputError('bad-argument', `span.${name} wants a name or number: span.${name}[0]`);
      const of = bind(arg);
      return { extract: (ctx) => (ctx.tracer === undefined ? undefined : of(ctx.tracer, ctx)) };
    },
    { arg: 'required' },
  );
}

function at<T>(list: readonly T[], arg: FieldArg): T | undefined {
  return /^-?\d{1,6}$/.test(arg.text) ? list.at(Number(arg.text)) : undefined;
}

function argument(args: readonly Argument[], arg: FieldArg): string | undefined {
  return /^\d+$/.test(arg.text) ? at(args, arg)?.[1] : args.find(([name]) => name === arg.text)?.[1];
}

/** What the tracer says; ends without arguments have those of the beginning where 0.29.3 shows some. */
const ownArgs = ({ tracer, span }: TracerEvent): readonly Argument[] | undefined =>
  span === undefined ? undefined : tracer.args;

function duration({ tracer, span }: TracerEvent, ctx: EventContext): number | undefined {
  return tracer.isEnter || span === undefined ? undefined : ctx.evt.ts - span.ts;
}

const endsAt = (event: TracerEvent, depth: number): boolean =>
  !event.tracer.isEnter && event.tracer.tags.length === depth + 1;

export const SPAN: FieldClass = {
  name: 'span',
  title: 'spans that programs mark by writing to /dev/null, where they begin and end',
  fields: [
    of('id', 'INT64', 'Id, which beginning and end share.', ({ tracer }) => tracer.id),
    of(
      'time',
      'CHARBUF',
      'Time of day of the event.',
      ({ span }, { evt }) => span && `${clock(evt.epochNs)}.${nanos(evt.epochNs)}`,
    ),
    of('ntags', 'UINT32', 'How many tags it has.', ({ tracer }) => tracer.tags.length),
    of('nargs', 'UINT32', 'How many arguments it began with.', ({ span }) => span?.args.length),
    of('tags', 'CHARBUF', 'All tags, with dots.', ({ tracer }) => text(tracer.tags)),
    withArg(
      'tag',
      'CHARBUF',
      'One tag: span.tag[0] is the first, span.tag[-1] the last.',
      (arg) =>
        ({ tracer }) =>
          at(tracer.tags, arg),
    ),
    of('args', 'CHARBUF', 'All arguments: a=1,b=2.', (event) => {
      const args = ownArgs(event);
      return args === undefined ? undefined : argumentsText(args, '=');
    }),
    withArg(
      'arg',
      'CHARBUF',
      'One argument by name or number.',
      (arg) => (event) => argument(ownArgs(event) ?? [], arg),
    ),
    of('enterargs', 'CHARBUF', 'All arguments that it began with.', ({ span }) =>
      span === undefined ? undefined : argumentsText(span.args, '='),
    ),
    withArg(
      'enterarg',
      'CHARBUF',
      'One argument that it began with, by name or number.',
      (arg) =>
        ({ span }) =>
          argument(span?.args ?? [], arg),
    ),
    of('duration', 'RELTIME', 'Nanoseconds from beginning to end, at the end.', duration),
    boundField(
      'span.duration.quantized',
      'UINT64',
      'history',
      'Duration on a logarithmic scale, for spectrograms.',
      (_arg, env) => ({
        extract: (ctx) => {
          const time = ctx.tracer === undefined ? undefined : duration(ctx.tracer, ctx);
          return time === undefined ? undefined : quantized(time, env.width ?? 0);
        },
      }),
    ),
    of('duration.human', 'CHARBUF', 'Duration with a unit.', (event, ctx) => {
      const time = duration(event, ctx);
      return time === undefined ? undefined : human(time);
    }),
    withArg(
      'duration.fortag',
      'RELTIME',
      'Duration of spans with one tag more than the argument says.',
      (arg) => (event, ctx) => (endsAt(event, Number(arg.text)) ? duration(event, ctx) : undefined),
    ),
    of('count', 'UINT64', '1 where a span ends.', ({ tracer }) => (tracer.isEnter ? 0 : 1)),
    withArg(
      'count.fortag',
      'UINT64',
      '1 where a span with one tag more than the argument says ends.',
      (arg) => (event) => (endsAt(event, Number(arg.text)) ? 1 : 0),
    ),
    withArg(
      'childcount.fortag',
      'UINT64',
      '1 where a span with still more tags ends.',
      (arg) =>
        ({ tracer }) =>
          !tracer.isEnter && tracer.tags.length > Number(arg.text) + 1 ? 1 : 0,
    ),
    withArg(
      'idtag',
      'CHARBUF',
      'Id and one tag: a key for tables.',
      (arg) =>
        ({ tracer, span }) =>
          span && `${tracer.id}${at(tracer.tags, arg) ?? ''}`,
    ),
    of('rawtime', 'CHARBUF', 'When it began, in nanoseconds since 1970: a key for tables.', ({ span }) =>
      span === undefined ? undefined : String(span.epochNs),
    ),
    of('rawparenttime', 'CHARBUF', 'The same of the span around it.', ({ span }) =>
      span?.parent === undefined ? undefined : String(span.parent.epochNs),
    ),
  ],
};

// ---- in between ----

type Scope = {
  readonly letter: '' | 'p.' | 's.' | 'm.';
  readonly of: string;
  readonly holds: (span: Span, ctx: EventContext) => boolean;
};

const SCOPES: readonly Scope[] = [
  { letter: '', of: 'of the same thread', holds: (span, { thread }) => span.tid === thread?.tid },
  { letter: 'p.', of: 'of any thread of the process', holds: (span, { thread }) => span.pid === thread?.pid },
  {
    letter: 's.',
    of: 'of the thread that started this one',
    holds: (span, { thread }) => span.tid === thread?.ptid,
  },
  { letter: 'm.', of: 'of any thread of the machine', holds: () => true },
];

// The end of a span is still within it; its beginning is not yet.
function spansAround(ctx: EventContext, scope: Scope): readonly Span[] {
  const { tracer, spans } = ctx;
  if (spans === undefined) return [];
  const around = spans.open.filter((span) => span !== tracer?.span && scope.holds(span, ctx));
  if (tracer?.span !== undefined && !tracer.tracer.isEnter && scope.holds(tracer.span, ctx))
    around.push(tracer.span);
  return around;
}

type Within = readonly [
  name: string,
  type: FieldType,
  what: string,
  value: (span: Span, arg: FieldArg) => Value | undefined,
  hasArg?: true,
];

const WITHIN: readonly Within[] = [
  ['id', 'INT64', 'Id', (span) => span.id],
  ['ntags', 'UINT32', 'Number of tags', (span) => span.tags.length],
  ['nargs', 'UINT32', 'Number of arguments', (span) => span.args.length],
  ['tags', 'CHARBUF', 'Tags', (span) => text(span.tags)],
  ['tag', 'CHARBUF', 'One tag', (span, arg) => at(span.tags, arg), true],
  ['args', 'CHARBUF', 'Arguments', (span) => argumentsText(span.args, ':')],
  ['arg', 'CHARBUF', 'One argument', (span, arg) => argument(span.args, arg), true],
];

function withinFields(scope: Scope): readonly Field[] {
  return WITHIN.map(([part, type, what, value, hasArg]) => {
    const name = `evtin.span.${scope.letter}${part}`;
    return boundField(
      name,
      type,
      'history',
      `${what} of the spans ${scope.of} that the event lies in.`,
      (arg) => {
        if (hasArg === true && arg === undefined)
          throw new InputError('bad-argument', `${name} wants a name or number: ${name}[0]`);
        const given = arg ?? { text: '', bracket: false };
        const extractAll = (ctx: EventContext): readonly Value[] =>
          spansAround(ctx, scope).flatMap((span) => value(span, given) ?? []);
        return { several: 'any', extractAll };
      },
      { arg: hasArg === true ? 'required' : 'none' },
    );
  });
}

export const EVTIN: FieldClass = {
  name: 'evtin',
  title: 'spans that the event lies in',
  fields: SCOPES.flatMap(withinFields),
};
