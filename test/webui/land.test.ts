// SPDX-License-Identifier: Apache-2.0
// The layout's promises: inside the parent, nothing overlaps, in shape, and nothing moves because something else came or went.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeKind, TreeNode } from '../../engine/query/api.ts';
import { contentOf, Land, WORLD, type Rect } from '../../webui/client/land.ts';

const node = (key: string, kind: NodeKind): TreeNode => ({
  key,
  parent: null,
  kind,
  name: key,
  detail: '',
  alive: true,
  first: 0,
  last: 0,
  metrics: [],
  children: {},
  path: { steps: [] },
});
const host = node('h:', 'host');
const list = (keys: Iterable<number>): TreeNode[] => Array.from(keys, (key) => node(`c:${key}`, 'container'));

const overlap = (a: Rect, b: Rect): boolean =>
  a.x < b.x + b.w - 1e-12 && b.x < a.x + a.w - 1e-12 && a.y < b.y + b.h - 1e-12 && b.y < a.y + a.h - 1e-12;

test('cells lie inside, apart, and in shape, for any number of children', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (count) => {
      const content = contentOf('host', WORLD);
      const rects = new Land().place(host, WORLD, list(Array(count).keys())).map((rect) => rect as Rect);
      rects.forEach((rect, i) => {
        expect(rect.x).toBeGreaterThanOrEqual(content.x);
        expect(rect.y).toBeGreaterThanOrEqual(content.y);
        expect(rect.x + rect.w).toBeLessThanOrEqual(content.x + content.w + 1e-12);
        expect(rect.y + rect.h).toBeLessThanOrEqual(content.y + content.h + 1e-12);
        expect(Math.max(rect.w / rect.h, rect.h / rect.w)).toBeLessThan(4);
        for (const other of rects.slice(0, i)) expect(overlap(rect, other)).toBe(false);
      });
    }),
    { numRuns: 60 },
  );
});

test('who goes leaves everybody else in place; who comes takes an empty cell', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 2, maxLength: 60 }),
      fc.nat(),
      (keys, pick) => {
        const land = new Land();
        const before = land.place(host, WORLD, list(keys));
        const gone = pick % keys.length;
        const rest = keys.filter((_, i) => i !== gone);
        const after = land.place(host, WORLD, list(rest));
        expect(after).toEqual(before.filter((_, i) => i !== gone));
        const replaced = land.place(host, WORLD, list([...rest, 999]));
        for (const other of after) expect(overlap(replaced.at(-1) as Rect, other as Rect)).toBe(false);
        expect(replaced.slice(0, -1)).toEqual(after);
      },
    ),
  );
});

test('the same children give the same map', () => {
  const keys = Array.from({ length: 37 }, (_, i) => i * 7);
  expect(new Land().place(host, WORLD, list(keys))).toEqual(new Land().place(host, WORLD, list(keys)));
});
