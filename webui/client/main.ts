// SPDX-License-Identifier: Apache-2.0
// The page: one map, from the machine to a header line.

import { formatCount, formatDuration } from '../../engine/base/format.ts';
import type { ErrorDetail, Status, TransactionDetail, TreeNode } from '../../engine/query/api.ts';
import { Camera } from './camera.ts';
import { metric, Painter, type Drawn, type Scene, type View } from './draw.ts';
import { Land, WORLD, type Rect } from './land.ts';
import { Link } from './link.ts';
import { readPalette } from './palette.ts';

const $ = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;

const canvas = $<HTMLCanvasElement>('map');
const context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
const tip = $('tip');
const note = $('note');
const PAN = 80;
const ASK_MS = 120;
const REFRESH_MS = 700;

// ---- what is known ----

const link = new Link();
const land = new Land();
let status: Status | undefined;
let isOpen = false;
let root: TreeNode | undefined;
const children = new Map<string, readonly TreeNode[]>();
const parents = new Map<string, TreeNode>();
const rects = new Map<string, Rect>();
const transactions = new Map<string, TransactionDetail | null>();
const failures = new Map<string, ErrorDetail | null>();
/** Keys whose text was asked for, with the version of the data then. */
const askedSheets = new Map<string, number>();
let drawn: Drawn = { open: new Set(), sheets: [], hits: [], texts: [] };
let hovered: TreeNode | undefined;
let palette = readPalette();

const scene = (): Scene | undefined =>
  root === undefined
    ? undefined
    : {
        root,
        rootRect: WORLD,
        childrenOf(node, rect) {
          const list = children.get(node.key) ?? [];
          return land.place(node, rect, list).flatMap((at, i): [TreeNode, Rect][] => {
            const child = list[i] as TreeNode;
            if (at === undefined) return [];
            rects.set(child.key, at);
            return [[child, at]];
          });
        },
        transaction: (node) => transactions.get(node.key) ?? undefined,
        failure: (node) => failures.get(node.key) ?? undefined,
      };

// ---- drawing ----

let frame = 0;
let frames = 0;
let drawMs = 0;

function draw(): void {
  frame = 0;
  const now = scene();
  const ratio = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (now === undefined) {
    context.fillStyle = palette.sea;
    context.fillRect(0, 0, width, height);
    return;
  }
  const started = performance.now();
  const { k, x, y } = camera.transform;
  const view: View = { k, x, y, width, height };
  drawn = new Painter(context, palette, view, now, hovered?.key).paint();
  drawMs = performance.now() - started;
  frames++;
  wanted();
}

function redraw(): void {
  if (frame === 0) frame = requestAnimationFrame(draw);
}

// ---- asking ----

let asking = false;
let askTimer = 0;
let askedVersion = -1;
let askedAt = 0;
let askedOpen = '';

/** Asks for what came into view; what is in view is asked again when the data has changed. */
function wanted(): void {
  if (askTimer !== 0 || asking || !isOpen) return;
  const open = [...drawn.open].sort().join('\n');
  const version = status?.version ?? 0;
  if (open === askedOpen && version === askedVersion) {
    askSheets();
    return;
  }
  const wait = open === askedOpen ? Math.max(0, askedAt + REFRESH_MS - performance.now()) : ASK_MS;
  askTimer = setTimeout(() => {
    askTimer = 0;
    void askTree();
  }, wait);
}

async function askTree(): Promise<void> {
  asking = true;
  const open = [...drawn.open];
  askedOpen = [...open].sort().join('\n');
  askedVersion = status?.version ?? 0;
  askedAt = performance.now();
  try {
    const answer = await link.ask('tree', { open });
    root = answer.root;
    for (const [key, list] of Object.entries(answer.children)) {
      children.set(key, list);
      const parent = find(key);
      if (parent !== undefined) for (const child of list) parents.set(child.key, parent);
    }
    note.hidden = Object.keys(root.children).length > 0;
    note.textContent = 'Nothing has happened yet.';
  } catch {
    // the link says what is lost, and asks again when it is back
    askedOpen = '';
  } finally {
    asking = false;
  }
  askSheets();
  redraw();
  crumbs();
}

