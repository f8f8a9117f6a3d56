// SPDX-License-Identifier: Apache-2.0
// Where a relative path starts.

import type { ByteText } from '../base/units.ts';
import type { EventContext } from './context.ts';

/** As a directory descriptor: the working directory. */
export const AT_FDCWD = -100;

/** Directory that `dirfd` stands for, ending in '/'; undefined without a thread, or for a descriptor that is not known. */
export function baseOf(
  ctx: Pick<EventContext, 'thread' | 'mainThread' | 'fdTable'>,
  dirfd: number,
): ByteText | undefined {
  const { thread } = ctx;
  if (thread === undefined) return undefined;
  if (dirfd === AT_FDCWD) return ctx.mainThread(thread).cwd;
  const name = ctx.fdTable(thread).get(dirfd)?.name;
  return name === undefined || name.endsWith('/') ? name : `${name}/`;
}
