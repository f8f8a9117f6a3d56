// SPDX-License-Identifier: Apache-2.0
// A filter as a tree, and the tree as text again.

import type { ByteText } from '../base/units.ts';

/** Where something stands in the text of the filter. */
export type Place = { readonly position: number; readonly span: number };

export type Literal = Place & { readonly text: ByteText };

/** What is compared: a field, a transformer of others, or (inside transformers) a constant. */
export type Operand =
  | (Place & { readonly kind: 'field'; readonly text: ByteText })
  | (Place & {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Operand[];
      /** getopt(…)[this] */ readonly option?: ByteText;
    })
  | (Place & { readonly kind: 'list'; readonly items: readonly Operand[] })
  | (Place & { readonly kind: 'constant'; readonly text: ByteText });

export type Modifier = 'oneof' | 'anyof' | 'allof';

export type Check = Place & {
  readonly kind: 'check';
  readonly operand: Operand;
  readonly operator: string;
  readonly modifier?: Modifier;
  /** One value; several for `in`, `intersects`, `pmatch` and with a modifier; none for `exists`. */
  readonly values: readonly Literal[];
  /** A field or transformer on the right side, in place of values. */
  readonly right?: Operand;
};

export type Ast =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Ast[] }
  | { readonly kind: 'not'; readonly part: Ast }
  | Check;

/** Word operators that take a list. */
export const LIST_OPERATORS: ReadonlySet<string> = new Set(['in', 'intersects', 'pmatch']);

const quote = (text: ByteText): string =>
  `'${text.replace(/[\\']/g, '\\$&').replace(/[\x00-\x1f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;

function operandText(operand: Operand): string {
  switch (operand.kind) {
    case 'field':
      return operand.text;
    case 'constant':
      return quote(operand.text);
    case 'list':
      return `(${operand.items.map(operandText).join(', ')})`;
    case 'call': {
      const option = operand.option === undefined ? '' : `[${operand.option}]`;
      return `${operand.name}(${operand.args.map(operandText).join(', ')})${option}`;
    }
  }
}

function checkText(check: Check): string {
  const left = operandText(check.operand);
  if (check.operator === 'exists') return `${left} exists`;
  if (check.right !== undefined) {
    const right = check.right.kind === 'field' ? `val(${check.right.text})` : operandText(check.right);
    return `${left} ${check.operator} ${right}`;
  }
  const list = LIST_OPERATORS.has(check.operator) || check.modifier !== undefined;
  const values = check.values.map((value) => quote(value.text)).join(', ');
  const modifier = check.modifier === undefined ? '' : ` ${check.modifier}`;
  return `${left} ${check.operator}${modifier} ${list ? `(${values})` : values}`;
}

/** The tree as a filter that parses to the same tree. */
export function filterText(ast: Ast): string {
  switch (ast.kind) {
    case 'check':
      return checkText(ast);
    case 'not':
      return `not ${ast.part.kind === 'check' ? checkText(ast.part) : `(${filterText(ast.part)})`}`;
    default:
      return ast.parts
        .map((part) =>
          part.kind === 'and' || part.kind === 'or' ? `(${filterText(part)})` : filterText(part),
        )
        .join(` ${ast.kind} `);
  }
}
