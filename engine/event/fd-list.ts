// SPDX-License-Identifier: Apache-2.0
// The descriptors that poll and its kin ask for, as an FDLIST param holds them: u16 count, then i64 descriptor and u16 events each.

const COUNT = 2;
const ENTRY = 10;

export type ListedFd = { readonly num: number; readonly events: number };

/** Entries of the param; undefined if it is too short to be a list. What the bytes do not hold is left out. */
export function parseFdList(bytes: Uint8Array): ListedFd[] | undefined {
  if (bytes.length < COUNT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.min(view.getUint16(0, true), Math.floor((bytes.length - COUNT) / ENTRY));
  return Array.from({ length: count }, (_, i) => ({
    num: Number(view.getBigInt64(COUNT + i * ENTRY, true)),
    events: view.getUint16(COUNT + i * ENTRY + 8, true),
  }));
}
