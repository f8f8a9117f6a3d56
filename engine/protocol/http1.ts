// SPDX-License-Identifier: Apache-2.0
// HTTP/1.0 and 1.1 in one direction of a connection: from the bytes of reads or writes, however they were split, to messages.
//
//   idle ──start line──▶ head ──blank line──▶ body (length │ chunked │ until close) ──▶ idle
//                          └──bytes missing──▶ lost ──start line──▶ head
//
// Buffers may be cut by the snaplen: `captured` of `size` bytes are there. What follows a cut is unknown, and is never guessed: the
// message is marked, and the next start line begins the next one.

import { byteText } from '../base/text.ts';
import type { ByteText, Bytes, RelativeNs } from '../base/units.ts';

export type HttpMessage = {
  /** `GET /bar HTTP/1.1`, `HTTP/1.1 502 Bad Gateway` */
  startLine: ByteText;
  readonly headers: [name: ByteText, value: ByteText][];
  /** The blank line was seen. */
  headComplete: boolean;
  /** Some of its bytes were not captured. */
  cut: boolean;
  captured: Bytes;
  length: Bytes;
  /** Beginning of the body, still encoded as sent. */
  body: ByteText;
  /** Event numbers. */
  readonly firstEvent: number;
  lastEvent: number;
  readonly firstTs: RelativeNs;
  lastTs: RelativeNs;
};

export type MessageKind = 'request' | 'response';

/** What the parser tells: each message once when its start line is known, once when its head ended, once when it ended. */
export interface MessageListener {
  onStart(kind: MessageKind, message: HttpMessage): void;
  /** @returns whether the message has no body whatever its headers say (HEAD, 1xx, 204, 304), or ends the use of HTTP here */
  onHead(kind: MessageKind, message: HttpMessage): 'normal' | 'no-body' | 'upgrade';
  onEnd(kind: MessageKind, message: HttpMessage): void;
}

const REQUEST =
  /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|REPORT|PURGE) [^\s]/;
const RESPONSE = /^HTTP\/1\.[01] \d/;
const PREFIXES =
  'GET |HEAD |POST |PUT |DELETE |OPTIONS |PATCH |CONNECT |TRACE |PROPFIND |PROPPATCH |MKCOL |COPY |MOVE |LOCK |UNLOCK |REPORT |PURGE |HTTP/1.1 |HTTP/1.0 '.split(
    '|',
  );

const HEAD_LIMIT = 65536;
const BODY_PREVIEW = 1024;

/** Whether text begins a message; `maybe`: more bytes are needed to say. */
function startKind(text: ByteText): MessageKind | 'maybe' | undefined {
  if (REQUEST.test(text)) return 'request';
  if (RESPONSE.test(text)) return 'response';
  if (
    text.length < 16 &&
    PREFIXES.some(
      (prefix) => prefix.startsWith(text) || (text.startsWith(prefix) && text.length === prefix.length),
    )
  ) {
    return 'maybe';
  }
  return undefined;
}

type State = 'idle' | 'head' | 'length' | 'chunked' | 'close' | 'lost' | 'off';

export class HttpDirection {
  private state: State = 'idle';
  private kind: MessageKind = 'request';
  private message: HttpMessage | undefined = undefined;
  /** Head bytes (or a possible start) not yet parsed. */
  private pending: ByteText = '';
  /** Body bytes still to come; chunked: of the chunk. */
  private remaining = 0;
  private chunkLine: ByteText = '';
  private lastChunk = false;
  private readonly listener: MessageListener;

  constructor(listener: MessageListener) {
    this.listener = listener;
  }

  /** Whether a message is under way. */
  get busy(): boolean {
    return this.message !== undefined;
  }

  /**
   * The bytes of one read or write.
   *
   * @param size how many went over the wire; data may be shorter
   */
  feed(data: Uint8Array, size: Bytes, num: number, ts: RelativeNs): void {
    if (this.state === 'off') return;
    let at = 0;
    while (at < data.length) {
      const used = this.consume(data, at, num, ts);
      if (used === 0) return;
      at += used;
    }
    const missing = size - data.length;
    if (missing > 0) this.skip(missing, num, ts);
  }

