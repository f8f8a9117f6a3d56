// SPDX-License-Identifier: Apache-2.0
// Containers: which one a thread is in, by its cgroups, and what is known of it, by container events.

import type { ByteText } from '../base/units.ts';
import { CONTAINER_TYPES } from '../event/enums.ts';

export type ContainerMount = {
  readonly source: ByteText;
  readonly dest: ByteText;
  readonly mode: ByteText;
  readonly writable: boolean;
  readonly propagation: ByteText;
};

export type Container = {
  readonly id: ByteText;
  readonly fullId: ByteText;
  /** docker, podman, containerd, cri-o, lxc … */
  readonly type: ByteText;
  readonly name: ByteText;
  readonly image: ByteText;
  readonly imageId: ByteText;
  readonly imageRepo: ByteText;
  readonly imageTag: ByteText;
  readonly imageDigest: ByteText;
  readonly privileged: boolean;
  readonly isPodSandbox: boolean;
  /** Dotted quad; '' = none */
  readonly ip: ByteText;
  readonly mounts: readonly ContainerMount[];
  readonly labels: ReadonlyMap<ByteText, ByteText>;
  readonly env: readonly ByteText[];
  /** The runtime could not be asked: the id is all that is sure. */
  readonly failed: boolean;
  /** The whole document, for fields that are rarely asked. */
  readonly json: Readonly<Record<string, unknown>>;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * Reads the document of a container event: `{"container": {…}}`; missing keys count as empty.
 *
 * @returns undefined if it is no such document
 */
export function parseContainer(json: ByteText): Container | undefined {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    return undefined;
  }
  const body = (document as { container?: Record<string, unknown> } | null)?.container;
  if (typeof body !== 'object' || body === null) return undefined;
  const mounts = Array.isArray(body['Mounts']) ? (body['Mounts'] as Record<string, unknown>[]) : [];
  const labels = typeof body['labels'] === 'object' && body['labels'] !== null ? body['labels'] : {};
  const type = body['type'];
  const state = body['lookup_state'];
  return {
    id: text(body['id']),
    fullId: text(body['full_id']),
    type: typeof type === 'number' ? (CONTAINER_TYPES[type] ?? '') : '',
    name: text(body['name']),
    image: text(body['image']),
    imageId: text(body['imageid']),
    imageRepo: text(body['imagerepo']),
    imageTag: text(body['imagetag']),
    imageDigest: text(body['imagedigest']),
    privileged: body['privileged'] === true,
    isPodSandbox: body['is_pod_sandbox'] === true,
    ip: text(body['ip']),
    mounts: mounts.map((mount) => ({
      source: text(mount['Source']),
      dest: text(mount['Destination']),
      mode: text(mount['Mode']),
      writable: mount['RW'] === true,
      propagation: text(mount['Propagation']),
    })),
    labels: new Map(Object.entries(labels).map(([key, value]) => [key, text(value)])),
    env: Array.isArray(body['env']) ? body['env'].map(text) : [],
    failed: state === 0 || state === 2,
    json: body,
  };
}

/** A runc-style layout: what stands before and after the 64 hex digits of an id. */
type Layout = readonly [prefix: string, suffix: string];

const PODMAN: readonly Layout[] = [['/libpod-', '.scope']];
const DOCKER: readonly Layout[] = [
  ['/', ''],
  ['/docker-', '.scope'],
];
const CRI: readonly Layout[] = [
  ['/crio-', ''],
  ['/cri-containerd-', '.scope'],
  ['/crio-', '.scope'],
  [':cri-containerd:', ''],
];

function runcId(path: string, [prefix, suffix]: Layout): string | undefined {
  const start = path.lastIndexOf(prefix);
  if (start < 0) return undefined;
  const from = start + prefix.length;
  const to = suffix === '' ? path.length : path.lastIndexOf(suffix);
  if (to - from !== 64) return undefined;
  const id = path.slice(from, to);
  return /^[0-9a-fA-F]{64}$/.test(id) ? id.slice(0, 12) : undefined;
}

function between(path: string, start: string): string | undefined {
  const at = path.indexOf(start);
  if (at < 0) return undefined;
  const rest = path.slice(at + start.length);
  const name = rest.slice(0, rest.indexOf('/') < 0 ? rest.length : rest.indexOf('/'));
  return name === '' ? undefined : name;
}

function lxcName(path: string): string | undefined {
  return between(path, '/lxc/') ?? between(path, '/lxc.payload/') ?? between(path, '/lxc.payload.');
}

function bpmName(path: string): string | undefined {
  const at = path.indexOf('bpm-');
  if (at < 0) return undefined;
  const end = path.indexOf('.scope', at);
  const name = path.slice(at + 4, end < 0 ? path.length : end);
  return /^[A-Za-z0-9._-]+$/.test(name) ? name : undefined;
}

// In the order in which the engines are asked; the first answer counts.
const RULES: readonly ((path: string) => string | undefined)[] = [
  ...[...PODMAN, ...DOCKER, ...CRI].map((layout) => (path: string) => runcId(path, layout)),
  lxcName,
  (path) =>
    path.endsWith('.libvirt-lxc') ? path.slice(path.lastIndexOf('/') + 1, -'.libvirt-lxc'.length) : undefined,
  (path) => between(path, '/libvirt/lxc/'),
  bpmName,
];

/** Id of the container that a thread with these cgroups is in; '' = the host. */
function containerIdOf(cgroups: readonly (readonly [ByteText, ByteText])[]): ByteText {
  for (const rule of RULES) {
    for (const [, path] of cgroups) {
      const id = rule(path);
      if (id !== undefined) return id;
    }
  }
  return '';
}

export type Membership = {
  readonly cgroups: readonly (readonly [ByteText, ByteText])[];
  /** '' = the host */
  readonly containerId: ByteText;
};

// Nearly all threads of a machine share a few cgroups. Comparing with those seen last is faster than any hash of so long a text.
const recent: { readonly text: ByteText; readonly membership: Membership }[] = [];
const RECENT = 16;
let oldest = 0;

/** What NUL-separated `subsys=path` strings tell of a thread. */
export function membershipOf(text: ByteText): Membership {
  for (const known of recent) if (known.text === text) return known.membership;
  const cgroups = parseCgroups(text.split('\0'));
  const membership = { cgroups, containerId: containerIdOf(cgroups) };
  recent[oldest] = { text, membership };
  oldest = (oldest + 1) % RECENT;
  return membership;
}

/** Splits `subsys=path` strings: at the last `=`, with the subsystem's older names made equal. */
function parseCgroups(entries: readonly ByteText[]): (readonly [ByteText, ByteText])[] {
  return entries.flatMap((entry): (readonly [ByteText, ByteText])[] => {
    const at = entry.lastIndexOf('=');
    if (at < 0) return [];
    const name = entry.slice(0, at).replace('_cgroup', '');
    return [[RENAMED[name] ?? name, entry.slice(at + 1)]];
  });
}

const RENAMED: Readonly<Record<string, string>> = { perf: 'perf_event', mem: 'memory', io: 'blkio' };
