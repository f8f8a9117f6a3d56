// SPDX-License-Identifier: Apache-2.0
// From text to tree. The grammar is that of the current libraries, which is nearly a superset of sysdig 0.29.3's; where only the
// older one gives a text a meaning (a bare value with `=` in it, `fd.name=` for the empty name), it has that meaning.
//
//   or ▶ and ▶ not ▶ ( or ) | operand operator [modifier] values

import { FilterError } from '../base/errors.ts';
import { toByteText } from '../base/text.ts';
import { nearest } from '../field/registry.ts';
import { LIST_OPERATORS, type Ast, type Check, type Literal, type Modifier, type Operand } from './ast.ts';

const SYMBOLS = ['==', '!=', '<=', '>=', '=', '<', '>'] as const;
const WORDS = [
  'contains',
  'icontains',
  'bcontains',
  'startswith',
  'bstartswith',
  'endswith',
  'glob',
  'iglob',
  'regex',
  'in',
  'intersects',
  'pmatch',
  'exists',
] as const;
const MODIFIERS: ReadonlySet<string> = new Set(['oneof', 'anyof', 'allof']);
/** Transformers, with the fewest and most arguments. */
const TRANSFORMERS: Readonly<Record<string, readonly [number, number]>> = {
  tolower: [1, 1],
  toupper: [1, 1],
  b64: [1, 1],
  basename: [1, 1],
  len: [1, 1],
  join: [2, 2],
  concat: [2, 64],
  getopt: [2, 2],
};
const MAX_DEPTH = 100;

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  '/': '/',
  '"': '"',
  "'": "'",
};

class Parser {
  private at = 0;
  private depth = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  filter(): Ast {
    this.blanks();
    if (this.at === this.text.length) throw this.error('empty', 'the filter is empty', 1);
    const ast = this.or();
    this.blanks();
    if (this.at < this.text.length) {
      const rest = this.word() || this.text.charAt(this.at);
      const what =
        rest === ')' ? 'this bracket closes nothing' : `expected "and", "or" or the end, and found "${rest}"`;
      throw this.error('unexpected', what, rest.length);
    }
    return ast;
  }

  // ---- logic ----

  private or(): Ast {
    return this.chain('or', () => this.chain('and', () => this.not()));
  }

  private chain(kind: 'and' | 'or', part: () => Ast): Ast {
    const parts = [part()];
    while (this.keyword(kind)) parts.push(part());
    return parts.length === 1 ? (parts[0] as Ast) : { kind, parts };
  }

  private not(): Ast {
    let negate = false;
    while (this.keyword('not')) negate = !negate;
    const part = this.primary();
    return negate ? { kind: 'not', part } : part;
  }

  private primary(): Ast {
    this.blanks();
    if (this.text.charAt(this.at) !== '(') return this.check();
    const open = this.at;
    if (++this.depth > MAX_DEPTH)
      throw this.error('too-deep', `more than ${MAX_DEPTH} brackets inside each other`, 1);
    this.at++;
    const ast = this.or();
    this.blanks();
    if (this.text.charAt(this.at) !== ')') {
      if (this.at < this.text.length)
        throw this.error(
          'unexpected',
          `expected ")", and found "${this.word() || this.text.charAt(this.at)}"`,
          1,
        );
      throw new FilterError('unbalanced', 'this bracket is never closed', open, 1);
    }
    this.at++;
    this.depth--;
    return ast;
  }

  // ---- checks ----

  private check(): Check {
    const position = this.at;
    const operand = this.operand();
    this.blanks();
    const operator = this.operator();
    const done = (rest: Pick<Check, 'values' | 'modifier' | 'right'>): Check => ({
      kind: 'check',
      operand,
      operator,
      position,
      span: Math.max(1, this.at - position),
      ...rest,
    });
    if (operator === 'exists') return done({ values: [] });
    this.blanks();
    const modifier = LIST_OPERATORS.has(operator) ? undefined : this.modifier();
    if (LIST_OPERATORS.has(operator) || modifier !== undefined) {
      const right = this.right();
      if (right !== undefined) return done({ values: [], right });
      return done({ values: this.list(operator), ...(modifier === undefined ? {} : { modifier }) });
    }
    const right = this.right();
    if (right !== undefined) return done({ values: [], right });
    return done({ values: [this.value(operator)] });
  }