  /** The connection is closed in this direction. */
  close(): void {
    if (this.message !== undefined) this.finish();
    this.state = 'off';
  }

  /** The other side went on: a message of unknown end is over. */
  endIfUnknown(): void {
    if (this.message !== undefined && (this.state === 'lost' || this.state === 'close')) this.finish();
  }

  private consume(data: Uint8Array, at: number, num: number, ts: RelativeNs): number {
    switch (this.state) {
      case 'idle':
      case 'lost':
        return this.consumeStart(data, at, num, ts);
      case 'head':
        return this.consumeHead(data, at, num, ts);
      case 'length':
      case 'close':
        return this.consumeBody(data, at, num, ts);
      case 'chunked':
        return this.consumeChunked(data, at, num, ts);
      case 'off':
        return 0;
    }
  }

  private consumeStart(data: Uint8Array, at: number, num: number, ts: RelativeNs): number {
    const text = this.pending + byteText(data, at, Math.min(data.length, at + 32));
    const kind = startKind(text);
    if (kind === 'maybe' && at + 32 >= data.length) {
      this.pending = text;
      return data.length - at;
    }
    const before = this.pending;
    this.pending = '';
    if (kind === undefined || kind === 'maybe') {
      // not the start of a message: more of the one that was cut, or no HTTP at all
      if (this.message !== undefined) this.count(data.length - at, data.length - at, num, ts);
      return data.length - at;
    }
    if (this.message !== undefined) this.finish();
    this.kind = kind;
    this.message = {
      startLine: '',
      headers: [],
      headComplete: false,
      cut: false,
      captured: before.length,
      length: before.length,
      body: '',
      firstEvent: num,
      lastEvent: num,
      firstTs: ts,
      lastTs: ts,
    };
    this.pending = before;
    this.state = 'head';
    return this.consumeHead(data, at, num, ts);
  }

  private consumeHead(data: Uint8Array, at: number, num: number, ts: RelativeNs): number {
    const message = this.message as HttpMessage;
    const known = this.pending.length;
    const text = this.pending + byteText(data, at, data.length);
    const end = headEnd(text);
    if (end < 0) {
      this.count(data.length - at, data.length - at, num, ts);
      this.pending = text;
      if (text.length > HEAD_LIMIT) this.loseHead();
      else this.parseHead(text, false);
      return data.length - at;
    }
    const used = end - known;
    this.count(used, used, num, ts);
    this.parseHead(text.slice(0, end), true);
    this.pending = '';
    message.headComplete = true;
    this.beginBody(message);
    return used;
  }

  // Parsed again as more arrives: heads are short, and a face may look at any moment.
  private parseHead(text: ByteText, whole: boolean, last = false): void {
    const message = this.message as HttpMessage;
    // half a start line says nothing yet
    if (!whole && !last && !text.includes('\n')) return;
    const lines = text.split(/\r?\n/);
    if (!whole) {
      // the last line may go on
      const partial = lines.pop() ?? '';
      if (lines.length === 0) lines.push(partial);
      else if (partial !== '') lines.push(partial);
    }
    const wasKnown = message.startLine !== '';
    message.startLine = lines[0] ?? '';
    message.headers.length = 0;
    for (const line of lines.slice(1)) {
      if (line === '') continue;
      const colon = line.indexOf(':');
      if (/^[ \t]/.test(line) && message.headers.length > 0) {
        (message.headers.at(-1) as [string, string])[1] += ` ${line.trim()}`;
      } else if (colon < 0) {
        message.headers.push([line, '']);
      } else {
        message.headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
      }
    }
    if (!wasKnown) this.listener.onStart(this.kind, message);
  }

  private beginBody(message: HttpMessage): void {
    const answer = this.listener.onHead(this.kind, message);
    if (answer === 'upgrade') {
      this.finish();
      this.state = 'off';
      return;
    }
    if (answer === 'no-body') {
      this.finish();
      return;
    }
    if (/(?:^|,)\s*chunked\s*$/i.test(header(message, 'transfer-encoding'))) {
      this.state = 'chunked';
      this.chunkLine = '';
      this.remaining = 0;
      this.lastChunk = false;
      return;
    }
    const length = header(message, 'content-length');
    if (/^\d+$/.test(length)) {
      this.remaining = Number(length);
      this.state = 'length';
      if (this.remaining === 0) this.finish();
    } else if (this.kind === 'request') {
      this.finish();
    } else {
      this.state = 'close';
    }
  }

