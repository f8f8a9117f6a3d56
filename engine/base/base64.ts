// SPDX-License-Identifier: Apache-2.0
// Base64, both ways: the engine has no host to ask for it.

import type { ByteText } from './units.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += ALPHABET.charAt(bits >> 18) + ALPHABET.charAt((bits >> 12) & 63);
    text += b === undefined ? '=' : ALPHABET.charAt((bits >> 6) & 63);
    text += c === undefined ? '=' : ALPHABET.charAt(bits & 63);
  }
  return text;
}

/** Padding may be missing; undefined if it is no base64. */
export function fromBase64(encoded: ByteText): ByteText | undefined {
  const digits = encoded.replace(/=+$/, '');
  if (digits.length % 4 === 1) return undefined;
  let decoded = '';
  let bits = 0;
  let count = 0;
  for (const character of digits) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    bits = ((bits << 6) | digit) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      decoded += String.fromCharCode((bits >> count) & 0xff);
    }
  }
  return decoded;
}
