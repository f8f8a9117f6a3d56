// SPDX-License-Identifier: Apache-2.0
// From tree to function: fields are bound, constants converted, and what is left for an event is a chain of closures that stops
// as soon as the answer is known. A check of a field that has no value is false, whatever the operator.

import { FilterError } from '../base/errors.ts';
import { FIRST_NAMED, genericSyscall } from '../event/generic.ts';
import { EVENT_TYPE_COUNT, EVENT_TYPES } from '../event/schema.ts';
import { SYSCALLS_X86_64 } from '../event/syscalls.ts';
import { codeHasFd, withName } from '../field/event-types.ts';
import {
  DEFAULT_ENV,
  type Bound,
  type Dependency,
  type Field,
  type FieldEnv,
  type FieldType,
} from '../field/field.ts';
import { nearest, resolveField } from '../field/registry.ts';
import { formatIp } from '../state/tuple.ts';
import type { EventContext } from '../state/context.ts';
import type { Ast, Check, Literal, Operand } from './ast.ts';
import { at, checkOperator, makeTest, type Test } from './operators.ts';
import { parseFilter } from './parse.ts';
import { TRANSFORM, type Computed } from './transform.ts';

export type CompiledFilter = {
  readonly text: string;
  readonly ast: Ast;
  /** Whether the event that the context stands at matches. */
  readonly test: (ctx: EventContext) => boolean;
  /** On what the answer depends. */
  readonly dependsOn: ReadonlySet<Dependency>;
  /** Codes of events that can match, 1 each: all others do not have to be asked. */
  readonly codes: Uint8Array;
};

type Match = (ctx: EventContext) => boolean;

class Compiler {
  readonly dependsOn = new Set<Dependency>();
  private readonly env: FieldEnv;

  constructor(env: FieldEnv) {
    this.env = env;
  }

  match(ast: Ast): Match {
    switch (ast.kind) {
      case 'check':
        return this.check(ast);
      case 'not': {
        const part = this.match(ast.part);
        return (ctx) => !part(ctx);
      }
      case 'and':
        return ast.parts
          .map((part) => this.match(part))
          .reduceRight((rest, first) => (ctx) => first(ctx) && rest(ctx));
      case 'or':
        return ast.parts
          .map((part) => this.match(part))
          .reduceRight((rest, first) => (ctx) => first(ctx) || rest(ctx));
    }
  }

  private check(check: Check): Match {
    const { operand } = check;
    if (check.right !== undefined) return this.compareBoth(check, check.right);
    if (operand.kind !== 'field')
      return one(this.computed(operand).get, this.test(check, this.computed(operand).type, operand));
    const { field, arg } = resolveField(operand.text, operand.position);
    if (field.only === 'print') {
      throw new FilterError(
        'not-comparable',
        `${field.name} can be printed, but not compared`,
        operand.position,
        operand.span,
      );
    }
    this.dependsOn.add(field.dependsOn);
    const type = arg !== undefined && field.typeOf !== undefined ? field.typeOf(arg) : field.type;
    this.checkValues(check, field);
    if (field.name === 'evt.type' || field.name === 'syscall.type') {
      const fast = byType(check, field.name === 'syscall.type');
      if (fast !== undefined) return fast;
    }
    const bound = at(operand, () => field.bind(arg, this.env));
    if (check.operator === 'exists') return exists(bound);
    if (field.name === 'evt.around') return this.around(check, bound);
    const test = HOST_FIELDS.test(field.name)
      ? this.hostTest(check, type, operand)
      : this.test(check, type, operand);
    return matches(bound, check.operator, test);
  }

  private test(check: Check, type: FieldType, operand: Operand): Test {
    const { operator, modifier, values } = check;
    checkOperator(operator, type, describe(operand), check);
    if (operator === 'exists') return () => true;
    if (modifier === undefined) return makeTest(operator, type, values, this.env);
    const tests = values.map((value) => makeTest(operator, type, [value], this.env));
    return modifier === 'allof'
      ? (value) => tests.every((test) => test(value))
      : (value) => tests.some((test) => test(value));
  }

  // A host name stands for all of its addresses.
  private hostTest(check: Check, type: FieldType, operand: Operand): Test {
    if (!['=', '!=', 'in'].includes(check.operator)) {
      throw new FilterError(
        'bad-operator',
        `${describe(operand)} can only be compared with = != in`,
        check.position,
        check.span,
      );
    }
    const literals = check.values.flatMap((value): Literal[] => {
      const addresses = this.env.resolveHost?.(value.text) ?? [];
      return [value, ...addresses.map((address) => ({ ...value, text: formatIp(address) }))];
    });
    const inside = makeTest('in', type, literals, this.env);
    return check.operator === '!=' ? (value) => !inside(value) : inside;
  }

