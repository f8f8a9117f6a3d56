// SPDX-License-Identifier: Apache-2.0
// What the operators do: for each, the test of one value against constants that were converted before.

import { FilterError, InputError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import { plainText as text, type FieldEnv, type FieldType, type Value } from '../field/field.ts';
import { sameIp } from '../state/tuple.ts';
import type { Literal, Place } from './ast.ts';
import { constant, hexBytes, inNetwork, isNumber, network } from './constants.ts';

export type Test = (value: Value) => boolean;

const NUMBERS = new Set(['=', '!=', '<', '<=', '>', '>=', 'in', 'intersects', 'exists']);
const EQUALITY = new Set(['=', '!=', 'in', 'intersects', 'exists']);
const TEXTS = new Set(
  '= != < <= > >= contains icontains startswith endswith glob iglob regex in intersects pmatch exists'.split(
    ' ',
  ),
);
const BUFFERS = new Set(
  '= != contains startswith endswith bcontains bstartswith in intersects exists'.split(' '),
);

function allowed(type: FieldType): ReadonlySet<string> {
  if (isNumber(type)) return NUMBERS;
  if (type === 'BOOL' || type === 'IPADDR' || type === 'IPNET') return EQUALITY;
  return type === 'BYTEBUF' ? BUFFERS : TEXTS;
}

/** @throws FilterError `bad-operator` if values of the type cannot be compared so */
export function checkOperator(operator: string, type: FieldType, field: string, place: Place): void {
  const operators = allowed(type);
  if (operators.has(operator)) return;
  throw new FilterError(
    'bad-operator',
    `${field} cannot be compared with ${operator}; use ${[...operators].join(' ')}`,
    place.position,
    place.span,
  );
}

/** The test that `operator` makes with the literals: one, or for list operators any number. @throws FilterError */
export function makeTest(
  operator: string,
  type: FieldType,
  literals: readonly Literal[],
  env: FieldEnv,
): Test {
  if (type === 'IPNET') {
    const networks = literals.map(network);
    const inside: Test = (value) => networks.some((item) => inNetwork(value as Uint8Array, item));
    return operator === '!=' ? (value) => !inside(value) : inside;
  }
  const convert = (literal: Literal): Value =>
    operator === 'bcontains' || operator === 'bstartswith' ? hexBytes(literal) : constant(literal, type, env);
  const constants = literals.map(convert);
  if (type === 'BYTEBUF') return bufferTest(operator, constants as ByteText[]);
  if (type === 'IPADDR') return addressTest(operator, constants as Uint8Array[]);
  return scalarTest(operator, constants, literals);
}

function addressTest(operator: string, constants: readonly Uint8Array[]): Test {
  const equal: Test = (value) => constants.some((item) => sameIp(item, value as Uint8Array));
  return operator === '!=' ? (value) => !equal(value) : equal;
}

function scalarTest(operator: string, constants: readonly Value[], literals: readonly Literal[]): Test {
  const [first] = constants;
  switch (operator) {
    case '=':
      return equals(first as Value);
    case '!=': {
      const equal = equals(first as Value);
      return (value) => !equal(value);
    }
    case '<':
      return (value) => value < (first as Value);
    case '<=':
      return (value) => value <= (first as Value);
    case '>':
      return (value) => value > (first as Value);
    case '>=':
      return (value) => value >= (first as Value);
    case 'in':
    case 'intersects': {
      const set = new Set(constants);
      const bigs = constants.some((item) => typeof item === 'bigint');
      if (!bigs) return (value) => set.has(typeof value === 'bigint' ? Number(value) : value);
      const tests = constants.map(equals);
      return (value) => tests.some((test) => test(value));
    }
    default:
      return textTest(operator, constants as ByteText[], literals);
  }
}

// Absolute times and inodes are bigint, constants that fit are numbers.
function equals(constant: Value): Test {
  if (typeof constant === 'number') {
    const big = Number.isInteger(constant) ? BigInt(constant) : undefined;
    return (value) => value === constant || (typeof value === 'bigint' && value === big);
  }
  return (value) => value === constant;
}

function textTest(operator: string, constants: readonly ByteText[], literals: readonly Literal[]): Test {
  const [first = ''] = constants;
  switch (operator) {
    case 'contains':
      return (value) => text(value).includes(first);
    case 'icontains': {
      const lower = first.toLowerCase();
      return (value) => text(value).toLowerCase().includes(lower);
    }
    case 'startswith':
      return (value) => text(value).startsWith(first);
    case 'endswith':
      return (value) => text(value).endsWith(first);
    case 'glob':
    case 'iglob': {
      const pattern = globPattern(first, operator === 'iglob');
      return (value) => pattern.test(text(value));
    }
    case 'regex': {
      const pattern = wholeRegex(first, literals[0] as Literal);
      return (value) => pattern.test(text(value));
    }
    case 'pmatch': {
      const tests = constants.map(pathTest);
      return (value) => tests.some((test) => test(text(value)));
    }
    default:
      throw new Error(`no test for ${operator}`);
  }
}

function bufferTest(operator: string, constants: readonly ByteText[]): Test {
  const [first = ''] = constants;
  switch (operator) {
    case 'contains':
    case 'bcontains': {
      const wanted = Uint8Array.from(first, (character) => character.charCodeAt(0));
      return (value) => bytesInclude(value as Uint8Array, wanted);
    }
    case 'startswith':
    case 'bstartswith':
      return (value) => text((value as Uint8Array).subarray(0, first.length)) === first;
    case 'endswith':
      return (value) => text(value).endsWith(first);
    case '!=':
      return (value) => text(value) !== first;
    default: {
      const set = new Set(constants);
      return (value) => set.has(text(value));
    }
  }
}

function bytesInclude(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const { length } = wanted;
  if (length === 0) return true;
  const first = wanted[0] as number;
  let at = bytes.indexOf(first);
  while (at >= 0 && at + length <= bytes.length) {
    let k = 1;
    while (k < length && bytes[at + k] === wanted[k]) k++;
    if (k === length) return true;
    at = bytes.indexOf(first, at + 1);
  }
  return false;
}

/** Shell pattern for a whole text: *, ?, […] and \; they match '/' too. */
function globPattern(glob: ByteText, ignoreCase: boolean): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const character = glob.charAt(i);
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\' && i + 1 < glob.length) source += escape(glob.charAt(++i));
    else if (character === '[') {
      const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(glob.slice(i));
      if (set === null) source += '\\[';
      else {
        const inside = (set[2] ?? '').replace(/[\\\]^]/g, '\\$&');
        source += safeClass(`[${set[1] === '' ? '' : '^'}${inside}]`) ?? escape(set[0]);
        i += set[0].length - 1;
      }
    } else source += escape(character);
  }
  return new RegExp(`^${source}$`, ignoreCase ? 'si' : 's');
}

