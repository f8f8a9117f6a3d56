// SPDX-License-Identifier: Apache-2.0
// A transaction with all its header lines, and the facts about a node.

import { showText } from '../base/text.ts';
import { formatBytes, formatDuration } from '../base/format.ts';
import type { HttpMessage } from '../protocol/http1.ts';
import type { Transaction } from '../protocol/transactions.ts';
import type { Fd } from '../state/fd.ts';
import { NO_USER, type Thread } from '../state/thread.ts';
import type { Header, MessageSide, NodeDetail, TransactionDetail } from './api.ts';
import { connectionName, containerName, commandLine, protocolName, userName } from './names.ts';
import type { World } from './world.ts';

/** Headers that let whoever reads them act as somebody else. */
const SECRET =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|api-key|x-auth-token|x-csrf-token|x-amz-security-token)$/i;

export function transactionDetail(
  world: World,
  id: number,
  showSecrets: boolean,
): TransactionDetail | undefined {
  const item = world.transactions.byId(id);
  if (item === undefined) return undefined;
  const { dims } = world.store;
  const fd = dims.fds[item.fd] as Fd;
  const peer = world.transactions.peer(item);
  const response = item.response;
  return {
    id: item.id,
    protocol: 'HTTP/1',
    role: item.role,
    process: processOf(world, item),
    fd: item.fdNum,
    connection: connectionName(fd),
    method: showText(item.method),
    url: showText(item.host + item.url),
    status: item.status,
    reason: showText(item.reason),
    start: item.request?.firstTs ?? response?.firstTs ?? 0,
    requestEnd: item.requestEnd ?? item.request?.lastTs ?? null,
    firstByte: response?.firstTs ?? null,
    end: item.end ?? response?.lastTs ?? null,
    request: side(item.request, showSecrets),
    ...(response === undefined ? {} : { response: side(response, showSecrets) }),
    ...(peer === undefined
      ? {}
      : {
          peer: {
            id: peer.id,
            process: processOf(world, peer).name,
            pid: processOf(world, peer).pid,
            container: processOf(world, peer).container,
          },
        }),
  };
}

function processOf(world: World, item: Transaction): TransactionDetail['process'] {
  const { dims } = world.store;
  const thread = dims.threads[item.thread];
  return {
    name: showText(thread?.comm ?? ''),
    pid: dims.processes[item.process]?.pid ?? 0,
    container: containerName(world, thread?.containerId ?? ''),
  };
}

const NOT_SEEN: MessageSide = {
  startLine: '',
  headers: [],
  headComplete: false,
  captured: 0,
  length: 0,
  bodyPreview: '',
  firstEvent: 0,
  lastEvent: 0,
};

function side(message: HttpMessage | undefined, showSecrets: boolean): MessageSide {
  if (message === undefined) return NOT_SEEN;
  return {
    startLine: showText(message.startLine),
    headers: message.headers.map(([name, value]): Header => {
      const secret = SECRET.test(name);
      const shown = secret && !showSecrets ? `•••••• (${value.length} characters hidden)` : showText(value);
      return { name: showText(name), value: shown, secret };
    }),
    headComplete: message.headComplete,
    captured: message.captured,
    length: message.length,
    bodyPreview: showText(message.body),
    firstEvent: message.firstEvent,
    lastEvent: message.lastEvent,
  };
}

type Fact = { readonly name: string; readonly value: string };

/** Name and value pairs for what is no transaction and no failure. */
export function nodeDetail(world: World, key: string): NodeDetail | undefined {
  world.groups.update();
  const rest = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'c:':
      return containerDetail(world, key, rest);
    case 'p:':
      return processDetail(world, key, rest);
    case 't:': {
      const g = world.groups.threads.byName(rest);
      const thread =
        g === undefined ? undefined : world.store.dims.threads[world.groups.threads.groups[g]?.row ?? -1];
      return thread && { key, title: `thread ${thread.tid}`, facts: threadFacts(world, thread) };
    }
    case 'k:':
      return connectionDetail(world, key, rest);
    default:
      return undefined;
  }
}

