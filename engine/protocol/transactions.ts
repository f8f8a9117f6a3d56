// SPDX-License-Identifier: Apache-2.0
// HTTP transactions: requests with their responses on a connection, as one process sees it; and the same exchange as the other
// end sees it, when both ends are on this machine.

import type { ByteText, RelativeNs } from '../base/units.ts';
import { EVENT_TYPES } from '../event/schema.ts';
import { Role, type Fd } from '../state/fd.ts';
import type { Machine } from '../state/machine.ts';
import { header, HttpDirection, type HttpMessage, type MessageKind, type MessageListener } from './http1.ts';

export type Transaction = {
  /** Counts up from 1 over the capture. */
  readonly id: number;
  readonly role: 'client' | 'server';
  /** Rows of the store's dimensions. */
  readonly thread: number;
  readonly process: number;
  fd: number;
  readonly fdNum: number;
  readonly connection: Connection;
  /** Place among the transactions of its connection. */
  readonly ordinal: number;
  /** undefined: the capture began after it. */
  readonly request: HttpMessage | undefined;
  response: HttpMessage | undefined;
  requestEnd: RelativeNs | undefined;
  end: RelativeNs | undefined;
  method: ByteText;
  /** As in the request line. */
  url: ByteText;
  host: ByteText;
  /** 0: no response seen */
  status: number;
  reason: ByteText;
};

const dataParam = EVENT_TYPES.map((type) => type.params.findIndex((param) => param.type === 'BYTEBUF'));

/** More than this many transactions are not kept; the oldest leave. */
const LIMIT = 200_000;

/** One end of a connection. */
export class Connection implements MessageListener {
  readonly incoming = new HttpDirection(this);
  readonly outgoing = new HttpDirection(this);
  readonly transactions: Transaction[] = [];
  /** Requests that wait for their response, oldest first. */
  private readonly waiting: Transaction[] = [];
  role: 'client' | 'server' = 'client';
  name: ByteText = '';
  /** Where the bytes that are being fed come from. */
  thread = -1;
  process = -1;
  fd = -1;
  fdNum = -1;
  sending = false;
  private readonly owner: Transactions;

  constructor(owner: Transactions) {
    this.owner = owner;
  }

  onStart(kind: MessageKind, message: HttpMessage): void {
    if (kind === 'request') {
      this.role = this.sending ? 'client' : 'server';
      this.waiting.push(this.open(message));
      return;
    }
    if (this.transactions.length === 0) this.role = this.sending ? 'server' : 'client';
    // the start of a response tells that the request is over, even where its end was cut off
    (this.sending ? this.incoming : this.outgoing).endIfUnknown();
    const status = Number(message.startLine.slice(9, 12)) || 0;
    const transaction = this.waiting[0] ?? this.open(undefined);
    transaction.response = message;
    transaction.status = status;
    transaction.reason = message.startLine.slice(13);
    if (status >= 200 || status === 101) this.waiting.shift();
  }

  onHead(kind: MessageKind, message: HttpMessage): 'normal' | 'no-body' | 'upgrade' {
    const transaction = this.transactions.findLast(
      (item) => item.request === message || item.response === message,
    );
    if (transaction === undefined) return 'normal';
    if (kind === 'request') {
      readRequest(transaction, message);
      return 'normal';
    }
    transaction.reason = message.startLine.slice(13);
    if (transaction.status === 101) return 'upgrade';
    const bodyless =
      transaction.method === 'HEAD' ||
      transaction.status < 200 ||
      transaction.status === 204 ||
      transaction.status === 304;
    if (transaction.method === 'CONNECT' && transaction.status < 300) return 'upgrade';
    return bodyless ? 'no-body' : 'normal';
  }

