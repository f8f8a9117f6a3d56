// SPDX-License-Identifier: Apache-2.0
// The colours of map.css as the canvas needs them.

import type { TreeNode } from '../../engine/query/api.ts';

const NAMES = [
  'sea',
  'land',
  'container',
  'process',
  'leaf',
  'edge',
  'edge-strong',
  'text',
  'text-soft',
  'text-faint',
  'connection',
  'connection-edge',
  'request',
  'request-edge',
  'client-error',
  'client-error-edge',
  'file',
  'file-edge',
  'thread',
  'thread-edge',
  'failure',
  'failure-edge',
  'failure-text',
  'link',
] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Palette;
}

export type Paint = { readonly fill: string; readonly edge: string };

/** Fill and edge of a node. */
export function paintOf(node: TreeNode, palette: Palette): Paint {
  switch (node.kind) {
    case 'host':
      return { fill: palette.land, edge: palette['edge-strong'] };
    case 'container':
      return { fill: palette.container, edge: palette['edge-strong'] };
    case 'process':
      return { fill: palette.process, edge: palette.edge };
    case 'connection':
      return { fill: palette.connection, edge: palette['connection-edge'] };
    case 'file':
      return { fill: palette.file, edge: palette['file-edge'] };
    case 'thread':
      return { fill: palette.thread, edge: palette['thread-edge'] };
    case 'errno':
    case 'failure':
      return { fill: palette.failure, edge: palette['failure-edge'] };
    case 'transaction': {
      const status = node.http?.status ?? 0;
      if (status >= 500 || status === 0) return { fill: palette.failure, edge: palette['failure-edge'] };
      if (status >= 400) return { fill: palette['client-error'], edge: palette['client-error-edge'] };
      return { fill: palette.request, edge: palette['request-edge'] };
    }
  }
}
