// SPDX-License-Identifier: Apache-2.0
// What a field is. Fields are data: filters, formats, columns and `sonde list fields` all read the same rows.

import { InputError } from '../base/errors.ts';
import { byteText } from '../base/text.ts';
import type { ByteText } from '../base/units.ts';
import { CLASSIC, type PrintOptions } from '../print/options.ts';
import type { ByteSink } from '../print/sink.ts';
import type { EventContext } from '../state/context.ts';

/** Types of values; names of the scap format. */
export type FieldType =
  | 'CHARBUF'
  | 'BYTEBUF'
  | 'BOOL'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'UINT32'
  | 'UINT64'
  | 'DOUBLE'
  | 'RELTIME'
  | 'ABSTIME'
  | 'PORT'
  | 'IPADDR'
  | 'IPNET'
  | 'DYN';

/** Text is ByteText; addresses and buffers are bytes; bigint for what exceeds 2^53 (absolute times). */
export type Value = ByteText | number | bigint | boolean | Uint8Array;

/** A value as the text that filters compare: bytes stay bytes. */
export function plainText(value: Value): ByteText {
  return value instanceof Uint8Array ? byteText(value, 0, value.length) : String(value);
}

export type Extract = (ctx: EventContext) => Value | undefined;

/**
 * Fields with several values at once. `ends`: both ends of a connection: equality if one end matches, inequality if none does.
 * `any`: the comparison holds for at least one value. `list`: `in` wants all of them, `intersects` one.
 */
export type Several = 'ends' | 'any' | 'list';

export type Bound =
  | {
      readonly several?: undefined;
      readonly extract: Extract;
      /** Puts the text of the value, for fields that always have one: what lines are mostly made of. */
      readonly print?: (ctx: EventContext, sink: ByteSink) => void;
    }
  /** An empty list means: no value. */
  | { readonly several: Several; readonly extractAll: (ctx: EventContext) => readonly Value[] };

/** On what a field's value depends, for the planner: a dimension's row, the event's columns, its bytes, or what came before. */
export type Dependency = 'event' | 'bytes' | 'thread' | 'fd' | 'container' | 'user' | 'history';

/** What a field may need from outside. */
export type FieldEnv = {
  readonly print: PrintOptions;
  /** What evt.outputtime prints: local time, absolute, relative, latency, delta. */
  readonly time: 'h' | 'a' | 'r' | 'd' | 'D';
  /** Columns of the terminal; 0 or absent = no terminal. */
  readonly width?: number;
  /** Port of a service, as the machine's services database has it. */
  readonly servicePort?: (name: string) => number | undefined;
  /** Addresses of a host name, 4 or 16 bytes each. */
  readonly resolveHost?: (name: string) => readonly Uint8Array[];
};

export const DEFAULT_ENV: FieldEnv = { print: CLASSIC, time: 'h' };

/** `.name` or `[key]` after a field's name. */
export type FieldArg = { readonly text: ByteText; readonly bracket: boolean };

export type NumberFormat = 'dec' | 'hex' | 'oct' | 'pad9';

export type Field = {
  readonly name: string;
  readonly type: FieldType;
  readonly format: NumberFormat;
  readonly arg: 'none' | 'required' | 'optional';
  readonly only?: 'filter' | 'print';
  readonly dependsOn: Dependency;
  /** One sentence. */
  readonly description: string;
  /** Type of the value with an argument, where it depends on it (evt.rawarg). */
  readonly typeOf?: (arg: FieldArg) => FieldType;
  /** Values that may be compared with; others are a mistake of the user's. */
  readonly valid?: (value: ByteText) => boolean;
  /** For a suggestion, where `valid` rejects one. */
  readonly known?: () => readonly string[];
  /** @throws InputError `bad-argument` for an argument that cannot be */
  readonly bind: (arg: FieldArg | undefined, env: FieldEnv) => Bound;
};

export type FieldClass = { readonly name: string; readonly title: string; readonly fields: readonly Field[] };

type Extra = Partial<Pick<Field, 'format' | 'only' | 'arg' | 'valid' | 'known' | 'typeOf'>>;

/** A field without argument whose value is one look at the context. */
export function field(
  name: string,
  type: FieldType,
  dependsOn: Dependency,
  description: string,
  extract: Extract,
  extra: Extra = {},
): Field {
  const bound: Bound = { extract };
  return { name, type, format: 'dec', arg: 'none', dependsOn, description, ...extra, bind: () => bound };
}

/** A field that must be bound before it can be read: it has an argument, a memory, or needs the environment. */
export function boundField(
  name: string,
  type: FieldType,
  dependsOn: Dependency,
  description: string,
  bind: Field['bind'],
  extra: Extra = {},
): Field {
  return { name, type, format: 'dec', arg: 'none', dependsOn, description, ...extra, bind };
}

/** The argument as a number from 0 on. @throws InputError */
export function indexArg(field: string, arg: FieldArg): number {
  if (!/^\d{1,6}$/.test(arg.text)) {
    throw new InputError('bad-argument', `${field}[…] wants a number from 0 on, and got "${arg.text}"`);
  }
  return Number(arg.text);
}
