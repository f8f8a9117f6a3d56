// SPDX-License-Identifier: Apache-2.0
// From bytes to text, and from captured text to something that a terminal or a page may show.

import type { ByteText } from './units.ts';

/** Bytes [start, end) as ByteText: one character a byte. */
export function byteText(bytes: Uint8Array, start: number, end: number): ByteText {
  // Node's Buffer does this in C++; below about 20 bytes the call costs more than the loop.
  if (end - start > 20 && 'latin1Slice' in bytes) {
    return (bytes as Uint8Array & { latin1Slice(start: number, end: number): string }).latin1Slice(
      start,
      end,
    );
  }
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

/** A JavaScript string as ByteText of its UTF-8 form: what a user types, as it stands in a capture. */
export function toByteText(text: string): ByteText {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return unescape(encodeURIComponent(text));
}

/** ByteText as a JavaScript string: UTF-8 where it is valid, otherwise each byte for itself. */
export function fromByteText(text: ByteText): string {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  try {
    return decodeURIComponent(escape(text));
  } catch {
    return text;
  }
}

// C0 (with DEL) and C1 controls drive terminals; bidi controls and zero-width characters make text lie about its order.
const HOSTILE = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;

/**
 * Captured text for people: decoded, and made harmless. Controls become visible symbols (ESC is ␛), bidi and zero-width
 * characters become `\u{…}`. Every face passes every captured string through this.
 */
export function showText(text: ByteText): string {
  const decoded = fromByteText(text);
  return decoded.replace(HOSTILE, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `\\u{${code.toString(16)}}`;
  });
}