function askSheets(): void {
  const version = status?.version ?? 0;
  for (const node of drawn.sheets) {
    const last = askedSheets.get(node.key);
    const known = transactions.has(node.key) || failures.has(node.key);
    if (last !== undefined && (last === version || (known && status?.phase !== 'live'))) continue;
    askedSheets.set(node.key, version);
    if (node.kind === 'transaction') {
      void link.ask('transaction', { id: Number(node.key.slice(2)) }).then((detail) => {
        transactions.set(node.key, detail);
        redraw();
      }, forget(node.key));
    } else {
      void link.ask('failure', { path: node.path }).then((detail) => {
        failures.set(node.key, detail);
        redraw();
      }, forget(node.key));
    }
  }
}

const forget = (key: string) => (): void => void askedSheets.delete(key);

function find(key: string): TreeNode | undefined {
  if (root?.key === key) return root;
  const parent = parents.get(key);
  return parent === undefined ? undefined : children.get(parent.key)?.find((child) => child.key === key);
}

// ---- where we are ----

/** From the host down to the node that fills the view. */
function here(): TreeNode[] {
  if (root === undefined) return [];
  const { clientWidth: width, clientHeight: height } = canvas;
  const way: TreeNode[] = [root];
  for (const { node, box } of drawn.hits) {
    const holdsCentre =
      box.x <= width / 2 && box.x + box.w >= width / 2 && box.y <= height / 2 && box.y + box.h >= height / 2;
    const fills = box.w > width * 0.5 || box.h > height * 0.6;
    if (holdsCentre && fills && node.key !== root.key) way.push(node);
  }
  return way;
}

let shownWay = '';

function crumbs(): void {
  const way = here();
  const key = way.map((node) => node.key + node.name).join('/');
  if (key !== shownWay) {
    shownWay = key;
    const parts = way.flatMap((node, i): Node[] => {
      const button = document.createElement('button');
      button.textContent = labelOf(node);
      button.onclick = (): void => flyTo(node);
      const separator = document.createElement('i');
      separator.textContent = ' ▸ ';
      return i === 0 ? [button] : [separator, button];
    });
    $('crumbs').replaceChildren(...parts);
  }
  below(way.at(-1));
  keepPlace(way);
}

const labelOf = (node: TreeNode): string =>
  node.http === undefined
    ? node.failure === undefined
      ? node.name
      : `${node.failure.errno} ${node.failure.target}`
    : `${node.http.status || '?'} ${node.http.method} ${node.http.url}`;

let shownBelow = '';

/** The same for who does not see: what is inside the place, as a list. */
function below(node: TreeNode | undefined): void {
  const list = node === undefined ? [] : (children.get(node.key) ?? []).slice(0, 100);
  const key = list.map((child) => child.key).join();
  if (key === shownBelow) return;
  shownBelow = key;
  $('below').replaceChildren(
    ...list.map((child) => {
      const item = document.createElement('li');
      const button = document.createElement('button');
      const errors = metric(child, 'errors');
      button.textContent = `${child.kind} ${labelOf(child)}${errors > 0 ? `, ${errors} errors` : ''}`;
      button.onclick = (): void => flyTo(child);
      item.append(button);
      return item;
    }),
  );
}

function flyTo(node: TreeNode): void {
  const rect = node.key === root?.key ? WORLD : rects.get(node.key);
  if (rect !== undefined) camera.fly(rect);
}

// ---- the address holds the place: keys down to a node, and the view relative to it ----

let placeTimer = 0;

function keepPlace(way: readonly TreeNode[]): void {
  clearTimeout(placeTimer);
  placeTimer = setTimeout(() => {
    const last = way.at(-1);
    const rect = last === undefined || last.key === root?.key ? WORLD : rects.get(last.key);
    if (rect === undefined || restoring !== undefined) return;
    const [x, y, w] = camera.place();
    const relative = [(x - rect.x) / rect.w, (y - rect.y) / rect.h, w / rect.w].map((part) =>
      Number(part.toPrecision(9)),
    );
    const keys = way.slice(1).map((node) => encodeURIComponent(node.key));
    history.replaceState(
      null,
      '',
      `${location.pathname}${location.search}#/${keys.join('/')}@${relative.join(',')}`,
    );
  }, 250);
}

type Restoring = { readonly keys: readonly string[]; readonly place: readonly [number, number, number] };
let restoring: Restoring | undefined = parsePlace(location.hash);

