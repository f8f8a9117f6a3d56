// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: the container that the process runs in, and the pod around it.

import { InputError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import type { Container, ContainerMount } from '../state/container.ts';
import type { EventContext } from '../state/context.ts';
import type { Thread } from '../state/thread.ts';
import {
  boundField,
  field,
  type Extract,
  type Field,
  type FieldArg,
  type FieldClass,
  type FieldType,
  type Value,
} from './field.ts';

const HOST = 'host';

const containerOf = (ctx: EventContext): Container | undefined =>
  ctx.thread === undefined || ctx.thread.containerId === ''
    ? undefined
    : ctx.container(ctx.thread.containerId);

const some = (text: ByteText): ByteText | undefined => (text === '' ? undefined : text);

function of(
  name: string,
  type: FieldType,
  description: string,
  extract: (container: Container, ctx: EventContext) => Value | undefined,
): Field {
  return field(name, type, 'container', description, (ctx) => {
    const container = containerOf(ctx);
    return container === undefined ? undefined : extract(container, ctx);
  });
}

/** Fields that say `host` for processes in no container. */
function orHost(extract: (container: Container) => Value | undefined): Extract {
  return (ctx) => {
    if (ctx.thread === undefined) return undefined;
    if (ctx.thread.containerId === '') return HOST;
    const container = containerOf(ctx);
    return container === undefined ? undefined : extract(container);
  };
}

function mountText(mount: ContainerMount): ByteText {
  return `${mount.source}:${mount.dest}:${mount.mode}:${mount.writable}:${mount.propagation}`;
}

function findMount(container: Container, arg: FieldArg, by: 'source' | 'dest'): ContainerMount | undefined {
  if (/^\d+$/.test(arg.text)) return container.mounts[Number(arg.text)];
  const pattern = new RegExp(
    `^${arg.text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  );
  return container.mounts.find((mount) => pattern.test(mount[by]));
}

function mountField(
  name: string,
  by: 'source' | 'dest',
  description: string,
  extract: (mount: ContainerMount) => Value,
): Field {
  return boundField(
    name,
    'CHARBUF',
    'container',
    description,
    (arg) => {
      if (arg === undefined || !arg.bracket)
        throw new InputError('bad-argument', `${name} wants a number or path: ${name}[/data]`);
      return {
        extract: (ctx) => {
          const container = containerOf(ctx);
          const mount = container === undefined ? undefined : findMount(container, arg, by);
          return mount === undefined ? undefined : extract(mount);
        },
      };
    },
    { arg: 'required' },
  );
}

function labelField(name: string, description: string): Field {
  return boundField(
    name,
    'CHARBUF',
    'container',
    description,
    (arg) => {
      if (arg === undefined)
        throw new InputError('bad-argument', `${name} wants the name of a label: ${name}.app`);
      return { extract: (ctx) => containerOf(ctx)?.labels.get(arg.text) };
    },
    { arg: 'required' },
  );
}

const KUBERNETES = 'io.kubernetes.';

function labelsText(container: Container): ByteText | undefined {
  const own = [...container.labels].filter(([key]) => !key.startsWith(KUBERNETES));
  return some(own.map(([key, value]) => `${key}:${value}`).join(', '));
}

const kubernetes =
  (key: string) =>
  (container: Container): ByteText | undefined =>
    container.labels.get(`${KUBERNETES}${key}`);

const given = (container: Container, key: string): Value | undefined => {
  const value = container.json[key];
  return typeof value === 'string' ? some(value) : typeof value === 'boolean' ? value : undefined;
};

/** `exe args…` of a check that the runtime makes of the container. */
function probe(container: Container, key: string): ByteText | undefined {
  const value = container.json[key];
  if (typeof value !== 'object' || value === null) return undefined;
  const { exe, args } = value as { exe?: unknown; args?: unknown };
  if (typeof exe !== 'string') return undefined;
  return [exe, ...(Array.isArray(args) ? args.map(String) : [])].join(' ');
}

function healthcheck(container: Container): ByteText {
  return container.json['Healthcheck'] === 'NONE' ? 'NONE' : (probe(container, 'Healthcheck') ?? 'N/A');
}

const startOf = (container: Container): bigint | undefined => {
  const created = container.json['created_time'];
  return typeof created === 'number' && created > 0 ? BigInt(created) * 1_000_000_000n : undefined;
};

/** Whether the process, or one before it, is what the runtime started to check the container. */
function runsProbe(key: string): Extract {
  return (ctx) => {
    if (ctx.thread === undefined) return undefined;
    const container = containerOf(ctx);
    const command = container === undefined ? undefined : probe(container, key);
    if (command === undefined) return false;
    for (
      let thread: Thread | undefined = ctx.mainThread(ctx.thread), k = 0;
      thread !== undefined && k < 32;
      k++
    ) {
      if (thread.containerId !== ctx.thread.containerId) return false;
      if ([thread.exe, ...thread.args].join(' ') === command) return true;
      thread = ctx.parent(thread);
    }
    return false;
  };
}

export const CONTAINER: FieldClass = {
  name: 'container',
  title: 'the container that the process runs in',
  fields: [
    field(
      'container.id',
      'CHARBUF',
      'thread',
      'Short id; host for processes in no container.',
      ({ thread }) =>
        thread === undefined ? undefined : thread.containerId === '' ? HOST : thread.containerId,
    ),
    of('container.full_id', 'CHARBUF', 'Whole id.', (container) => some(container.fullId)),
    field(
      'container.name',
      'CHARBUF',
      'container',
      'Name; host for processes in no container.',
      orHost((container) => some(container.name)),
    ),
    of('container.image', 'CHARBUF', 'Image.', (container) => some(container.image)),
    of('container.image.id', 'CHARBUF', 'Id of the image.', (container) => some(container.imageId)),
    field(
      'container.type',
      'CHARBUF',
      'container',
      'Runtime: docker, podman, containerd, cri-o, lxc, …; host for processes in no container.',
      orHost((container) => some(container.type)),
    ),
    of('container.privileged', 'BOOL', 'Whether the container runs privileged.', (container) =>
      container.failed ? undefined : container.privileged,
    ),
    of('container.mounts', 'CHARBUF', 'All mounts: source:dest:mode:rdwr:propagation.', (container) =>
      container.mounts.map(mountText).join(','),
    ),
    mountField('container.mount', 'source', 'One mount, by number or source.', mountText),
    mountField(
      'container.mount.source',
      'dest',
      'Source of a mount, by number or destination.',
      (mount) => mount.source,
    ),
    mountField(
      'container.mount.dest',
      'source',
      'Destination of a mount, by number or source.',
      (mount) => mount.dest,
    ),
    mountField(
      'container.mount.mode',
      'source',
      'Mode of a mount, by number or source.',
      (mount) => mount.mode,
    ),
    mountField(
      'container.mount.rdwr',
      'source',
      'Whether a mount can be written, by number or source.',
      (mount) => String(mount.writable),
    ),
    mountField(
      'container.mount.propagation',
      'source',
      'Propagation of a mount, by number or source.',
      (mount) => mount.propagation,
    ),
    of('container.image.repository', 'CHARBUF', 'Image without tag.', (container) =>
      some(container.imageRepo),
    ),
    of('container.image.tag', 'CHARBUF', 'Tag of the image.', (container) => some(container.imageTag)),
    of('container.image.digest', 'CHARBUF', 'Digest of the image.', (container) =>
      some(container.imageDigest),
    ),
    of('container.ip', 'CHARBUF', 'Address of the container.', (container) => some(container.ip)),
    of(
      'container.healthcheck',
      'CHARBUF',
      'Command of the health check; NONE if it is switched off, N/A if there is none.',
      healthcheck,
    ),
    of(
      'container.liveness_probe',
      'CHARBUF',
      'Command of the liveness probe; N/A if there is none.',
      (container) => probe(container, 'LivenessProbe') ?? 'N/A',
    ),
    of(
      'container.readiness_probe',
      'CHARBUF',
      'Command of the readiness probe; N/A if there is none.',
      (container) => probe(container, 'ReadinessProbe') ?? 'N/A',
    ),
    field(
      'proc.is_container_healthcheck',
      'BOOL',
      'container',
      'Whether the process runs as health check of its container.',
      runsProbe('Healthcheck'),
    ),
    field(
      'proc.is_container_liveness_probe',
      'BOOL',
      'container',
      'Whether the process runs as liveness probe of its container.',
      runsProbe('LivenessProbe'),
    ),
    field(
      'proc.is_container_readiness_probe',
      'BOOL',
      'container',
      'Whether the process runs as readiness probe of its container.',
      runsProbe('ReadinessProbe'),
    ),
    of(
      'container.start_ts',
      'ABSTIME',
      'When the container was started, in nanoseconds since 1970.',
      startOf,
    ),
    of(
      'container.duration',
      'RELTIME',
      'Nanoseconds since the container was started.',
      (container, { evt }) => {
        const start = startOf(container);
        return start === undefined ? undefined : Number(evt.epochNs - start);
      },
    ),
    of('container.cni.json', 'CHARBUF', 'What the network plugin said of the container.', (container) =>
      given(container, 'cni_json'),
    ),
    of(
      'container.host_pid',
      'BOOL',
      'Whether the container shares the pid namespace of the host.',
      (container) => given(container, 'host_pid'),
    ),
    of(
      'container.host_network',
      'BOOL',
      'Whether the container shares the network of the host.',
      (container) => given(container, 'host_network'),
    ),
    of(
      'container.host_ipc',
      'BOOL',
      'Whether the container shares the IPC namespace of the host.',
      (container) => given(container, 'host_ipc'),
    ),
    labelField('container.label', 'One label of the container.'),
    of('container.labels', 'CHARBUF', 'All labels of the container.', (container) =>
      some([...container.labels].map(([key, value]) => `${key}:${value}`).join(', ')),
    ),
  ],
};

// Only a server of the cluster knows these, and captures do not keep what it says: filters with them are understood, and never match.
function serverFields(
  prefix: string,
  kinds: Readonly<Record<string, string>>,
  labels = true,
): readonly Field[] {
  return Object.entries(kinds).flatMap(([kind, title]) => {
    const name = `${prefix}.${kind}`;
    const none = (part: string, what: string, extra = {}): Field =>
      boundField(
        `${name}.${part}`,
        'CHARBUF',
        'container',
        `${what} of the ${title}; captures do not tell it.`,
        () => ({ extract: () => undefined }),
        extra,
      );
    return [
      none('name', 'Name'),
      none('id', 'Id'),
      ...(labels ? [none('label', 'One label', { arg: 'required' }), none('labels', 'All labels')] : []),
    ];
  });
}

export const MESOS: FieldClass = {
  name: 'mesos',
  title: 'Mesos and Marathon, which captures do not tell of',
  fields: [
    ...serverFields('mesos', { task: 'Mesos task' }),
    ...serverFields('mesos', { framework: 'Mesos framework' }, false),
    ...serverFields('marathon', { app: 'Marathon application' }),
    ...serverFields('marathon', { group: 'Marathon group' }, false),
  ],
};

export const K8S: FieldClass = {
  name: 'k8s',
  title: 'the Kubernetes pod around the container, as its labels tell',
  fields: [
    of('k8s.pod.name', 'CHARBUF', 'Name of the pod.', kubernetes('pod.name')),
    of('k8s.pod.id', 'CHARBUF', 'Id of the pod.', kubernetes('pod.uid')),
    of('k8s.pod.uid', 'CHARBUF', 'Id of the pod.', kubernetes('pod.uid')),
    labelField('k8s.pod.label', 'One label of the pod.'),
    of('k8s.pod.labels', 'CHARBUF', 'All labels of the pod.', labelsText),
    of('k8s.ns.name', 'CHARBUF', 'Namespace of the pod.', kubernetes('pod.namespace')),
    of('k8s.pod.sandbox_id', 'CHARBUF', 'Short id of the sandbox of the pod.', (container) => {
      const id = given(container, 'pod_sandbox_id');
      return typeof id === 'string' ? id.slice(0, 12) : undefined;
    }),
    of('k8s.pod.full_sandbox_id', 'CHARBUF', 'Whole id of the sandbox of the pod.', (container) =>
      given(container, 'pod_sandbox_id'),
    ),
    of('k8s.pod.ip', 'CHARBUF', 'Address of the pod.', (container) => some(container.ip)),
    of('k8s.pod.cni.json', 'CHARBUF', 'What the network plugin said of the pod.', (container) =>
      given(container, 'cni_json'),
    ),
    ...serverFields('k8s', {
      rc: 'replication controller',
      svc: 'service',
      rs: 'replica set',
      deployment: 'deployment',
    }),
    ...serverFields('k8s', { ns: 'namespace' }).filter(({ name }) => name !== 'k8s.ns.name'),
  ],
};
