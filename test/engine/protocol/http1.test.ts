// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { header, HttpDirection, type HttpMessage } from '../../../engine/protocol/http1.ts';

/** Feeds text in pieces of `step` bytes and returns the messages that ended. */
function parse(text: string, step = text.length, upgrade = false): HttpMessage[] {
  const messages: HttpMessage[] = [];
  const direction = new HttpDirection({
    onStart: () => undefined,
    onHead: () => (upgrade ? 'upgrade' : 'normal'),
    onEnd: (_, message) => messages.push(message),
  });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0, num = 1; at < bytes.length; at += step, num++) {
    const piece = bytes.subarray(at, at + step);
    direction.feed(piece, piece.length, num, num * 1000);
  }
  direction.close();
  return messages;
}

const REQUESTS =
  'GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: y\r\nContent-Length: 5\r\n\r\nhelloGET /c HTTP/1.1\r\n\r\n';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';

describe('HTTP in one direction', () => {
  test.each([1, 2, 3, 7, 1000])('pipelined requests split every %i bytes', (step) => {
    const messages = parse(REQUESTS, step);
    expect(messages.map((message) => message.startLine)).toEqual([
      'GET /a HTTP/1.1',
      'POST /b HTTP/1.1',
      'GET /c HTTP/1.1',
    ]);
    expect(messages.map((message) => header(message, 'host'))).toEqual(['x', 'y', '']);
    expect(messages[1]?.body).toBe('hello');
    expect(messages.every((message) => message.headComplete)).toBe(true);
  });

  test.each([1, 2, 5, 1000])('a chunked body split every %i bytes', (step) => {
    const messages = parse(CHUNKED, step);
    expect(messages.map((message) => message.startLine)).toEqual([
      'HTTP/1.1 200 OK',
      'HTTP/1.1 404 Not Found',
    ]);
    expect(messages[0]?.body).toBe('hello world');
  });

  test('bytes that the snaplen cut off are said, and the next message is found', () => {
    const messages: HttpMessage[] = [];
    const direction = new HttpDirection({
      onStart: () => undefined,
      onHead: () => 'normal',
      onEnd: (_, message) => messages.push(message),
    });
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    direction.feed(bytes('GET /a HTTP/1.1\r\nHost: local'), 131, 1, 0);
    direction.feed(bytes('GET /b HTTP/1.1\r\n\r\n'), 19, 2, 0);
    direction.close();
    expect(
      messages.map((message) => [
        message.startLine,
        message.headComplete,
        message.cut,
        message.captured,
        message.length,
      ]),
    ).toEqual([
      ['GET /a HTTP/1.1', false, true, 28, 131],
      ['GET /b HTTP/1.1', true, false, 19, 19],
    ]);
  });

  test('what is no HTTP gives nothing', () => {
    expect(parse('SSH-2.0-OpenSSH_9.2\r\n')).toEqual([]);
    expect(parse('GETTING nowhere')).toEqual([]);
  });
});
