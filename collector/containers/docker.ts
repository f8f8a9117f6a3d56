// SPDX-License-Identifier: Apache-2.0
// Docker: asks the engine on its socket about containers, and words the answer as the document of a container event.

import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { toByteText } from '../../engine/base/text.ts';

/** What container events carry; see state/container.ts parseContainer. */
export type ContainerDocument = { readonly container: Readonly<Record<string, unknown>> };

const DOCKER_TYPE = 0;
const FOUND = 1;
const SHORT = 12;
const TIMEOUT_MS = 2000;

/** DOCKER_HOST if it is a unix socket, else the usual place. */
function socketPath(): string {
  const host = process.env['DOCKER_HOST'] ?? '';
  return host.startsWith('unix://') ? host.slice('unix://'.length) : '/var/run/docker.sock';
}

function get(path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: socketPath(), path, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', () => resolve(undefined));
      response.on('end', () => {
        try {
          resolve(
            response.statusCode === 200 ? JSON.parse(Buffer.concat(parts).toString('utf8')) : undefined,
          );
        } catch {
          resolve(undefined);
        }
      });
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

type Inspect = {
  readonly Id?: string;
  readonly Name?: string;
  readonly Image?: string;
  readonly Config?: {
    readonly Image?: string;
    readonly Labels?: Record<string, string>;
    readonly Env?: string[];
  };
  readonly HostConfig?: { readonly Privileged?: boolean };
  readonly NetworkSettings?: {
    readonly IPAddress?: string;
    readonly Networks?: Record<string, { readonly IPAddress?: string }>;
  };
  readonly Mounts?: readonly Record<string, unknown>[];
};

/** repository[:tag][@digest]; a colon before a slash belongs to a port. */
function splitImage(image: string): { readonly repo: string; readonly tag: string; readonly digest: string } {
  const match = /^([^@]*?)(?::([^:/@]+))?(?:@(.+))?$/.exec(image);
  return { repo: match?.[1] ?? image, tag: match?.[2] ?? '', digest: match?.[3] ?? '' };
}

function toDocument(found: Inspect): ContainerDocument {
  const fullId = found.Id ?? '';
  const image = found.Config?.Image ?? '';
  const { repo, tag, digest } = splitImage(image);
  const network = found.NetworkSettings;
  const ip =
    network?.IPAddress ||
    Object.values(network?.Networks ?? {}).find((item) => (item.IPAddress ?? '') !== '')?.IPAddress ||
    '';
  return {
    container: {
      id: fullId.slice(0, SHORT),
      full_id: fullId,
      type: DOCKER_TYPE,
      name: (found.Name ?? '').replace(/^\//, ''),
      image,
      imageid: (found.Image ?? '').replace(/^sha256:/, '').slice(0, SHORT),
      imagerepo: repo,
      imagetag: tag,
      imagedigest: digest,
      privileged: found.HostConfig?.Privileged === true,
      ip,
      labels: found.Config?.Labels ?? {},
      env: found.Config?.Env ?? [],
      Mounts: (found.Mounts ?? []).map(({ Source, Destination, Mode, RW, Propagation }) => ({
        Source,
        Destination,
        Mode,
        RW,
        Propagation,
      })),
      lookup_state: FOUND,
    },
  };
}

export const docker = {
  isThere: (): boolean => existsSync(socketPath()),

  /** Ids of the running containers. */
  async running(): Promise<string[]> {
    const list = await get('/containers/json');
    return Array.isArray(list)
      ? list.flatMap((item: { Id?: string }) => (item.Id === undefined ? [] : [item.Id]))
      : [];
  },

  /** @param id whole or the first 12 digits */
  async inspect(id: string): Promise<ContainerDocument | undefined> {
    const found = (await get(`/containers/${encodeURIComponent(id)}/json`)) as Inspect | undefined;
    return found?.Id === undefined ? undefined : toDocument(found);
  },
};

/** The document as the text of an event: bytes, since names may hold anything. */
export function documentText(document: ContainerDocument): string {
  return toByteText(JSON.stringify(document));
}
