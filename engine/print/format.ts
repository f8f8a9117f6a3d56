// SPDX-License-Identifier: Apache-2.0
// Output formats: `%FIELD` in a text, as a line or as a JSON object.
//
//   *%evt.num %12proc.name %fd.name      a leading * prints <NA> where a field has no value; without it the event is left out

import { FilterError } from '../base/errors.ts';
import { fromByteText } from '../base/text.ts';
import type { ByteText } from '../base/units.ts';
import type { Bound, Field, FieldEnv, Value } from '../field/field.ts';
import { findField, nearestField } from '../field/registry.ts';
import { at } from '../filter/operators.ts';
import type { EventContext } from '../state/context.ts';
import { formatIp } from '../state/tuple.ts';
import { formatBuffer } from './buffer.ts';
import type { ByteSink } from './sink.ts';

const NAME = {
  plain: '%proc.name (%thread.tid)',
  container: '%container.name (%container.id) %proc.name (%thread.tid:%thread.vtid)',
  kubernetes: '%k8s.pod.name (%container.id) %proc.name (%thread.tid:%thread.vtid)',
} as const;

/** The default line, and the forms of -pc and -pk. */
export function defaultFormat(form: keyof typeof NAME): string {
  return `*%evt.num %evt.outputtime %evt.cpu ${NAME[form]} %evt.dir %evt.type %evt.info`;
}

export type OutputFormat = {
  /** Puts the text for the event that the context stands at. @returns false if it is left out, since a field has no value */
  readonly put: (ctx: EventContext, sink: ByteSink) => boolean;
  /** The same as a JSON object with the fields' names in alphabetical order. */
  readonly json: (ctx: EventContext) => ByteText | undefined;
};

type Piece = {
  readonly name: string;
  readonly field: Field;
  readonly bound: Bound;
  /** Characters; 0 = as long as it is. */
  readonly width: number;
};

/**
 * Compiles a format.
 *
 * @throws FilterError `unknown-field` with the place in the format
 */
export function compileFormat(format: ByteText, env: FieldEnv): OutputFormat {
  const lenient = format.startsWith('*');
  const parts = parse(lenient ? format.slice(1) : format, lenient ? 1 : 0, env);
  const fields = parts.filter((part): part is Piece => typeof part !== 'string');
  const sorted = [...new Map(fields.map((piece) => [piece.name, piece])).values()].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  return {
    put(ctx, sink) {
      const start = sink.length;
      for (const part of parts) {
        if (typeof part === 'string') {
          sink.put(part);
          continue;
        }
        const { bound, width } = part;
        if (bound.several === undefined && bound.print !== undefined && width === 0) {
          bound.print(ctx, sink);
          continue;
        }
        const value = read(part, ctx);
        if (value === undefined && !lenient) {
          sink.length = start;
          return false;
        }
        const shown = value === undefined ? '<NA>' : valueText(value, part.field, env);
        sink.put(width === 0 ? shown : shown.slice(0, width).padEnd(width));
      }
      return true;
    },
    json(ctx) {
      let text = '';
      for (const piece of sorted) {
        const value =
          piece.name === 'evt.outputtime' || piece.name === 'evt.time' ? ctx.evt.epochNs : read(piece, ctx);
        if (value === undefined && !lenient) return undefined;
        text += `${text === '' ? '{' : ','}"${piece.name}":${value === undefined ? 'null' : jsonValue(value, piece.field, env)}`;
      }
      return text === '' ? '{}' : `${text}}`;
    },
  };
}

function parse(format: ByteText, offset: number, env: FieldEnv): (string | Piece)[] {
  const parts: (string | Piece)[] = [];
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      parts.push(format.slice(at));
      break;
    }
    if (percent > at) parts.push(format.slice(at, percent));
    const width = /^\d+/.exec(format.slice(percent + 1))?.[0] ?? '';
    const start = percent + 1 + width.length;
    const [piece, length] = pieceAt(format.slice(start), offset + start, Number(width), env);
    parts.push(piece);
    at = start + length;
  }
  return parts;
}

function pieceAt(text: ByteText, position: number, width: number, env: FieldEnv): [Piece, number] {
  const found = findField(text);
  if (found === undefined) {
    const word = /^[\w.[\]]*/.exec(text)?.[0] ?? '';
    const suggestion = nearestField(word);
    const hint = suggestion === undefined ? '' : `; did you mean %${suggestion}?`;
    throw new FilterError(
      'unknown-field',
      `there is no field "${word}"${hint}`,
      position,
      Math.max(1, word.length),
      suggestion,
    );
  }
  const { field, arg, length } = found;
  const place = { position, span: length };
  if (field.only === 'filter') {
    throw new FilterError(
      'not-printable',
      `${field.name} can be compared, but not printed`,
      position,
      length,
    );
  }
  if (field.arg === 'required' && arg === undefined) {
    throw new FilterError(
      'bad-argument',
      `${field.name} needs an argument: ${field.name}.NAME or ${field.name}[NAME]`,
      position,
      length,
    );
  }
  const bound = at(place, () => field.bind(arg, env));
  return [{ name: text.slice(0, length), field, bound, width }, length];
}

function read(piece: Piece, ctx: EventContext): Value | readonly Value[] | undefined {
  const { bound } = piece;
  if (bound.several === undefined) return bound.extract(ctx);
  const values = bound.extractAll(ctx);
  return values.length === 0 ? undefined : values;
}

/** A value as text, by the field's type and format. */
function valueText(value: Value | readonly Value[], field: Field, env: FieldEnv): ByteText {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return numberText(value, field);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value instanceof Uint8Array)
    return field.type === 'BYTEBUF' ? formatBuffer(value, env.print.buffers) : formatIp(value);
  return `(${(value as readonly Value[]).map((item) => valueText(item, field, env)).join(',')})`;
}

function numberText(value: number | bigint, field: Field): string {
  if (field.type === 'DOUBLE') return Number(value).toFixed(1);
  switch (field.format) {
    case 'hex':
      return value.toString(16).toUpperCase();
    case 'oct':
      return value.toString(8);
    case 'pad9':
      return String(value).padStart(9, '0');
    case 'dec':
      return String(value);
  }
}

function jsonValue(value: Value | readonly Value[], field: Field, env: FieldEnv): ByteText {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  return jsonText(valueText(value, field, env));
}

// Bytes that are UTF-8 stay so; others would make the document unreadable, and become \u00XX.
function jsonText(text: ByteText): ByteText {
  if (PLAIN.test(text)) return `"${text}"`;
  const quoted = JSON.stringify(text);
  if (ASCII.test(quoted)) return quoted;
  return fromByteText(text) === text
    ? quoted.replace(/[\x80-\xff]/g, (byte) => `\\u00${byte.charCodeAt(0).toString(16)}`)
    : quoted;
}
const PLAIN = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;
const ASCII = /^[\x00-\x7f]*$/;
