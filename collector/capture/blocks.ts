// SPDX-License-Identifier: Apache-2.0
// Block types of a scap file besides those of events, with their early aliases.

import { BlockType } from '../../engine/event/source.ts';

export const SECTION_HEADER = 0x0a0d0d0a;
export const MACHINE_INFO = 0x201;
/** List blocks by version, oldest first: index + 1 is the version. */
export const PROCESS_LISTS: readonly number[] = [
  0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214, 0x215,
];
export const FD_LISTS: readonly number[] = [0x203, 0x218];
export const INTERFACE_LISTS: readonly number[] = [0x205, 0x219];
export const USER_LISTS: readonly number[] = [0x206, 0x220];

const EARLY_EVENT = 0x8010abcd;
/** Numbers from before the first release, still accepted by every reader. */
export const ALIASES: ReadonlyMap<number, number> = new Map([
  [0x8002abcd, MACHINE_INFO],
  [0x8000abcd, 0x202],
  [0x8013abcd, 0x207],
  [0x8014abcd, 0x209],
  [0x8001abcd, 0x203],
  [EARLY_EVENT, BlockType.EV],
  [0x8011abcd, 0x205],
  [0x8012abcd, 0x206],
]);

const LAST = 0x222;
const EVENT_BLOCKS = Uint8Array.from({ length: LAST + 1 }, (_, type) =>
  (Object.values(BlockType) as number[]).includes(type) ? 1 : 0,
);

export function isEventBlock(type: number): boolean {
  return type <= LAST ? EVENT_BLOCKS[type] === 1 : type === EARLY_EVENT;
}

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