  onEnd(kind: MessageKind, message: HttpMessage): void {
    const transaction = this.transactions.findLast(
      (item) => item.request === message || item.response === message,
    );
    if (transaction === undefined) return;
    if (kind === 'request') {
      readRequest(transaction, message);
      transaction.requestEnd = message.lastTs;
    } else {
      transaction.reason = message.startLine.slice(13);
      transaction.end = message.lastTs;
    }
  }

  close(): void {
    this.incoming.close();
    this.outgoing.close();
  }

  private open(request: HttpMessage | undefined): Transaction {
    const transaction: Transaction = {
      id: this.owner.nextId(),
      role: this.role,
      thread: this.thread,
      process: this.process,
      fd: this.fd,
      fdNum: this.fdNum,
      connection: this,
      ordinal: this.transactions.length,
      request,
      response: undefined,
      requestEnd: undefined,
      end: undefined,
      method: '',
      url: '',
      host: '',
      status: 0,
      reason: '',
    };
    if (request !== undefined) readRequest(transaction, request);
    this.transactions.push(transaction);
    this.owner.add(transaction);
    return transaction;
  }
}

function readRequest(transaction: Transaction, message: HttpMessage): void {
  const [method = '', url = ''] = message.startLine.split(' ');
  transaction.method = method;
  transaction.url = url;
  transaction.host = header(message, 'host');
}

export class Transactions {
  readonly list: Transaction[] = [];
  private readonly connections = new WeakMap<Fd, Connection>();
  /** The newest connection of each tuple and role: how the two ends find each other. */
  private readonly ends = new Map<string, Connection>();
  private count = 0;

  nextId(): number {
    return ++this.count;
  }

  get total(): number {
    return this.count;
  }

  add(transaction: Transaction): void {
    this.list.push(transaction);
    if (this.list.length > LIMIT) this.list.splice(0, LIMIT / 10);
    this.ends.set(`${transaction.role} ${transaction.connection.name}`, transaction.connection);
    if (this.ends.size > LIMIT) this.ends.clear();
  }

  byId(id: number): Transaction | undefined {
    const first = this.list[0];
    return first === undefined ? undefined : this.list[id - first.id];
  }

  /** The same exchange at the other end of the connection. */
  peer(transaction: Transaction): Transaction | undefined {
    const role = transaction.role === 'client' ? 'server' : 'client';
    const other = this.ends.get(`${role} ${transaction.connection.name}`);
    return other === transaction.connection ? undefined : other?.transactions[transaction.ordinal];
  }

  /**
   * Looks at the machine's current event: data that a process read from or wrote to a socket.
   *
   * @param rows rows of the event's thread, process and fd in the store's dimensions
   */
  feed(machine: Machine, sending: boolean, rows: { thread: number; process: number; fd: number }): void {
    const { evt, fd, result } = machine;
    if (fd === undefined || result <= 0 || !fd.isSocket) return;
    const index = dataParam[evt.code] ?? -1;
    const data = evt.data(index);
    let connection = this.connections.get(fd);
    if (connection === undefined) {
      if (!mayBegin(data)) return;
      connection = new Connection(this);
      this.connections.set(fd, connection);
    }
    connection.thread = rows.thread;
    connection.process = rows.process;
    connection.fd = rows.fd;
    connection.fdNum = machine.fdNum;
    connection.sending = sending;
    connection.name = fd.name;
    if (fd.role !== Role.NONE && connection.transactions.length === 0) {
      connection.role = fd.role === Role.SERVER ? 'server' : 'client';
    }
    const direction = sending ? connection.outgoing : connection.incoming;
    direction.feed(data.length > result ? data.subarray(0, result) : data, result, evt.num, evt.ts);
  }

  /** The current event closes its descriptor. */
  closed(fd: Fd): void {
    this.connections.get(fd)?.close();
    this.connections.delete(fd);
  }
}

// Most sockets never speak HTTP: one look at the first byte spares them a parser.
function mayBegin(data: Uint8Array): boolean {
  const first = data[0] ?? 0;
  return first >= 0x41 && first <= 0x55;
}
