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

// Nothing to do for nearly all paths: one test instead of a walk.
const CLEAN = /^(?:\/[\x21-\x2d\x30-\x7e][\x20-\x2d\x30-\x7e]*)+$/;
const HAS_DOTS = /(?:^|\/)\.{1,2}(?:\/|$)/;

function normalisePath(path: ByteText): ByteText {
  if (CLEAN.test(path) && !HAS_DOTS.test(path)) return path;
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part.replace(/[^\x20-\x7e]/g, '.'));
  }
  return (absolute ? '/' : '') + parts.join('/');
}

/** cwd as kept in a thread: normalised, with a final '/'. */
export function normaliseCwd(cwd: ByteText): ByteText {
  const path = normalisePath(cwd);
  return path.endsWith('/') ? path : `${path}/`;
}