// a class such as [z-a] is none
function safeClass(source: string): string | undefined {
  try {
    new RegExp(source);
    return source;
  } catch {
    return undefined;
  }
}

const escape = (literal: string): string => literal.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function wholeRegex(source: ByteText, literal: Literal): RegExp {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch (error: unknown) {
    const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : '';
    throw new FilterError(
      'bad-value',
      `"${source}" is no regular expression: ${why}`,
      literal.position,
      literal.span,
    );
  }
}

/** Whether a path is a prefix by whole components; a component may be a shell pattern. */
function pathTest(prefix: ByteText): (path: ByteText) => boolean {
  const wanted = prefix.split('/').filter((part) => part !== '');
  const tests = wanted.map((part) => {
    if (!/[*?[\\]/.test(part)) return (text: string): boolean => text === part;
    const pattern = globPattern(part, false);
    return (text: string): boolean => pattern.test(text);
  });
  return (path) => {
    const parts = path.split('/').filter((part) => part !== '');
    return tests.length <= parts.length && tests.every((test, i) => test(parts[i] as string));
  };
}

/** Turns what a field says of its argument into an error with a place. */
export function at<T>(place: Place, make: () => T): T {
  try {
    return make();
  } catch (error: unknown) {
    if (error instanceof InputError && !(error instanceof FilterError)) {
      throw new FilterError(error.code, error.message, place.position, place.span);
    }
    throw error;
  }
}
