// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: the container that the process runs in, and the pod around it.

import { InputError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import type { Container, ContainerMount } from '../state/container.ts';
import type { EventContext } from '../state/context.ts';
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
    labelField('container.label', 'One label of the container.'),
    of('container.labels', 'CHARBUF', 'All labels of the container.', (container) =>
      some([...container.labels].map(([key, value]) => `${key}:${value}`).join(', ')),
    ),
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
  ],
};