  private operand(): Operand {
    const position = this.at;
    const name = this.word();
    const call = TRANSFORMERS[name];
    if (call !== undefined && this.text.charAt(this.at + name.length) === '(') return this.call(name, call);
    const text = this.fieldText();
    if (text === '') {
      const found = this.text.charAt(this.at);
      throw this.error(
        'expected-field',
        found === ''
          ? 'the filter ends where a field was expected'
          : `expected a field, and found "${found}"`,
        1,
      );
    }
    this.at += text.length;
    return { kind: 'field', text: toByteText(text), position, span: text.length };
  }

  /** A field's name with its argument. */
  private fieldText(): string {
    const match = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_/-]+)*/.exec(this.text.slice(this.at));
    if (match === null) return '';
    const [name] = match;
    if (this.text.charAt(this.at + name.length) !== '[') return name;
    const bracket = /^\[(?:"[^"]*"|'[^']*'|[^\]"']*)\]/.exec(this.text.slice(this.at + name.length));
    if (bracket === null)
      throw new FilterError('unbalanced', 'this bracket is never closed', this.at + name.length, 1);
    return name + bracket[0];
  }

  private call(name: string, [least, most]: readonly [number, number]): Operand {
    const position = this.at;
    if (++this.depth > MAX_DEPTH)
      throw this.error('too-deep', `more than ${MAX_DEPTH} brackets inside each other`, 1);
    this.at += name.length;
    const args = this.args(true);
    this.depth--;
    if (args.length < least || args.length > most) {
      const wants = least === most ? `${least}` : `at least ${least}`;
      throw new FilterError(
        'bad-argument',
        `${name}() wants ${wants} argument${wants === '1' ? '' : 's'}, and got ${args.length}`,
        position,
        this.at - position,
      );
    }
    // the value of one option
    const bracket = name === 'getopt' ? /^\[([^\]]*)\]/.exec(this.text.slice(this.at)) : null;
    if (bracket === null) return { kind: 'call', name, args, position, span: this.at - position };
    this.at += bracket[0].length;
    return {
      kind: 'call',
      name,
      args,
      option: toByteText(bracket[1] ?? ''),
      position,
      span: this.at - position,
    };
  }

  private args(nested: boolean): Operand[] {
    const open = this.at++;
    const args: Operand[] = [];
    for (;;) {
      this.blanks();
      const next = this.text.charAt(this.at);
      if (next === ')' && args.length === 0) break;
      args.push(this.arg(next, nested));
      this.blanks();
      const end = this.text.charAt(this.at);
      if (end === ')') break;
      if (end !== ',')
        throw end === ''
          ? new FilterError('unbalanced', 'this bracket is never closed', open, 1)
          : this.error('unexpected', `expected "," or ")", and found "${end}"`, 1);
      this.at++;
    }
    this.at++;
    return args;
  }

  private arg(next: string, nested: boolean): Operand {
    const position = this.at;
    if (next === '"' || next === "'") {
      const { text } = this.quoted();
      return { kind: 'constant', text, position, span: this.at - position };
    }
    if (next === '(' && nested) {
      const items = this.args(false);
      return { kind: 'list', items, position, span: this.at - position };
    }
    const number = /^[+-]?\d+(?![\w.])/.exec(this.text.slice(this.at));
    if (number !== null) {
      this.at += number[0].length;
      return { kind: 'constant', text: number[0], position, span: number[0].length };
    }
    const operand = this.operand();
    if (operand.kind === 'field' && !operand.text.includes('.')) {
      throw new FilterError(
        'expected-field',
        `"${operand.text}" is no field; text stands in quotes here: "${operand.text}"`,
        operand.position,
        operand.span,
      );
    }
    return operand;
  }

  private right(): Operand | undefined {
    const name = this.word();
    if (this.text.charAt(this.at + name.length) !== '(') return undefined;
    if (name === 'val') {
      const position = this.at;
      this.at += name.length;
      const [operand, ...more] = this.args(false);
      if (operand === undefined || more.length > 0)
        throw new FilterError('bad-argument', 'val() wants one field', position, this.at - position);
      return operand;
    }
    const call = TRANSFORMERS[name];
    return call === undefined ? undefined : this.call(name, call);
  }

  private operator(): string {
    for (const symbol of SYMBOLS) {
      if (this.text.startsWith(symbol, this.at)) {
        this.at += symbol.length;
        return symbol === '==' ? '=' : symbol;
      }
    }
    const word = this.word();
    if ((WORDS as readonly string[]).includes(word)) {
      this.at += word.length;
      return word;
    }
    if (word === '') {
      const found = this.text.charAt(this.at);
      throw this.error(
        'expected-operator',
        found === ''
          ? 'the filter ends where an operator was expected'
          : `expected an operator, and found "${found}"`,
        1,
      );
    }
    const suggestion = nearest(word, WORDS);
    throw this.error(
      'unknown-operator',
      `"${word}" is no operator${suggestion === undefined ? `; there are ${[...SYMBOLS, ...WORDS].join(' ')}` : `; did you mean ${suggestion}?`}`,
      word.length,
      suggestion,
    );
  }

  private modifier(): Modifier | undefined {
    const word = this.word();
    if (!MODIFIERS.has(word) || !/^\s+\(/.test(this.text.slice(this.at + word.length))) return undefined;
    this.at += word.length;
    this.blanks();
    return word as Modifier;
  }

  // ---- values ----

  private list(operator: string): Literal[] {
    this.blanks();
    if (this.text.charAt(this.at) !== '(')
      throw this.error(
        'expected-list',
        `${operator} wants a list in brackets: ${operator} (a, b)`,
        Math.max(1, this.word().length),
      );
    const open = this.at++;
    const values: Literal[] = [];
    for (;;) {
      this.blanks();
      if (this.text.charAt(this.at) === ')' && values.length === 0) break;
      values.push(this.item(open));
      this.blanks();
      const next = this.text.charAt(this.at);
      if (next === ')') break;
      if (next === ',') {
        this.at++;
        continue;
      }
      throw next === ''
        ? new FilterError('unbalanced', 'this bracket is never closed', open, 1)
        : this.error('unexpected', `expected "," or ")", and found "${next}"`, 1);
    }
    this.at++;
    return values;
  }

  private item(open: number): Literal {
    const next = this.text.charAt(this.at);
    if (next === '"' || next === "'") return this.quoted();
    const match = /^[^\s(),]+/.exec(this.text.slice(this.at));
    if (match === null) {
      if (next === '') throw new FilterError('unbalanced', 'this bracket is never closed', open, 1);
      throw this.error('expected-value', `expected a value, and found "${next}"`, 1);
    }
    return this.take(match[0]);
  }

  private value(operator: string): Literal {
    const next = this.text.charAt(this.at);
    if (next === '"' || next === "'") return this.quoted();
    const match = /^[^\s()]+/.exec(this.text.slice(this.at));
    if (match !== null && match[0] !== '=') return this.take(match[0]);
    // nothing after = is the empty text, as sysdig has it
    if ((operator === '=' || operator === '!=') && (next === '' || next === ')'))
      return { text: '', position: this.at, span: 1 };
    throw this.error(
      'expected-value',
      next === ''
        ? `the filter ends where a value for ${operator} was expected`
        : `expected a value for ${operator}, and found "${next}"`,
      1,
    );
  }

  private take(text: string): Literal {
    const position = this.at;
    this.at += text.length;
    return { text: toByteText(text), position, span: text.length };
  }

  private quoted(): Literal {
    const position = this.at;
    const quote = this.text.charAt(this.at++);
    let text = '';
    let bytes = '';
    for (;;) {
      const character = this.text.charAt(this.at++);
      if (character === '') throw new FilterError('unbalanced', 'this quote is never closed', position, 1);
      if (character === quote) break;
      if (character !== '\\') {
        text += character;
        continue;
      }
      const next = this.text.charAt(this.at++);
      if (next === 'x') {
        const digits = /^[0-9a-fA-F]{2}/.exec(this.text.slice(this.at));
        if (digits === null)
          throw new FilterError('bad-escape', '\\x wants two hexadecimal digits', this.at - 2, 2);
        this.at += 2;
        // a byte, not a character: what was gathered so far is encoded first
        bytes += toByteText(text) + String.fromCharCode(Number.parseInt(digits[0], 16));
        text = '';
      } else {
        text += ESCAPES[next] ?? `\\${next}`;
      }
    }
    return { text: bytes + toByteText(text), position, span: this.at - position };
  }

  // ---- scanning ----

  private blanks(): void {
    while (/^[ \t\r\n\b]$/.test(this.text.charAt(this.at))) this.at++;
  }

  /** The word ahead, not yet taken. */
  private word(): string {
    return /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.text.slice(this.at))?.[0] ?? '';
  }

  private keyword(word: string): boolean {
    this.blanks();
    if (this.word() !== word) return false;
    const after = this.text.charAt(this.at + word.length);
    if (after !== '' && !/[\s(\b]/.test(after)) return false;
    this.at += word.length;
    return true;
  }

  private error(code: string, message: string, span: number, suggestion?: string): FilterError {
    return new FilterError(code, message, this.at, Math.max(1, span), suggestion);
  }
}

/**
 * Parses a filter; fields and values are not looked at yet.
 *
 * @throws FilterError with the place of the mistake
 */
export function parseFilter(text: string): Ast {
  return new Parser(text).filter();
}
