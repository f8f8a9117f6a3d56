// SPDX-License-Identifier: Apache-2.0
// Draws what lies in view. What a node shows depends on its width on screen alone:
//
//   speck ▶ tile ▶ chip (name) ▶ card (name, numbers, children) ▶ sheet (leaves: all that is known, as text)
//
// Text stops growing at 15 px: more room shows more.

import { formatBytes, formatCount, formatDuration } from '../../engine/base/format.ts';
import {
  NODE_METRICS,
  type ErrorDetail,
  type MessageSide,
  type NodeMetric,
  type TransactionDetail,
  type TreeNode,
} from '../../engine/query/api.ts';
import { contentOf, sectionOf, sectionTitleHeight, SECTIONS, type Rect } from './land.ts';
import { paintOf, type Palette } from './palette.ts';

/** Where the world is on screen: screen = world · k + (x, y), in CSS pixels. */
export type View = {
  readonly k: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

export type Scene = {
  readonly root: TreeNode;
  readonly rootRect: Rect;
  childrenOf(node: TreeNode, rect: Rect): readonly (readonly [TreeNode, Rect])[];
  transaction(node: TreeNode): TransactionDetail | undefined;
  failure(node: TreeNode): ErrorDetail | undefined;
};

export type Drawn = {
  /** Nodes whose children are or should be in view. */
  readonly open: Set<string>;
  /** Leaves that are wide enough for their text. */
  readonly sheets: TreeNode[];
  readonly hits: { readonly node: TreeNode; readonly box: Rect }[];
  readonly texts: string[];
};

const OPEN_AT = 60;
const SPECK = 2.5;
const CHIP = 22;
const SHEET = 110;
/** Below this a header's text gives way to a label. */
const LABEL = 9;
const TEXT_MAX = 15;
const TEXT_MIN = 7;

export function metric(node: TreeNode, name: NodeMetric): number {
  return node.metrics[NODE_METRICS.indexOf(name)] ?? 0;
}

const FONT = "system-ui, 'Segoe UI', 'Liberation Sans', sans-serif";
const MONO = "ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private readonly palette: Palette;
  private readonly view: View;
  private readonly scene: Scene;
  private readonly drawn: Drawn = { open: new Set(), sheets: [], hits: [], texts: [] };
  private readonly hovered: string | undefined;

  constructor(
    context: CanvasRenderingContext2D,
    palette: Palette,
    view: View,
    scene: Scene,
    hovered: string | undefined,
  ) {
    this.context = context;
    this.palette = palette;
    this.view = view;
    this.scene = scene;
    this.hovered = hovered;
  }

  paint(): Drawn {
    const { context, view, palette } = this;
    context.fillStyle = palette.sea;
    context.fillRect(0, 0, view.width, view.height);
    this.node(this.scene.root, this.scene.rootRect);
    return this.drawn;
  }

  private onScreen(rect: Rect): Rect {
    const { k, x, y } = this.view;
    return { x: rect.x * k + x, y: rect.y * k + y, w: rect.w * k, h: rect.h * k };
  }

  private isVisible(box: Rect): boolean {
    return box.x < this.view.width && box.y < this.view.height && box.x + box.w > 0 && box.y + box.h > 0;
  }

  private node(node: TreeNode, rect: Rect): void {
    const box = this.onScreen(rect);
    if (!this.isVisible(box) || box.w < 0.4) return;
    this.box(node, box);
    if (box.w < SPECK) return;
    this.drawn.hits.push({ node, box });
    const isBranch = Object.values(node.children).some((count) => count > 0);
    if (isBranch && box.w >= OPEN_AT) {
      this.drawn.open.add(node.key);
      this.card(node, rect, box);
      return;
    }
    if (node.kind === 'transaction' && box.w >= SHEET) this.transaction(node, box);
    else if (node.kind === 'failure' && box.w >= SHEET) this.failure(node, box);
    else if (box.w >= CHIP) this.chip(node, box);
    if (isBranch) this.badges(node, box);
  }

  private box(node: TreeNode, box: Rect): void {
    const { context } = this;
    const { fill, edge } = paintOf(node, this.palette);
    context.globalAlpha =
      node.alive || node.kind === 'transaction' || node.kind === 'failure' || node.kind === 'errno'
        ? 1
        : 0.72;
    context.fillStyle = fill;
    if (box.w < 8) {
      context.fillStyle = edge;
      context.fillRect(box.x, box.y, Math.max(0.7, box.w), Math.max(0.7, box.h));
      context.globalAlpha = 1;
      return;
    }
    context.beginPath();
    context.roundRect(box.x, box.y, box.w, box.h, Math.min(6, box.w * 0.04));
    context.fill();
    context.lineWidth = node.key === this.hovered ? 2 : 1;
    context.strokeStyle = node.key === this.hovered ? this.palette.link : edge;
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Failures never vanish: whatever is too small for words has a red corner. */
  private badges(node: TreeNode, box: Rect): void {
    if (metric(node, 'errors') === 0 && metric(node, 'requests5xx') === 0) return;
    const size = Math.max(2.5, Math.min(9, box.w * 0.09));
    const { context } = this;
    context.fillStyle = this.palette['failure-edge'];
    context.beginPath();
    context.moveTo(box.x + box.w, box.y);
    context.lineTo(box.x + box.w - size, box.y);
    context.lineTo(box.x + box.w, box.y + size);
    context.fill();
  }

  // ---- text ----

  /** One line; returns its width. What does not fit ends in an ellipsis. */
  private text(
    text: string,
    x: number,
    baseline: number,
    width: number,
    size: number,
    colour: string,
    weight = 400,
    family = FONT,
  ): number {
    if (size < TEXT_MIN || width < size || baseline < -size || baseline > this.view.height + size) return 0;
    const { context } = this;
    context.font = `${weight} ${size}px ${family}`;
    let shown = text;
    let taken = context.measureText(shown).width;
    let keep = Math.floor((shown.length * width) / taken);
    while (taken > width && keep > 0) {
      shown = `${text.slice(0, keep--)}…`;
      taken = context.measureText(shown).width;
    }
    if (keep <= 0 && taken > width) return 0;
    context.fillStyle = colour;
    context.fillText(shown, x, baseline);
    this.drawn.texts.push(shown === text ? text : shown);
    return taken;
  }

  private chip(node: TreeNode, box: Rect): void {
    const size = Math.min(TEXT_MAX, box.h * 0.42, box.w * 0.13);
    const pad = Math.min(8, size * 0.6);
    const { http, failure } = node;
    const name =
      http === undefined
        ? failure === undefined
          ? node.name
          : failure.target || failure.syscall
        : `${http.status || '?'} ${http.method} ${http.url}`;
    const tall = box.h > size * 3.2;
    // where nothing happens, words are quiet
    const isQuiet = metric(node, 'events') === 0 && http === undefined && failure === undefined;
    this.text(
      name,
      box.x + pad,
      box.y + (tall ? size * 1.5 : box.h / 2 + size * 0.36),
      box.w - pad * 2,
      size,
      isQuiet ? this.palette['text-soft'] : this.palette.text,
      500,
    );
    if (tall && node.detail !== '' && http === undefined)
      this.text(
        node.detail,
        box.x + pad,
        box.y + size * 2.8,
        box.w - pad * 2,
        size * 0.85,
        isQuiet ? this.palette['text-faint'] : this.palette['text-soft'],
      );
  }

  // ---- cards ----

  private card(node: TreeNode, rect: Rect, box: Rect): void {
    const content = this.onScreen(contentOf(node.kind, rect));
    const header = content.y - box.y;
    const size = Math.min(TEXT_MAX, header * 0.55);
    const pad = Math.min(12, Math.max(4, box.w * 0.018));
    // a header that is partly out of view keeps its words in view
    const x = Math.max(box.x, Math.min(0, box.x + box.w * 0.4)) + pad;
    const room = Math.min(box.x + box.w, this.view.width) - x - pad;
    const line = header > size * 2.9 ? box.y + size * 1.5 : box.y + header / 2 + size * 0.36;
    const facts = this.facts(node);
    const used = this.text(node.name, x, line, room * 0.6, size, this.palette.text, 600);
    this.facts2(facts, box.x + box.w - pad, line, room - used - 12, size * 0.88);
    if (header > size * 2.9 && node.detail !== '')
      this.text(node.detail, x, line + size * 1.35, room, size * 0.9, this.palette['text-soft'], 400);
    if (node.kind === 'process') this.sections(node, rect);
    for (const [child, at] of this.scene.childrenOf(node, rect)) this.node(child, at);
    if (size < LABEL && node.kind !== 'host') this.label(node, box);
    if (node.kind !== 'host' && box.w < 200) this.badges(node, box);
  }

  /** The name of what is too small for a header, on top of what is inside. */
  private label(node: TreeNode, box: Rect): void {
    const size = Math.min(11, box.w * 0.11);
    if (size < TEXT_MIN || box.h < size * 3) return;
    const { context, palette } = this;
    const strip = size * 1.5;
    context.fillStyle = paintOf(node, palette).fill;
    context.globalAlpha = 0.9;
    context.fillRect(box.x + 1, box.y + 1, box.w - 2, strip);
    context.globalAlpha = 1;
    this.text(node.name, box.x + size * 0.5, box.y + size * 1.2, box.w - size, size, palette.text, 600);
  }

  private sections(node: TreeNode, rect: Rect): void {
    for (const { kind, title } of SECTIONS) {
      const section = sectionOf(rect, kind);
      const box = this.onScreen(section);
      const size = Math.min(13, sectionTitleHeight(section) * this.view.k * 0.72);
      if (size < TEXT_MIN) continue;
      const count = node.children[kind] ?? 0;
      this.text(
        count === 0 ? `no ${title}` : `${title} ${formatCount(count)}`,
        box.x + 2,
        box.y + size * 1.05,
        box.w,
        size,
        this.palette['text-faint'],
        500,
      );
    }
  }

  /** The numbers that matter most, the worst first; those that are 0 are left out. */
  private facts(node: TreeNode): { readonly text: string; readonly colour: string }[] {
    const { palette } = this;
    const all: { readonly text: string; readonly colour: string }[] = [];
    const errors = metric(node, 'errors');
    const requests = metric(node, 'requests');
    const bad = metric(node, 'requests5xx');
    const net = metric(node, 'netIn') + metric(node, 'netOut');
    const file = metric(node, 'fileIn') + metric(node, 'fileOut');
    const latency = metric(node, 'latencyMax');
    if (errors > 0) all.push({ text: `${formatCount(errors)} errors`, colour: palette['failure-text'] });
    if (bad > 0) all.push({ text: `${formatCount(bad)} × 5xx`, colour: palette['failure-text'] });
    if (requests > 0) all.push({ text: `${formatCount(requests)} requests`, colour: palette['text-soft'] });
    if (net > 0) all.push({ text: `net ${formatBytes(net)}`, colour: palette['text-soft'] });
    if (file > 0) all.push({ text: `files ${formatBytes(file)}`, colour: palette['text-soft'] });
    if (latency > 0 && requests > 0)
      all.push({ text: `slowest ${formatDuration(latency)}`, colour: palette['text-soft'] });
    return all;
  }

  /** Right-aligned, as many as there is room for. */
  private facts2(
    facts: readonly { readonly text: string; readonly colour: string }[],
    right: number,
    baseline: number,
    room: number,
    size: number,
  ): void {
    if (size < TEXT_MIN) return;
    const { context } = this;
    context.font = `500 ${size}px ${FONT}`;
    let left = room;
    let x = Math.min(right, this.view.width - 8);
    const fitting = facts.filter((fact) => (left -= context.measureText(fact.text).width + 12) > 0).reverse();
    for (const fact of fitting) {
      const width = context.measureText(fact.text).width;
      x -= width;
      this.text(fact.text, x, baseline, width + 1, size, fact.colour, 500);
      x -= 12;
    }
  }

  // ---- sheets ----

  private transaction(node: TreeNode, box: Rect): void {
    this.drawn.sheets.push(node);
    const tx = this.scene.transaction(node);
    const { palette } = this;
    const size = Math.min(TEXT_MAX, box.w / 26, box.h / 13);
    const pad = size * 0.8;
    const status = node.http?.status ?? 0;
    let y = box.y + pad + size;
    const width = box.w - pad * 2;
    this.text(
      `${node.http?.method ?? ''} ${node.http?.url ?? node.name}`,
      box.x + pad,
      y,
      width * 0.64,
      size,
      palette.text,
      600,
    );
    const reason = status === 0 ? 'no response seen' : `${status} ${node.http?.reason ?? ''}`;
    this.text(
      reason,
      box.x + pad + width * 0.66,
      y,
      width * 0.34,
      size,
      status >= 500 || status === 0 ? palette['failure-text'] : palette.text,
      600,
    );
    if (size < TEXT_MIN || tx === undefined) return;
    y += size * 1.5;
    const peer =
      tx.peer === undefined ? '' : ` · other end: ${tx.peer.process} ${tx.peer.pid} in ${tx.peer.container}`;
    this.text(
      `${tx.process.name} ${tx.process.pid} in ${tx.process.container}, the ${tx.role}${peer}`,
      box.x + pad,
      y,
      width,
      size * 0.86,
      palette['text-soft'],
    );
    y += size * 1.3;
    this.text(tx.connection, box.x + pad, y, width, size * 0.86, palette['text-soft']);
    y += size * 0.8;
    y = this.latencyBar(tx, box.x + pad, y, width, size) + size * 1.6;
    const half = (width - pad) / 2;
    this.message('Request', tx.request, box.x + pad, y, half, box.y + box.h - pad, size, palette.text);
    if (tx.response !== undefined) {
      this.message(
        'Response',
        tx.response,
        box.x + pad * 2 + half,
        y,
        half,
        box.y + box.h - pad,
        size,
        status >= 500 ? palette['failure-text'] : palette.text,
      );
    }
  }

  /** Time to the first byte, and from there to the last. */
  private latencyBar(tx: TransactionDetail, x: number, y: number, width: number, size: number): number {
    if (tx.end === null || tx.firstByte === null) return y;
    const total = Math.max(1, tx.end - tx.start);
    const first = tx.firstByte - tx.start;
    const bar = width * 0.4;
    const { context, palette } = this;
    context.fillStyle = palette['connection-edge'];
    context.fillRect(x, y, Math.max(1, (bar * first) / total), size * 0.5);
    context.fillStyle = palette['request-edge'];
    context.fillRect(x + (bar * first) / total, y, Math.max(1, (bar * (total - first)) / total), size * 0.5);
    this.text(
      `${formatDuration(total)}, first byte after ${formatDuration(first)}`,
      x + bar + size * 0.6,
      y + size * 0.6,
      width - bar,
      size * 0.86,
      palette['text-soft'],
    );
    return y + size * 0.5;
  }

  private message(
    title: string,
    side: MessageSide,
    x: number,
    top: number,
    width: number,
    bottom: number,
    size: number,
    colour: string,
  ): void {
    const { palette } = this;
    const step = size * 1.42;
    let y = top;
    this.text(title, x, y, width, size * 0.82, palette['text-faint'], 500);
    y += step;
    if (y > bottom) return;
    this.text(side.startLine, x, y, width, size, colour, 600, MONO);
    const names = Math.min(width * 0.42, size * 9.5);
    for (const header of side.headers) {
      y += step;
      if (y > bottom) return;
      this.text(header.name, x, y, names - size * 0.5, size * 0.9, palette.link, 400, MONO);
      this.text(
        header.value,
        x + names,
        y,
        width - names,
        size * 0.9,
        header.secret ? palette['text-faint'] : palette.text,
        400,
        MONO,
      );
    }
    if (!side.headComplete) {
      y += step;
      if (y > bottom) return;
      this.text(
        `▮ cut by snaplen: captured ${formatBytes(side.captured)} of ${formatBytes(side.length)}`,
        x,
        y,
        width,
        size * 0.86,
        palette['client-error-edge'],
        500,
      );
    }
    for (const text of side.bodyPreview === '' ? [] : side.bodyPreview.split('\n').slice(0, 20)) {
      y += step;
      if (y > bottom) return;
      this.text(text, x, y, width, size * 0.86, palette['text-soft'], 400, MONO);
    }
  }

  private failure(node: TreeNode, box: Rect): void {
    this.drawn.sheets.push(node);
    const { palette } = this;
    const detail = this.scene.failure(node);
    const size = Math.min(TEXT_MAX, box.w / 24, box.h / 7);
    const pad = size * 0.8;
    const width = box.w - pad * 2;
    const x = box.x + pad;
    let y = box.y + pad + size;
    const { errno = '', syscall = '', target = '', count = 0 } = node.failure ?? {};
    const named = this.text(errno, x, y, width, size, palette['failure-text'], 700);
    this.text(
      `${syscall}  × ${formatCount(count)}`,
      x + named + size * 0.7,
      y,
      width - named,
      size,
      palette.text,
      500,
    );
    y += size * 1.45;
    this.text(target === '' ? '–' : target, x, y, width, size, palette.text, 600, MONO);
    if (detail === undefined) return;
    y += size * 1.4;
    this.text(detail.errno.meaning, x, y, width, size * 0.86, palette['text-soft']);
    for (const process of detail.processes) {
      y += size * 1.3;
      if (y > box.y + box.h - pad) return;
      this.text(
        `${formatCount(process.count)} × ${process.name} ${process.pid} in ${process.container}`,
        x,
        y,
        width,
        size * 0.86,
        palette['text-soft'],
      );
    }
    y += size * 0.5;
    for (const { event, before } of detail.samples) {
      for (const item of before === undefined ? [event] : [before, event]) {
        y += size * 1.3;
        if (y > box.y + box.h - pad) return;
        this.text(
          `${item === event ? '✗' : ' '} ${item.type} ${item.args}`,
          x,
          y,
          width,
          size * 0.82,
          item === event ? palette['failure-text'] : palette['text-soft'],
          400,
          MONO,
        );
      }
    }
  }
}
