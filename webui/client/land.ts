// SPDX-License-Identifier: Apache-2.0
// Where things lie. A child gets a cell of its parent's grid when it is first seen and keeps it: nothing ever moves because of a
// number. When a grid is full it grows by a column or a row, whichever keeps its cells in shape; cells of what is gone stay
// empty until they are needed.
//
// Everything is in units of the world, in which the host is 1 wide.

import type { NodeKind, TreeNode } from '../../engine/query/api.ts';

export type Rect = { readonly x: number; readonly y: number; readonly w: number; readonly h: number };

/** Height of the host; its width is 1. */
export const WORLD: Rect = { x: 0, y: 0, w: 1, h: 0.6 };

type Cell = { readonly column: number; readonly row: number };

/** Width over height that the cells of a grid should have. */
const SHAPE: Readonly<Partial<Record<NodeKind, number>>> = {
  connection: 2.2,
  file: 3.2,
  thread: 3.2,
  errno: 1.9,
  transaction: 1.7,
  failure: 2.4,
};
const DEFAULT_SHAPE = 1.55;

/** Parts of a cell: room between cells, and what the header takes from the top. */
const GAP = 0.06;
const HEADER: Readonly<Partial<Record<NodeKind, number>>> = {
  host: 0.045,
  container: 0.1,
  process: 0.1,
  connection: 0.16,
  errno: 0.2,
};
const MARGIN = 0.018;

/** A process is always laid out alike: its parts are found without looking. */
export const SECTIONS: readonly { readonly kind: NodeKind; readonly title: string; readonly at: Rect }[] = [
  { kind: 'connection', title: 'connections', at: { x: 0, y: 0, w: 0.6, h: 1 } },
  { kind: 'file', title: 'files', at: { x: 0.615, y: 0, w: 0.385, h: 0.4 } },
  { kind: 'errno', title: 'errors', at: { x: 0.615, y: 0.415, w: 0.385, h: 0.385 } },
  { kind: 'thread', title: 'threads', at: { x: 0.615, y: 0.815, w: 0.385, h: 0.185 } },
];

/** Share of a section's height that its title takes. */
const SECTION_TITLE = 0.07;

class Grid {
  private columns = 1;
  private rows = 1;
  private readonly cells = new Map<string, Cell>();
  private readonly free: Cell[] = [{ column: 0, row: 0 }];
  private readonly shape: number;

  /** @param shape wanted width over height of a cell, as seen in an area of width over height 1 */
  constructor(shape: number) {
    this.shape = shape;
  }

  update(keys: readonly string[], aspect: number): void {
    const present = new Set(keys);
    const missing = keys.filter((key) => !this.cells.has(key));
    if (missing.length === 0) return;
    // cells of the gone are given out again only when something new needs one
    for (const [key, cell] of this.cells) {
      if (present.has(key)) continue;
      this.cells.delete(key);
      this.free.push(cell);
    }
    this.free.sort((a, b) => a.row - b.row || a.column - b.column);
    for (const key of missing) {
      if (this.free.length === 0) this.grow(aspect);
      this.cells.set(key, this.free.shift() as Cell);
    }
  }

  private grow(aspect: number): void {
    const now = aspect * (this.rows / this.columns);
    if (now > this.shape) {
      const column = this.columns++;
      for (let row = 0; row < this.rows; row++) this.free.push({ column, row });
    } else {
      const row = this.rows++;
      for (let column = 0; column < this.columns; column++) this.free.push({ column, row });
    }
  }

  rect(key: string, area: Rect): Rect | undefined {
    const cell = this.cells.get(key);
    if (cell === undefined) return undefined;
    const w = area.w / this.columns;
    const h = area.h / this.rows;
    const gap = Math.min(w, h) * GAP;
    return {
      x: area.x + cell.column * w + gap / 2,
      y: area.y + cell.row * h + gap / 2,
      w: w - gap,
      h: h - gap,
    };
  }
}

/** The part of a node in which its children lie. */
export function contentOf(kind: NodeKind, rect: Rect): Rect {
  const header = rect.h * (HEADER[kind] ?? 0.12);
  const margin = Math.min(rect.w, rect.h) * MARGIN;
  return { x: rect.x + margin, y: rect.y + header, w: rect.w - 2 * margin, h: rect.h - header - margin };
}

function within(area: Rect, part: Rect): Rect {
  return { x: area.x + area.w * part.x, y: area.y + area.h * part.y, w: area.w * part.w, h: area.h * part.h };
}

/** Section of a process, its title included. */
export function sectionOf(process: Rect, kind: NodeKind): Rect {
  const section = SECTIONS.find((item) => item.kind === kind);
  return within(contentOf('process', process), section?.at ?? { x: 0, y: 0, w: 1, h: 1 });
}

export function sectionTitleHeight(section: Rect): number {
  return section.h * SECTION_TITLE;
}

export class Land {
  private readonly grids = new Map<string, Grid>();

  /** Rects of the children of a node that lies at `rect`, in their order. */
  place(parent: TreeNode, rect: Rect, children: readonly TreeNode[]): (Rect | undefined)[] {
    if (parent.kind !== 'process') {
      return this.inGrid(
        parent.key,
        children,
        contentOf(parent.kind, rect),
        SHAPE[children[0]?.kind ?? 'container'] ?? DEFAULT_SHAPE,
      );
    }
    const rects = new Map<string, Rect | undefined>();
    for (const { kind } of SECTIONS) {
      const some = children.filter((child) => child.kind === kind);
      if (some.length === 0) continue;
      const section = sectionOf(rect, kind);
      const title = sectionTitleHeight(section);
      const area = { x: section.x, y: section.y + title, w: section.w, h: section.h - title };
      const placed = this.inGrid(`${parent.key} ${kind}`, some, area, SHAPE[kind] ?? DEFAULT_SHAPE);
      some.forEach((child, i) => rects.set(child.key, placed[i]));
    }
    return children.map((child) => rects.get(child.key));
  }

  private inGrid(
    key: string,
    children: readonly TreeNode[],
    area: Rect,
    shape: number,
  ): (Rect | undefined)[] {
    let grid = this.grids.get(key);
    if (grid === undefined) {
      grid = new Grid(shape);
      this.grids.set(key, grid);
    }
    const held = grid;
    held.update(
      children.map((child) => child.key),
      area.w / area.h,
    );
    return children.map((child) => held.rect(child.key, area));
  }
}