  private around(check: Check, bound: Bound): Match {
    if (check.operator !== '=') {
      throw new FilterError(
        'bad-operator',
        'evt.around can only be compared with =: evt.around[TIME]=MILLISECONDS',
        check.position,
        check.span,
      );
    }
    return matches(bound, '=', makeTest('<=', 'UINT64', check.values, this.env));
  }

  private checkValues(check: Check, field: Field): void {
    const { valid } = field;
    if (valid === undefined) return;
    for (const { text, position, span } of check.values) {
      if (valid(text)) continue;
      const suggestion = nearest(text, field.known?.() ?? []);
      const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
      throw new FilterError(
        'bad-value',
        `"${text}" is nothing that ${field.name} can be${hint}`,
        position,
        span,
        suggestion,
      );
    }
  }

  private computed(operand: Operand): Computed {
    switch (operand.kind) {
      case 'constant': {
        const { text } = operand;
        return { type: 'CHARBUF', get: () => text };
      }
      case 'field': {
        const { field, arg } = resolveField(operand.text, operand.position);
        this.dependsOn.add(field.dependsOn);
        const bound = at(operand, () => field.bind(arg, this.env));
        if (bound.several !== undefined) {
          throw new FilterError(
            'bad-argument',
            `${operand.text} has several values and cannot be used here`,
            operand.position,
            operand.span,
          );
        }
        return {
          type: arg !== undefined && field.typeOf !== undefined ? field.typeOf(arg) : field.type,
          get: bound.extract,
        };
      }
      case 'call': {
        const args = operand.args.flatMap((item) => (item.kind === 'list' ? item.items : [item]));
        const make = TRANSFORM[operand.name];
        if (make === undefined) throw new Error(`no transformer ${operand.name}`);
        return make(
          args.map((item) => this.computed(item)),
          operand.option,
        );
      }
      case 'list':
        throw new FilterError('unexpected', 'a list cannot be used here', operand.position, operand.span);
    }
  }

  private compareBoth(check: Check, rightOperand: Operand): Match {
    const left = this.computed(check.operand);
    const right = this.computed(rightOperand);
    checkOperator(check.operator, left.type, describe(check.operand), check);
    const compare = BOTH[check.operator];
    if (compare === undefined) {
      throw new FilterError(
        'bad-operator',
        `${check.operator} wants a constant on its right side`,
        check.position,
        check.span,
      );
    }
    return (ctx) => {
      const a = left.get(ctx);
      const b = a === undefined ? undefined : right.get(ctx);
      return a !== undefined && b !== undefined && compare(a, b);
    };
  }
}

type Both = (
  a: NonNullable<ReturnType<Computed['get']>>,
  b: NonNullable<ReturnType<Computed['get']>>,
) => boolean;
const BOTH: Readonly<Record<string, Both>> = {
  '=': (a, b) => String(a) === String(b),
  '!=': (a, b) => String(a) !== String(b),
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  contains: (a, b) => String(a).includes(String(b)),
  icontains: (a, b) => String(a).toLowerCase().includes(String(b).toLowerCase()),
  startswith: (a, b) => String(a).startsWith(String(b)),
  endswith: (a, b) => String(a).endsWith(String(b)),
  in: (a, b) => String(a) === String(b),
  intersects: (a, b) => String(a) === String(b),
};

const HOST_FIELDS = /^fd\.[cslr]ip\.name$/;

function describe(operand: Operand): string {
  return operand.kind === 'field' ? operand.text : operand.kind === 'call' ? `${operand.name}()` : 'this';
}

const one =
  (extract: Computed['get'], test: Test): Match =>
  (ctx) => {
    const value = extract(ctx);
    return value !== undefined && test(value);
  };

function exists(bound: Bound): Match {
  if (bound.several !== undefined) return (ctx) => bound.extractAll(ctx).length > 0;
  return (ctx) => bound.extract(ctx) !== undefined;
}

function matches(bound: Bound, operator: string, test: Test): Match {
  if (bound.several === undefined) return one(bound.extract, test);
  const { several, extractAll } = bound;
  const all = (several === 'ends' && operator === '!=') || (several === 'list' && operator === 'in');
  if (all) {
    return (ctx) => {
      const values = extractAll(ctx);
      return values.length > 0 && values.every(test);
    };
  }
  return (ctx) => extractAll(ctx).some(test);
}

