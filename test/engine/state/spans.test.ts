// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { Spans } from '../../../engine/state/spans.ts';
import { Thread } from '../../../engine/state/thread.ts';

const thread = new Thread(71, 70);
thread.ptid = 69;

/** What a sequence of writes tells: one word for each. */
function told(...writes: string[]): string[] {
  const spans = new Spans();
  return writes.map((text, k) => {
    const event = spans.feed(text, thread, k * 10, BigInt(k * 10));
    if (event === undefined) return '-';
    const { tracer, span } = event;
    const args = (span?.args ?? []).map((pair) => pair.join('=')).join(',');
    const end = tracer.isEnter ? '>' : span === undefined ? '<?' : `<${k * 10 - span.ts}`;
    return `${end} ${tracer.id} ${tracer.tags.join('|')} ${args}`.trimEnd();
  });
}

describe('a write to /dev/null', () => {
  test('begins and ends a span; ids are a thread, a process, its parent, a number or none', () => {
    expect(told('>:t:web.get:path=/x,n=2:', '<:t:web.get::')).toEqual([
      '> 71 web|get path=/x,n=2',
      '<10 71 web|get path=/x,n=2',
    ]);
    expect(told('>:p:a::', '>:pp:a::', '>:42:a::', '>::a::')).toEqual([
      '> 70 a',
      '> 69 a',
      '> 42 a',
      '> 0 a',
    ]);
  });

  test('may be JSON, have a line feed, or come in pieces', () => {
    expect(told('[">", 7, ["a", "b"], [{"k": "v"}]]\n', '["<", 7, ["a", "b"], []]')).toEqual([
      '> 7 a|b k=v',
      '<10 7 a|b k=v',
    ]);
    expect(told('>:8:sp', 'lit:a=b:')).toEqual(['-', '> 8 split a=b']);
  });

  test('says with a backslash what is meant as it stands', () => {
    expect(told('>:5:esc\\:aped.two:k=v\\,w:')).toEqual(['> 5 esc:aped|two k=v,w']);
  });

  test.each(['hello', '>', '>:abc:bad::', '>:7:t:noeq:', '>:6:no args\n', '[">"]', ''])(
    'that is no tracer is none: %s',
    (text) => {
      expect(told(text)).toEqual(['-']);
    },
  );

  test('that ends what never began says so', () => {
    expect(told('<:9:never::')).toEqual(['<? 9 never']);
  });

  test('knows the span around it', () => {
    const spans = new Spans();
    spans.feed('>:1:a::', thread, 0, 5n);
    expect(spans.feed('>:1:a.b::', thread, 1, 6n)?.span?.parent?.epochNs).toBe(5n);
  });
});
