// SPDX-License-Identifier: Apache-2.0
// Bytes of I/O buffers as text: one line, readable text, hex rows, or base64.

import { byteText } from '../base/text.ts';
import { toBase64 } from '../base/base64.ts';
import type { ByteText } from '../base/units.ts';
import type { BufferMode } from './options.ts';

const SHORT_LIMIT = 80;
const ROW = 16;
const GROUPS = 8;

/** The text of `bytes`; '' if there are none, in every mode. */
export function formatBuffer(bytes: Uint8Array, mode: BufferMode): ByteText {
  if (bytes.length === 0) return '';
  switch (mode) {
    case 'short':
      // what is cut is not looked at: args and environments are long
      return bytes.length > SHORT_LIMIT
        ? `${dotted(bytes, 0, SHORT_LIMIT - 3)}...`
        : dotted(bytes, 0, bytes.length);
    case 'full':
      return dotted(bytes, 0, bytes.length);
    case 'ascii':
      return readable(bytes);
    case 'hex':
    case 'hexAscii':
      return hexRows(bytes, mode === 'hexAscii');
    case 'base64':
      return toBase64(bytes);
  }
}

/** One character a byte, '.' for those that do not print. */
function dotted(bytes: Uint8Array, start: number, end: number): ByteText {
  return byteText(bytes, start, end).replace(/[^\x20-\x7e]/g, '.');
}

function readable(bytes: Uint8Array): ByteText {
  let text = '\n';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x20 && byte <= 0x7e) text += String.fromCharCode(byte);
    else if (byte === 0x0d) text += '\n';
    else if (byte === 0x0a && i > 0 && bytes[i - 1] !== 0x0d) text += '\n';
  }
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hexRows(bytes: Uint8Array, withAscii: boolean): ByteText {
  let text = '';
  for (let row = 0; row < bytes.length; row += ROW) {
    const end = Math.min(row + ROW, bytes.length);
    text += `\n\t0x${row.toString(16).padStart(4, '0')}:`;
    for (let i = row; i < end; i += 2) {
      text += ` ${HEX[bytes[i] as number]}`;
      if (i + 1 < end) text += HEX[bytes[i + 1] as number];
    }
    if (withAscii) {
      const groups = Math.ceil((end - row) / 2);
      text += `${' '.repeat((GROUPS - groups) * 5)}  ${dotted(bytes, row, end)}`;
    }
  }
  return `${text}\n`;
}