// Event types are compared by code: no text is made for an event.
function byType(check: Check, syscallsOnly: boolean): Match | undefined {
  if (
    syscallsOnly ||
    !['=', '!=', 'in', 'intersects'].includes(check.operator) ||
    check.modifier !== undefined
  )
    return undefined;
  const wanted = check.values.map((value) => withName(value.text));
  const codes = new Uint8Array(wanted[0]?.codes.length ?? 0);
  const syscalls = new Set<number>();
  for (const item of wanted) {
    item.codes.forEach((yes, code) => {
      if (yes === 1) codes[code] = 1;
    });
    for (const sc of item.syscalls) syscalls.add(sc);
  }
  const negate = check.operator === '!=';
  const tracers = check.values.some(({ text }) => text === 'tracer');
  return ({ evt, tracer, inPairs }) =>
    (tracer !== undefined && inPairs
      ? tracers
      : evt.code >= FIRST_NAMED
        ? codes[evt.code] === 1
        : syscalls.has(genericSyscall(evt))) !== negate;
}

/** For each event code, whether a filter can be true and whether it can be false. */
type Possible = { readonly can: Uint8Array; readonly cannot: Uint8Array };

const every = (value: 0 | 1): Uint8Array => new Uint8Array(EVENT_TYPE_COUNT).fill(value);
const WRITE_EXIT = 9;
const CODES_WITH_FD = Uint8Array.from(EVENT_TYPES, ({ code }) => (codeHasFd(code) ? 1 : 0));
const ANY: Possible = { can: every(1), cannot: every(1) };

// What the kind of the event alone decides, so that the others need not be asked.
function possible(ast: Ast): Possible {
  switch (ast.kind) {
    case 'not': {
      const { can, cannot } = possible(ast.part);
      return { can: cannot, cannot: can };
    }
    case 'and':
    case 'or': {
      const parts = ast.parts.map(possible);
      const all = (pick: (part: Possible) => Uint8Array): Uint8Array =>
        every(1).map((_, code) => (parts.every((part) => pick(part)[code] === 1) ? 1 : 0));
      const some = (pick: (part: Possible) => Uint8Array): Uint8Array =>
        every(0).map((_, code) => (parts.some((part) => pick(part)[code] === 1) ? 1 : 0));
      return ast.kind === 'and'
        ? { can: all(({ can }) => can), cannot: some(({ cannot }) => cannot) }
        : { can: some(({ can }) => can), cannot: all(({ cannot }) => cannot) };
    }
    case 'check':
      return possibleCheck(ast);
  }
}

const GENERIC_CALLS = new Set(
  SYSCALLS_X86_64.filter(([, , , classicExit]) => classicExit === 0).map(([, sc]) => sc),
);

function mayBeGeneric(name: string): boolean {
  const { syscalls } = withName(name);
  return name === '<unknown>' || name === 'unknown' || [...syscalls].some((sc) => GENERIC_CALLS.has(sc));
}

function possibleCheck(check: Check): Possible {
  const { operand, operator, values } = check;
  if (operand.kind !== 'field') return ANY;
  // a field without a value makes its check false
  if (/^fd\.(?!name_changed|types)/.test(operand.text)) return { can: CODES_WITH_FD, cannot: ANY.cannot };
  if (check.right !== undefined || check.modifier !== undefined) return ANY;
  if (operator !== '=' && operator !== '!=' && operator !== 'in') return ANY;
  let can: Uint8Array;
  if (operand.text === 'evt.type') {
    can = every(0);
    for (const { text } of values) {
      withName(text).codes.forEach((yes, code) => yes === 1 && (can[code] = 1));
      // a write to /dev/null may be one
      if (text === 'tracer') can[WRITE_EXIT] = 1;
    }
  } else if (operand.text === 'evt.dir') {
    can = every(0).map((_, code) =>
      values.some(({ text }) => text === ((code & 1) === 1 ? '<' : '>')) ? 1 : 0,
    );
  } else {
    return ANY;
  }
  const cannot = can.map((yes) => 1 - yes);
  // a generic event has the name of its call, which 0.29.3 has no other event for
  const generic = operand.text !== 'evt.type' || values.some(({ text }) => mayBeGeneric(text));
  // whether a write is a tracer, and of which direction, its data tells; the name of a generic event stands in it
  cannot[WRITE_EXIT] = 1;
  if (operand.text === 'evt.dir') can[WRITE_EXIT] = 1;
  for (let code = 0; code < FIRST_NAMED; code++) {
    can[code] = generic ? 1 : 0;
    cannot[code] = 1;
  }
  return operator === '!=' ? { can: cannot, cannot: can } : { can, cannot };
}

/**
 * Compiles a filter.
 *
 * @throws FilterError with place and, where there is one, a suggestion
 */
export function compileFilter(text: string, env: FieldEnv = DEFAULT_ENV): CompiledFilter {
  const ast = parseFilter(text);
  const compiler = new Compiler(env);
  const test = compiler.match(ast);
  const { dependsOn } = compiler;
  return { text, ast, test, dependsOn, codes: dependsOn.has('history') ? ANY.can : possible(ast).can };
}
