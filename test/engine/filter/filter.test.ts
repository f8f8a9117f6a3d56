// SPDX-License-Identifier: Apache-2.0
// The filter language: what matches, what is wrong and where, and that any text gives a filter or an error with a place.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FilterError } from '../../../engine/base/errors.ts';
import { EventCursor } from '../../../engine/event/cursor.ts';
import { encodeEvent, type EncodedEvent } from '../../../engine/event/encode.ts';
import { filterText, type Ast } from '../../../engine/filter/ast.ts';
import { compileFilter } from '../../../engine/filter/compile.ts';
import { parseFilter } from '../../../engine/filter/parse.ts';
import { Machine } from '../../../engine/state/machine.ts';

const OPENAT = 307;
const CONNECT_ENTER = 22;
const GENERIC = 1;
const AT_FDCWD = -100;

const event = (
  code: number,
  params: EncodedEvent['params'],
  rest: Partial<EncodedEvent> = {},
): EncodedEvent => ({ code, ts: 1_000_000_000n, tid: 42, params, ...rest });

/** An event after which the machine is what fields see. */
function machineAt(...events: EncodedEvent[]): Machine {
  const machine = new Machine();
  for (const item of events) {
    const cursor = new EventCursor();
    cursor.load(encodeEvent(item));
    cursor.next();
    cursor.num = 7;
    machine.apply(cursor);
    const thread = machine.threads.get(42);
    if (thread !== undefined) {
      thread.comm = 'nginx';
      thread.args = ['-c', '/etc/nginx.conf'];
    }
  }
  return machine;
}

const failedOpen = (): Machine =>
  machineAt(event(OPENAT, [-2, AT_FDCWD, '/srv/missing.html', 1, 0, 0, 0], { latency: 5000 }));
const goodOpen = (): Machine => machineAt(event(OPENAT, [5, AT_FDCWD, '/etc/passwd', 1, 0, 0, 0]));

describe('matches', () => {
  const table: readonly (readonly [filter: string, failed: boolean, good: boolean])[] = [
    ['evt.type=openat', true, true],
    ['evt.type!=openat', false, false],
    ['evt.type in (open, openat)', true, true],
    ['evt.family=open', true, true],
    ['evt.failed=true', true, false],
    ['evt.res=ENOENT', true, false],
    ['evt.rawres < 0', true, false],
    ['evt.errno exists', true, false],
    ['not evt.errno exists', false, true],
    ['fd.name=/etc/passwd', false, true],
    ['fd.name=/srv/missing.html', true, false],
    ['fd.name startswith /srv', true, false],
    ['fd.name endswith passwd', false, true],
    ['fd.name contains "missing"', true, false],
    ['fd.name icontains MISSING', true, false],
    ['fd.name glob "/srv/*.html"', true, false],
    ['fd.name glob "/etc/pass??"', false, true],
    ['fd.name regex "/etc/[a-z]+"', false, true],
    ['fd.name regex "etc"', false, false],
    ['fd.name pmatch (/etc)', false, true],
    ['fd.name pmatch (/et)', false, false],
    ['fd.num=5', false, true],
    ['fd.type=file', false, true],
    ['evt.target=/srv/missing.html', true, false],
    ['evt.arg.fd=ENOENT', true, false],
    ['evt.rawarg.fd=5', false, true],
    ['evt.arg.flags=O_RDONLY', true, true],
    ['evt.latency > 4999 and evt.latency <= 5000', true, false],
    ['proc.name=nginx and not evt.failed=true', false, true],
    ['not (proc.name=nginx and evt.failed=true)', false, true],
    ['proc.name=other or evt.failed=true', true, false],
    ['proc.name=other or proc.name=nginx and evt.failed=true', true, false],
    ['not not proc.name=nginx', true, true],
    ['proc.args[1]=/etc/nginx.conf', true, true],
    ['container.id=host', true, true],
    ['tolower(proc.name)=nginx', true, true],
    ['basename(fd.name)=passwd', false, true],
    ['len(proc.name) > 4', true, true],
    ['getopt(proc.args, "c:")[c] = /etc/nginx.conf', true, true],
    ['getopt(proc.args, "cv")[v] exists', false, false],
    ['proc.name startswith oneof (ap, ng)', true, true],
    ['proc.name contains allof (ng, nx)', true, true],
    ['proc.name = val(proc.exe)', false, false],
    ['fd.sport=80', false, false],
    ['fd.sport!=80', false, false],
    ['proc.name=""', false, false],
    ['proc.name=', false, false],
  ];
  test.each(table)('%s', (filter, failed, good) => {
    const compiled = compileFilter(filter);
    expect([compiled.test(failedOpen()), compiled.test(goodOpen())]).toEqual([failed, good]);
  });

  test('a failed connect is found by the address that was asked', () => {
    const address = new Uint8Array([2, 127, 0, 0, 1, 0x90, 0x1f]);
    const machine = machineAt(event(CONNECT_ENTER, [3, address]));
    expect(compileFilter('evt.target=127.0.0.1:8080').test(machine)).toBe(true);
  });

  test('a call without an event of its own is found by its name', () => {
    const machine = machineAt(event(GENERIC, [0, 334]));
    expect(compileFilter('evt.type=rseq').test(machine)).toBe(true);
    expect(compileFilter('evt.type=statx').test(machine)).toBe(false);
  });
});

