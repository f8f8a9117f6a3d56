// SPDX-License-Identifier: Apache-2.0
// What events are grouped by: containers, processes, threads, descriptors. A group is a run of dimension rows that are one thing
// to people; the mapping row → group grows as the dimensions grow.

import type { ByteText } from '../base/units.ts';
import type { Fd } from '../state/fd.ts';
import type { Thread } from '../state/thread.ts';
import type { Dimensions } from '../store/dimensions.ts';

export type Group = {
  readonly key: string;
  /** Newest dimension row of the group. */
  row: number;
};

/** Group of each row of one dimension. */
export class Grouping {
  readonly groups: Group[] = [];
  /** By dimension row; -1: the row belongs to no group. */
  readonly of: number[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly size: () => number;
  private readonly keyOf: (row: number) => string | undefined;

  constructor(size: () => number, keyOf: (row: number) => string | undefined) {
    this.size = size;
    this.keyOf = keyOf;
  }

  /** Takes in rows that came since the last call. */
  update(): void {
    for (let row = this.of.length; row < this.size(); row++) {
      const key = this.keyOf(row);
      if (key === undefined) {
        this.of.push(-1);
        continue;
      }
      let group = this.byKey.get(key);
      if (group === undefined) {
        group = this.groups.length;
        this.byKey.set(key, group);
        this.groups.push({ key, row });
      }
      (this.groups[group] as Group).row = row;
      this.of.push(group);
    }
  }

  byName(key: string): number | undefined {
    return this.byKey.get(key);
  }
}

/** Key of the group of everything outside containers. */
export const HOST_KEY = 'host';

export class Groupings {
  /** Over thread rows. */
  readonly containers: Grouping;
  readonly processes: Grouping;
  readonly threads: Grouping;
  /** Over fd rows: a socket, pipe or file opened once, however much was learned of it since. */
  readonly descriptors: Grouping;
  /** Over fd rows: all descriptors of a path. */
  readonly files: Grouping;

  constructor(dims: Dimensions) {
    const thread = (row: number): Thread => dims.threads[row] as Thread;
    const process = (row: number): string => dims.processes[dims.processOf[row] as number]?.key ?? '';
    const rows = (): number => dims.threads.length;
    const fds = (): number => dims.fds.length;
    const fd = (row: number): Fd => dims.fds[row] as Fd;
    this.containers = new Grouping(rows, (row) => thread(row).containerId || HOST_KEY);
    this.processes = new Grouping(rows, process);
    this.threads = new Grouping(rows, (row) => `${thread(row).tid}.${process(row)}`);
    this.descriptors = new Grouping(fds, (row) => {
      const owner = dims.processes[dims.fdProcess[row] as number]?.key ?? '';
      return `${owner}.${dims.fdNum[row]}.${fd(row).openedBy}`;
    });
    this.files = new Grouping(fds, (row): ByteText | undefined =>
      fd(row).isFile ? fd(row).name : undefined,
    );
  }

  update(): void {
    for (const grouping of [this.containers, this.processes, this.threads, this.descriptors, this.files])
      grouping.update();
  }
}
