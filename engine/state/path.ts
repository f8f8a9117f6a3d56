// SPDX-License-Identifier: Apache-2.0
// Joining and normalising captured paths, as scap readers do it.

import type { ByteText } from '../base/units.ts';

const LIMIT = 1024;

/**
 * `path` as seen from `base` (which ends in '/'): absolute paths stand for themselves. `//`, `.` and `..` are resolved, bytes
 * outside 0x20–0x7e become '.', a final '/' goes unless it is all there is.
 */
export function joinPath(base: ByteText, path: ByteText): ByteText {
  if (path === '' || path.startsWith('/')) return normalisePath(path);
  if (base.length + path.length + 1 > LIMIT) return '/PATH_TOO_LONG';
  return normalisePath(base + path);
}

function normalisePath(path: ByteText): ByteText {
  if (isNormal(path)) return path;
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part.replace(/[^\x20-\x7e]/g, '.'));
  }
  return (absolute ? '/' : '') + parts.join('/');
}

const SLASH = 0x2f;
const DOT = 0x2e;

// Nearly all paths are, and one look at each character tells. A part that begins with a dot gets the long way.
function isNormal(path: ByteText): boolean {
  const { length } = path;
  if (length < 2 || path.charCodeAt(0) !== SLASH || path.charCodeAt(length - 1) === SLASH) return false;
  let before = 0;
  for (let i = 0; i < length; i++) {
    const c = path.charCodeAt(i);
    if (c < 0x20 || c > 0x7e || (before === SLASH && (c === SLASH || c === DOT))) return false;
    before = c;
  }
  return true;
}

/** cwd as kept in a thread: normalised, with a final '/'. */
export function normaliseCwd(cwd: ByteText): ByteText {
  const path = normalisePath(cwd);
  return path.endsWith('/') ? path : `${path}/`;
}