describe('mistakes: what, where, and what was meant', () => {
  const table: readonly (readonly [filter: string, code: string, position: number, suggestion: string])[] = [
    ['', 'empty', 0, ''],
    ['proc.nmae=x', 'unknown-field', 0, 'proc.name'],
    ['proc.name=x and fd.nam=y', 'unknown-field', 16, 'fd.name'],
    ['proc.name contain x', 'unknown-operator', 10, 'contains'],
    ['proc.name', 'expected-operator', 9, ''],
    ['(proc.name=x', 'unbalanced', 0, ''],
    ['proc.name=x)', 'unexpected', 11, ''],
    ['proc.name=x and', 'expected-field', 15, ''],
    ['proc.name="x', 'unbalanced', 10, ''],
    ['proc.name in x', 'expected-list', 13, ''],
    ['proc.pid=ten', 'bad-value', 9, ''],
    ['evt.failed=yes', 'bad-value', 11, ''],
    ['evt.type=opn', 'bad-value', 9, 'open'],
    ['fd.ip=1.2.3', 'bad-value', 6, ''],
    ['fd.net=10.0.0.0', 'bad-value', 7, ''],
    ['proc.pid contains 1', 'bad-operator', 0, ''],
    ['evt.arg.nonsense=1', 'bad-argument', 0, ''],
    ['evt.arg=1', 'bad-argument', 0, ''],
    ['fd.name regex "("', 'bad-value', 14, ''],
    ['('.repeat(160), 'too-deep', 100, ''],
  ];
  test.each(table)('%s', (filter, code, position, suggestion) => {
    let error: unknown;
    try {
      compileFilter(filter);
    } catch (caught: unknown) {
      error = caught;
    }
    expect(error).toBeInstanceOf(FilterError);
    expect(error).toMatchObject({ code, position });
    if (suggestion !== '') expect(error).toMatchObject({ suggestion });
  });

  test('any text gives a filter or a FilterError within the text', () => {
    const word = fc.constantFrom(
      'proc.name',
      'evt.type',
      '=',
      '!=',
      'in',
      '(',
      ')',
      'and',
      'or',
      'not',
      '"',
      "'",
      'contains',
      'open',
      ',',
      '\\',
      'val(',
      'tolower(',
      'fd.ip',
      '[',
      ']',
      ' ',
      'exists',
      '5',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 14 }).map((words) => words.join(' ')),
          fc.array(word, { maxLength: 14 }).map((words) => words.join('')),
        ),
        (text) => {
          try {
            compileFilter(text);
          } catch (error: unknown) {
            if (!(error instanceof FilterError)) throw error;
            expect(error.position).toBeGreaterThanOrEqual(0);
            expect(error.position).toBeLessThanOrEqual(text.length);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

test('a filter as text parses to itself', () => {
  const value = fc.string().map((text) => ({
    text: unescape(encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''))),
    position: 0,
    span: 0,
  }));
  const field = fc
    .constantFrom('proc.name', 'fd.name', 'evt.arg.res', 'proc.aname[2]')
    .map((text) => ({ kind: 'field' as const, text, position: 0, span: 0 }));
  const check: fc.Arbitrary<Ast> = fc
    .oneof(
      fc.record({
        operand: field,
        operator: fc.constantFrom('=', '!=', 'contains', 'startswith'),
        values: fc.tuple(value),
      }),
      fc.record({
        operand: field,
        operator: fc.constantFrom('in', 'pmatch', 'intersects'),
        values: fc.array(value, { maxLength: 4 }),
      }),
      fc.record({ operand: field, operator: fc.constant('exists'), values: fc.constant([]) }),
    )
    .map((parts) => ({ kind: 'check', position: 0, span: 0, ...parts }));
  const { tree } = fc.letrec<{ tree: Ast }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      check,
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({
        kind: fc.constant('not' as const),
        part: tie('tree').filter((part) => part.kind !== 'not'),
      }),
    ),
  }));
  const plain = (ast: unknown): unknown =>
    JSON.parse(
      JSON.stringify(ast, (key, item: unknown) => (key === 'position' || key === 'span' ? undefined : item)),
    );
  fc.assert(
    fc.property(tree, (ast) => {
      expect(plain(parseFilter(filterText(ast)))).toEqual(plain(ast));
    }),
    { numRuns: 500 },
  );
});