function parsePlace(hash: string): Restoring | undefined {
  const match = /^#\/([^@]*)@([-\d.e]+),([-\d.e]+),([-\d.e]+)$/.exec(hash);
  if (match === null) return undefined;
  const place = [Number(match[2]), Number(match[3]), Number(match[4])] as const;
  if (!place.every(Number.isFinite) || place[2] <= 0) return undefined;
  return {
    keys: (match[1] ?? '')
      .split('/')
      .filter((key) => key !== '')
      .map(decodeURIComponent),
    place,
  };
}

/** Opens the way to the remembered node, step by step, then looks at it as it was looked at. */
async function restorePlace(): Promise<void> {
  const wish = restoring;
  if (wish === undefined) return;
  try {
    const answer = await link.ask('tree', { open: [] });
    root = answer.root;
    let node = root;
    let rect = WORLD;
    for (const key of wish.keys) {
      const list = (await link.ask('tree', { open: [node.key] })).children[node.key] ?? [];
      children.set(node.key, list);
      for (const child of list) parents.set(child.key, node);
      const placed = land.place(node, rect, list);
      const at = list.findIndex((child) => child.key === key);
      const next = placed[at];
      if (next === undefined) break;
      list.forEach((child, i) => placed[i] !== undefined && rects.set(child.key, placed[i]));
      node = list[at] as TreeNode;
      rect = next;
    }
    const [x, y, w] = wish.place;
    camera.restore([rect.x + x * rect.w, rect.y + y * rect.h, w * rect.w]);
  } catch {
    camera.jump(WORLD);
  }
  restoring = undefined;
  redraw();
}

// ---- status ----

