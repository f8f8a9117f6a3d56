// SPDX-License-Identifier: Apache-2.0
// The line to the server: questions with answers, and statuses that come by themselves. When it breaks, it is tried again.

import type { Status } from '../../engine/query/api.ts';
import type { QuestionName, Questions, ServerMessage } from '../protocol.ts';

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void };

const RETRY_MS = 1500;

export class Link {
  onStatus: (status: Status) => void = () => undefined;
  /** false: the server is lost, and what is on screen is old. */
  onState: (open: boolean) => void = () => undefined;
  private socket: WebSocket | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;

  connect(): void {
    const url = new URL('live', document.baseURI);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    url.search = '';
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onopen = (): void => this.onState(true);
    socket.onmessage = (event: MessageEvent<string>): void =>
      this.take(JSON.parse(event.data) as ServerMessage);
    socket.onclose = (): void => {
      for (const { reject } of this.waiting.values()) reject(new Error('the server is lost'));
      this.waiting.clear();
      this.onState(false);
      setTimeout(() => this.connect(), RETRY_MS);
    };
  }

  private take(message: ServerMessage): void {
    if (message.kind === 'status') {
      this.onStatus(message.status);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.error));
  }

  ask<Name extends QuestionName>(
    question: Name,
    ask: Questions[Name]['ask'],
  ): Promise<Questions[Name]['answer']> {
    const { socket } = this;
    if (socket === undefined || socket.readyState !== WebSocket.OPEN)
      return Promise.reject(new Error('the server is lost'));
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      socket.send(JSON.stringify({ id, question, ask }));
    });
  }
}
