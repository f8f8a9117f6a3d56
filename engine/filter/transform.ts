// SPDX-License-Identifier: Apache-2.0
// Transformers: values made from values. A missing input gives no value.

import { fromBase64 } from '../base/base64.ts';
import type { ByteText } from '../base/units.ts';
import { plainText as text, type Extract, type FieldType, type Value } from '../field/field.ts';

/** A value to compute at an event, and its type. */
export type Computed = { readonly type: FieldType; readonly get: Extract };

const textOf =
  (change: (text: ByteText) => Value | undefined, type: FieldType = 'CHARBUF') =>
  (args: readonly Computed[]): Computed => {
    const [input] = args as [Computed];
    return {
      type,
      get: (ctx) => {
        const value = input.get(ctx);
        return value === undefined ? undefined : change(text(value));
      },
    };
  };

// Bytes, not characters: only ASCII letters have a case.
const lower = (value: ByteText): ByteText => value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const upper = (value: ByteText): ByteText => value.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

function joined(separator: Computed | undefined, parts: readonly Computed[]): Computed {
  return {
    type: 'CHARBUF',
    get: (ctx) => {
      const between = separator === undefined ? '' : separator.get(ctx);
      if (between === undefined) return undefined;
      const texts: ByteText[] = [];
      for (const part of parts) {
        const value = part.get(ctx);
        if (value === undefined) return undefined;
        texts.push(text(value));
      }
      return texts.join(text(between));
    },
  };
}

/** Options of a command line, as getopt(3) finds them: `-v`, `-ofile`, `-o file`, `-vo file`; the value of one, or all as one text. */
function getopt(args: readonly Computed[], option?: ByteText): Computed {
  const words = args.slice(0, -1);
  const known = args.at(-1) as Computed;
  return {
    type: 'CHARBUF',
    get: (ctx) => {
      const letters = known.get(ctx);
      const texts = words.map((word) => word.get(ctx));
      if (letters === undefined || texts.includes(undefined)) return undefined;
      const found = parseOptions(
        texts.flatMap((word) => text(word as Value).split(' ')),
        text(letters),
      );
      if (option !== undefined) return found.get(option);
      return found.size === 0 ? undefined : [...found.keys()].join(' ');
    },
  };
}

function parseOptions(words: readonly ByteText[], letters: ByteText): ReadonlyMap<ByteText, ByteText> {
  const found = new Map<ByteText, ByteText>();
  for (let k = 0; k < words.length; k++) {
    const word = words[k] as string;
    if (word === '--') break;
    if (!/^-[^-]/.test(word)) continue;
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      const at = letters.indexOf(letter);
      if (at < 0 || letter === ':') continue;
      if (letters.charAt(at + 1) !== ':') {
        found.set(letter, '');
        continue;
      }
      const value = i + 1 < word.length ? word.slice(i + 1) : words[++k];
      if (value !== undefined) found.set(letter, value);
      break;
    }
  }
  return found;
}

/** By name; join() and getopt() get its list as further arguments. */
export const TRANSFORM: Readonly<Record<string, (args: readonly Computed[], option?: ByteText) => Computed>> =
  {
    getopt,
    tolower: textOf(lower),
    toupper: textOf(upper),
    basename: textOf((path) => path.slice(path.lastIndexOf('/') + 1)),
    b64: textOf(fromBase64),
    len: textOf((value) => value.length, 'UINT64'),
    concat: (args) => joined(undefined, args),
    join: (args) => joined(args[0], args.slice(1)),
  };