  private consumeBody(data: Uint8Array, at: number, num: number, ts: RelativeNs): number {
    const message = this.message as HttpMessage;
    const left = data.length - at;
    const used = this.state === 'length' ? Math.min(left, this.remaining) : left;
    if (message.body.length < BODY_PREVIEW) {
      message.body += byteText(data, at, at + Math.min(used, BODY_PREVIEW - message.body.length));
    }
    this.count(used, used, num, ts);
    if (this.state === 'length') {
      this.remaining -= used;
      if (this.remaining === 0) this.finish();
    }
    return used;
  }

  private consumeChunked(data: Uint8Array, at: number, num: number, ts: RelativeNs): number {
    const message = this.message as HttpMessage;
    if (this.remaining > 0) {
      const used = Math.min(data.length - at, this.remaining);
      // the two bytes that end a chunk are no body
      const body = Math.max(0, Math.min(used, this.remaining - 2));
      if (message.body.length < BODY_PREVIEW) {
        message.body += byteText(data, at, at + Math.min(body, BODY_PREVIEW - message.body.length));
      }
      this.remaining -= used;
      this.count(used, used, num, ts);
      return used;
    }
    const newline = data.indexOf(10, at);
    const end = newline < 0 ? data.length : newline + 1;
    this.chunkLine += byteText(data, at, end);
    this.count(end - at, end - at, num, ts);
    if (newline < 0) {
      if (this.chunkLine.length > 4096) this.lose();
      return end - at;
    }
    const line = this.chunkLine.trim();
    this.chunkLine = '';
    if (this.lastChunk) {
      // trailers, until a blank line
      if (line === '') this.finish();
      return end - at;
    }
    const size = /^([0-9a-fA-F]{1,12})(?:;.*)?$/.exec(line);
    if (size === null) this.lose();
    else if (Number.parseInt(size[1] as string, 16) === 0) this.lastChunk = true;
    else this.remaining = Number.parseInt(size[1] as string, 16) + 2;
    return end - at;
  }

  /** Bytes that went over the wire but were not captured. */
  private skip(missing: number, num: number, ts: RelativeNs): void {
    if (this.message === undefined) {
      this.pending = '';
      return;
    }
    if (this.state === 'head') {
      this.message.cut = true;
      this.count(missing, 0, num, ts);
      this.loseHead();
      return;
    }
    if (this.state === 'length') {
      const used = Math.min(missing, this.remaining);
      this.message.cut = true;
      this.count(used, 0, num, ts);
      this.remaining -= used;
      if (this.remaining === 0) this.finish();
      // what follows the body was not captured either
      if (missing > used) this.state = 'lost';
      return;
    }
    this.message.cut = true;
    this.count(missing, 0, num, ts);
    if (this.state === 'chunked') this.skipChunked(missing);
  }

  private skipChunked(missing: number): void {
    if (this.remaining >= missing) this.remaining -= missing;
    else this.lose();
  }

  private count(length: number, captured: number, num: number, ts: RelativeNs): void {
    const message = this.message;
    if (message === undefined) return;
    message.length += length;
    message.captured += captured;
    message.lastEvent = num;
    message.lastTs = ts;
  }

  private loseHead(): void {
    this.parseHead(this.pending, false, true);
    this.pending = '';
    this.lose();
  }

  private lose(): void {
    this.state = 'lost';
  }

  private finish(): void {
    const message = this.message;
    this.message = undefined;
    this.state = 'idle';
    this.pending = '';
    if (message !== undefined) this.listener.onEnd(this.kind, message);
  }
}

/** Offset after the blank line that ends a head, or -1. */
function headEnd(text: ByteText): number {
  const match = /\r?\n\r?\n/.exec(text);
  return match === null ? -1 : match.index + match[0].length;
}

/** Value of the first header of a name (lower case), '' if there is none. */
export function header(message: HttpMessage, name: string): ByteText {
  for (const [key, value] of message.headers) if (key.toLowerCase() === name) return value;
  return '';
}