function containerDetail(world: World, key: string, id: string): NodeDetail | undefined {
  const container = world.machine.container(id);
  if (container === undefined) return id === 'host' ? { key, title: 'host processes', facts: [] } : undefined;
  const facts: Fact[] = [
    fact('name', container.name),
    fact('id', container.fullId || container.id),
    fact('engine', container.type),
    fact('image', container.image),
    fact('address', container.ip),
    ...(container.privileged ? [fact('privileged', 'yes')] : []),
    ...container.mounts.map((mount) =>
      fact('mount', `${mount.source} on ${mount.dest}${mount.writable ? '' : ' (read-only)'}`),
    ),
    ...[...container.labels].map(([name, value]) => fact(`label ${name}`, value)),
  ];
  return { key, title: containerName(world, id), facts: facts.filter((item) => item.value !== '') };
}

function processDetail(world: World, key: string, processKey: string): NodeDetail | undefined {
  const process = world.store.dims.processByKey(processKey);
  if (process === undefined) return undefined;
  const thread = world.store.dims.threads[process.thread] as Thread;
  const { main } = process;
  const facts: Fact[] = [
    ...threadFacts(world, thread),
    fact('executable', thread.exepath),
    fact('directory', main.cwd),
    fact(
      'memory',
      main.vmRss > 0
        ? `${formatBytes(main.vmRss * 1024)} resident, ${formatBytes(main.vmSize * 1024)} virtual`
        : '',
    ),
    fact('descriptors', `${main.fds.size} open${main.fdlimit > 0 ? ` of ${main.fdlimit}` : ''}`),
    fact('cgroups', thread.cgroups.map(([subsystem, path]) => `${subsystem}=${path}`).join(' ')),
    fact(
      'began',
      process.first > 0 ? `${formatDuration(process.first)} after the start` : 'before the capture',
    ),
    fact('state', process.alive ? 'running' : 'ended'),
  ];
  return {
    key,
    title: `${showText(thread.comm)} ${process.pid}`,
    facts: facts.filter((item) => item.value !== ''),
  };
}

function threadFacts(world: World, thread: Thread): Fact[] {
  const parent = world.machine.threadByTid(thread.ptid);
  return [
    fact('command', commandLine(thread)),
    fact(
      'thread',
      thread.vtid >= 0 && thread.vtid !== thread.tid
        ? `${thread.tid} (${thread.vtid} in its container)`
        : String(thread.tid),
    ),
    fact('parent', thread.ptid < 0 ? '' : `${parent === undefined ? '' : `${parent.comm} `}${thread.ptid}`),
    fact(
      'user',
      thread.uid === NO_USER ? '' : `${String(userName(world, thread))} (${thread.uid}:${thread.gid})`,
    ),
    fact('container', containerName(world, thread.containerId)),
  ].filter((item) => item.value !== '');
}

function connectionDetail(world: World, key: string, groupKey: string): NodeDetail | undefined {
  const { groups, store } = world;
  const g = groups.descriptors.byName(groupKey);
  const fd = g === undefined ? undefined : store.dims.fds[groups.descriptors.groups[g]?.row ?? -1];
  if (fd === undefined || g === undefined) return undefined;
  world.totals.update();
  const { descriptors } = world.totals;
  return {
    key,
    title: connectionName(fd),
    facts: [
      fact('protocol', protocolName(fd)),
      fact('descriptor', String(store.dims.fdNum[groups.descriptors.groups[g]?.row ?? -1])),
      fact('received', formatBytes(descriptors.netIn[g] as number)),
      fact('sent', formatBytes(descriptors.netOut[g] as number)),
      fact('calls', String(descriptors.calls[g])),
      fact('failed calls', String(descriptors.errors[g])),
    ],
  };
}

function fact(name: string, value: string): Fact {
  return { name: showText(name), value: showText(value) };
}
