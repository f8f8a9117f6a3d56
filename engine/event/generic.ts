// SPDX-License-Identifier: Apache-2.0
// Generic events: calls that the format has no event of its own for. They carry the call's number in the format, and its number in
// the kernel.

import type { EventCursor } from './cursor.ts';
import { SYSCALLS_X86_64 } from './syscalls.ts';

/** Events with codes below this are generic. */
export const FIRST_NAMED = 2;
export const GENERIC_EXIT = 1;

/**
 * sysdig 0.29.3 crashes when it prints a number from here on. Our files write 0, and the number in the kernel still tells the call.
 */
export const CLASSIC_SYSCALLS = 330;

const byNative = new Map(SYSCALLS_X86_64.map(([native, sc]) => [native, sc]));

/** Number in the format of the call that a generic event reports. */
export function genericSyscall(evt: EventCursor): number {
  const sc = evt.uint(0);
  return sc === 0 && evt.count > 1 ? (byNative.get(evt.uint(1)) ?? 0) : sc;
}
