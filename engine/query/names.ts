// SPDX-License-Identifier: Apache-2.0
// What things are called in answers: for people, hence decoded and harmless.

import { showText } from '../base/text.ts';
import { FdType, Role, type Fd } from '../state/fd.ts';
import { NO_USER, type Thread } from '../state/thread.ts';
import type { Cell } from './api.ts';
import { HOST_KEY } from './groups.ts';
import type { World } from './world.ts';

export function containerName(world: World, id: string): string {
  if (id === '' || id === HOST_KEY) return 'host';
  const name = world.machine.container(id)?.name ?? '';
  return showText(name === '' ? id : name);
}

export function processLabel(world: World, process: number): string {
  const row = world.store.dims.processes[process];
  return row === undefined ? '' : `${showText(world.store.dims.processName(process))} ${row.pid}`;
}

export function commandLine(thread: Thread): string {
  const words = [thread.exe === '' || thread.exe === '<NA>' ? thread.comm : thread.exe, ...thread.args];
  return showText(words.join(' '));
}

/** client → server, with an arrow that reads better than the format's. */
export function connectionName(fd: Fd): string {
  if (fd.name === '') return fd.type === FdType.UNIX_SOCK ? 'unix socket' : '';
  return showText(fd.name).replace('->', ' → ');
}

/** null where nobody is known. */
export function userName(world: World, thread: Thread): Cell {
  if (thread.uid === NO_USER) return null;
  return showText(world.machine.user(thread.uid)?.name ?? String(thread.uid));
}

const L4_NAMES: readonly string[] = ['', '', 'tcp', 'udp', 'icmp', 'raw'];

export function protocolName(fd: Fd): string {
  if (fd.type === FdType.UNIX_SOCK) return 'unix';
  if (fd.type === FdType.NETLINK) return 'nl';
  return L4_NAMES[fd.l4] ?? '';
}

export function roleName(fd: Fd): string {
  if (fd.role === Role.CLIENT) return 'client';
  return fd.role === Role.SERVER ? 'server' : '';
}
