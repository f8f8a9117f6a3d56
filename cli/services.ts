// SPDX-License-Identifier: Apache-2.0
// Names of ports and hosts as this machine knows them.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { address } from '../engine/filter/constants.ts';
import type { PortProtocol } from '../engine/print/options.ts';

type Services = {
  readonly byPort: ReadonlyMap<string, string>;
  readonly byName: ReadonlyMap<string, number>;
};

let services: Services | undefined;

function load(): Services {
  if (services !== undefined) return services;
  const byPort = new Map<string, string>();
  const byName = new Map<string, number>();
  for (const line of lines('/etc/services')) {
    const match = /^(\S+)\s+(\d+)\/(tcp|udp)(.*)$/.exec(line);
    if (match === null) continue;
    const [, name = '', port = '', protocol = '', aliases = ''] = match;
    const key = `${port}/${protocol}`;
    if (!byPort.has(key)) byPort.set(key, name);
    for (const alias of [name, ...aliases.trim().split(/\s+/)])
      if (alias !== '' && !byName.has(alias)) byName.set(alias, Number(port));
  }
  services = { byPort, byName };
  return services;
}

/** Lines of a database in /etc without comments; none if it is not there. */
function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*$/, '').trim())
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

export function portName(port: number, protocol: PortProtocol): string | undefined {
  return load().byPort.get(`${port}/${protocol}`);
}

export function servicePort(name: string): number | undefined {
  return load().byName.get(name);
}

/** Addresses that /etc/hosts has for a name: no question leaves the machine. */
export function resolveHost(name: string): Uint8Array[] {
  return lines('/etc/hosts').flatMap((line) => {
    const [ip = '', ...names] = line.split(/\s+/);
    const bytes = isIP(ip) !== 0 && names.includes(name) ? address(ip) : undefined;
    return bytes === undefined ? [] : [bytes];
  });
}