function showStatus(): void {
  const parts: [text: string, style: string][] = [];
  if (!isOpen) parts.push(['the server is lost; trying again', 'bad']);
  if (status !== undefined) {
    const lost = Object.entries(status.drops).filter(([, count]) => count > 0);
    if (lost.length > 0)
      parts.push([
        `${lost.map(([cause, count]) => `${formatCount(count)} lost: ${cause}`).join(', ')}`,
        'bad',
      ]);
    if (status.evicted > 0) parts.push([`${formatCount(status.evicted)} events left memory`, 'bad']);
    if (status.error !== undefined) parts.push([status.error, 'bad']);
    if (status.phase === 'loading') parts.push([`reading ${Math.round((status.progress ?? 0) * 100)} %`, '']);
    if (status.phase === 'live') parts.push([`live · ${formatCount(status.rate)} events/s`, 'strong']);
    else parts.push([status.source.name.replace(/^.*\//, ''), 'strong']);
    parts.push([`${formatCount(status.events)} events`, ''], [formatDuration(status.now), '']);
    if (status.requests > 0) parts.push([`${formatCount(status.requests)} http`, '']);
    if (status.errors > 0) parts.push([`${formatCount(status.errors)} errors`, 'bad']);
  }
  $('status').replaceChildren(
    ...parts.map(([text, style]) => {
      const part = document.createElement(style === 'strong' ? 'b' : 'span');
      part.textContent = text;
      if (style === 'bad') part.className = 'bad';
      return part;
    }),
  );
}

// ---- hands ----

function hit(x: number, y: number): TreeNode | undefined {
  let found: TreeNode | undefined;
  for (const { node, box } of drawn.hits) {
    if (x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h) found = node;
  }
  return found;
}

function hover(event: PointerEvent): void {
  const node = event.buttons === 0 ? hit(event.offsetX, event.offsetY) : undefined;
  if (node?.key !== hovered?.key) {
    hovered = node;
    redraw();
  }
  tip.hidden = node === undefined || node.key === root?.key;
  if (node === undefined || tip.hidden) return;
  const name = document.createElement('b');
  name.textContent = labelOf(node);
  const lines = [node.detail, factsOf(node)].filter((text) => text !== '');
  tip.replaceChildren(
    name,
    ...lines.map((text) => {
      const line = document.createElement('small');
      line.textContent = text;
      return line;
    }),
  );
  const left = Math.min(event.offsetX + 14, canvas.clientWidth - tip.offsetWidth - 8);
  const top =
    event.offsetY + 18 + tip.offsetHeight > canvas.clientHeight
      ? event.offsetY - tip.offsetHeight - 10
      : event.offsetY + 18;
  tip.style.setProperty('left', `${Math.max(8, left)}px`);
  tip.style.setProperty('top', `${top}px`);
}

function factsOf(node: TreeNode): string {
  const facts = [node.kind as string];
  if (metric(node, 'events') > 0) facts.push(`${formatCount(metric(node, 'events'))} events`);
  if (metric(node, 'errors') > 0) facts.push(`${formatCount(metric(node, 'errors'))} errors`);
  if (metric(node, 'requests') > 0) facts.push(`${formatCount(metric(node, 'requests'))} requests`);
  if (node.http?.latency !== undefined && node.http.latency !== null)
    facts.push(formatDuration(node.http.latency));
  if (!node.alive) facts.push('gone');
  return facts.join(' · ');
}

const KEYS: Readonly<Record<string, () => void>> = {
  ArrowLeft: () => camera.panBy(PAN, 0),
  ArrowRight: () => camera.panBy(-PAN, 0),
  ArrowUp: () => camera.panBy(0, PAN),
  ArrowDown: () => camera.panBy(0, -PAN),
  '+': () => camera.zoomBy(1.5),
  '=': () => camera.zoomBy(1.5),
  '-': () => camera.zoomBy(1 / 1.5),
  '0': () => camera.fly(WORLD),
  Enter: () => {
    const node = hovered ?? children.get(here().at(-1)?.key ?? '')?.[0];
    if (node !== undefined) flyTo(node);
  },
  Backspace: up,
  Escape: up,
};

function up(): void {
  const way = here();
  const parent = way.at(-2) ?? root;
  if (parent !== undefined) flyTo(parent);
}

function setTheme(theme: string): void {
  document.documentElement.dataset['theme'] = theme;
  palette = readPalette();
  redraw();
}

// ---- start ----

const camera = new Camera(
  canvas,
  WORLD,
  () => {
    tip.hidden = true;
    redraw();
  },
  crumbs,
);

for (const [style, text] of [
  ['connection', 'connection'],
  ['request', 'HTTP request'],
  ['file', 'file'],
  ['failure', 'failure'],
] as const) {
  const item = document.createElement('span');
  item.className = style;
  item.textContent = text;
  $('legend').append(item);
}

canvas.addEventListener('pointermove', hover);
canvas.addEventListener('pointerleave', () => {
  hovered = undefined;
  tip.hidden = true;
  redraw();
});
canvas.addEventListener('dblclick', (event) => {
  const node = hit(event.offsetX, event.offsetY);
  if (event.shiftKey) up();
  else if (node !== undefined) flyTo(node);
});
addEventListener('keydown', (event) => {
  if (event.target instanceof HTMLButtonElement && event.key === 'Enter') return;
  const action = KEYS[event.key];
  if (action === undefined || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  action();
});
addEventListener('resize', redraw);
$('in').onclick = (): void => camera.zoomBy(1.8);
$('out').onclick = (): void => camera.zoomBy(1 / 1.8);
$('fit').onclick = (): void => camera.fly(WORLD);
$('theme').onclick = (): void =>
  setTheme(document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark');
setTheme(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

if (restoring === undefined) camera.jump(WORLD);
let first = true;
link.onState = (open): void => {
  isOpen = open;
  showStatus();
  askedOpen = '';
  if (!open) return;
  if (first && restoring !== undefined) void restorePlace();
  else void askTree();
  first = false;
};
link.onStatus = (news): void => {
  status = news;
  showStatus();
  document.title = `sonde · ${news.hostname || news.source.name}`;
  redraw();
};
link.connect();

// the token has become a cookie: it need not stay in the address, which people copy
if (location.search.includes('token=') && !location.search.includes('testing=1')) {
  history.replaceState(null, '', `${location.pathname}${location.hash}`);
}

// for tests: what is drawn, without guessing from pixels
if (location.search.includes('testing=1')) {
  Object.assign(globalThis, {
    __map: {
      texts: () => [...drawn.texts],
      box: (key: string) => drawn.hits.find((item) => item.node.key === key)?.box,
      boxes: () =>
        drawn.hits.map(({ node, box }) => ({ key: node.key, kind: node.kind, name: labelOf(node), box })),
      view: () => camera.place(),
      idle: () => !asking && askTimer === 0 && frame === 0,
      stats: () => ({ frames, drawMs }),
    },
  });
}
