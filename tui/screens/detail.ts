// SPDX-License-Identifier: Apache-2.0
// The ends of the way down: one request with its headers, one way of failing, one event.

import { formatBytes, formatClock, formatCount, formatDuration } from '../../engine/base/format.ts';
import type {
  ErrorDetail,
  EventDetail,
  EventLine,
  MessageSide,
  TransactionDetail,
} from '../../engine/query/api.ts';
import { fit, line, span, widthOf, wrap, type Line, type Span, type Style } from '../frame.ts';
import type { Model } from '../model.ts';

const SIDE_BY_SIDE = 100;
const blank = line();

function fact(name: string, ...value: Span[]): Line {
  return line(span(` ${fit(name, 11)} `, 'dim'), ...value);
}

function statusStyle(status: number): Style {
  return status >= 500 ? 'error' : status >= 400 ? 'warn' : status >= 200 ? 'good' : 'plain';
}

// ---- one request ----

export function transactionLines(model: Model, tx: TransactionDetail): Line[] {
  const start = model.status?.startEpochNs ?? '0';
  const response =
    tx.status === 0
      ? span('no response seen', 'warn')
      : span(`${tx.status} ${tx.reason}`, statusStyle(tx.status));
  const who = (process: string, pid: number, container: string): string =>
    `${process} (${pid}) in ${container}`;
  const lines: Line[] = [
    line(span(` ${tx.method} ${tx.url}  `, 'bold'), response),
    blank,
    fact('process', span(`${who(tx.process.name, tx.process.pid, tx.process.container)}, the ${tx.role}`)),
    fact('connection', span(`${tx.connection}  fd ${tx.fd}`)),
    ...(tx.peer === undefined
      ? []
      : [fact('other end', span(who(tx.peer.process, tx.peer.pid, tx.peer.container)))]),
    fact('started', span(formatClock(start, tx.start, 6))),
    fact('took', ...timing(tx, Math.max(10, Math.min(40, model.columns - 50)))),
    blank,
  ];
  const width = model.columns;
  if (width >= SIDE_BY_SIDE && tx.response !== undefined) {
    const half = Math.floor((width - 3) / 2);
    const left = messageLines('Request', tx.request, half, 'plain');
    const right = messageLines('Response', tx.response, half, statusStyle(tx.status));
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      lines.push(line(...padded(left[i], half), span(' │ ', 'dim'), ...(right[i]?.spans ?? [])));
    }
    return lines;
  }
  lines.push(...messageLines('Request', tx.request, width, 'plain'), blank);
  if (tx.response !== undefined)
    lines.push(...messageLines('Response', tx.response, width, statusStyle(tx.status)));
  return lines;
}

function padded(item: Line | undefined, width: number): Span[] {
  const spans = [...(item?.spans ?? [])];
  const used = spans.reduce((sum, part) => sum + widthOf(part.text), 0);
  return [...spans, span(' '.repeat(Math.max(0, width - used)))];
}

/** When the first byte came, and the last, as a bar. */
function timing(tx: TransactionDetail, width: number): Span[] {
  if (tx.end === null || tx.firstByte === null) return [span('–', 'dim')];
  const total = tx.end - tx.start;
  const first = tx.firstByte - tx.start;
  const cells = total <= 0 ? width : Math.round((first / total) * width);
  return [
    span(formatDuration(total), 'bold'),
    span('  '),
    span('━'.repeat(Math.max(0, cells)), 'accent'),
    span('━'.repeat(Math.max(0, width - cells)), 'good'),
    span(`  first byte after ${formatDuration(first)}`, 'dim'),
  ];
}

function messageLines(title: string, side: MessageSide, width: number, style: Style): Line[] {
  const lines: Line[] = [
    line(span(` ${title}`, 'dim')),
    ...wrap(side.startLine, width - 2).map((text) =>
      line(span(` ${text}`, style === 'plain' ? 'bold' : style)),
    ),
  ];
  const nameWidth = Math.min(
    24,
    side.headers.reduce((most, header) => Math.max(most, header.name.length), 4),
  );
  for (const header of side.headers) {
    const room = Math.max(10, width - nameWidth - 4);
    wrap(header.value, room).forEach((text, i) => {
      lines.push(
        line(
          span(` ${fit(i === 0 ? header.name : '', nameWidth)}  `, 'accent'),
          span(text, header.secret ? 'warn' : 'plain'),
        ),
      );
    });
  }
  if (!side.headComplete)
    lines.push(
      line(
        span(
          ` ▮ cut by snaplen: captured ${formatBytes(side.captured)} of ${formatBytes(side.length)}`,
          'warn',
        ),
      ),
    );
  if (side.bodyPreview !== '') {
    lines.push(blank);
    for (const text of side.bodyPreview.split(/\r?\n|␍?␊/).slice(0, 12))
      for (const piece of wrap(text, width - 2)) lines.push(line(span(` ${piece}`, 'dim')));
  }
  return lines;
}

// ---- one way of failing ----

export function failureLines(model: Model, failure: ErrorDetail): Line[] {
  const start = model.status?.startEpochNs ?? '0';
  const lines: Line[] = [
    line(
      span(` ${failure.errno.name} `, 'error'),
      span(` ${failure.errno.meaning}`, 'bold'),
      span(`  errno ${failure.errno.number}`, 'dim'),
    ),
    blank,
    fact('call', span(failure.syscall, 'accent')),
    fact('target', span(failure.target === '' ? '–' : failure.target, 'bold')),
    fact(
      'times',
      span(formatCount(failure.count)),
      span(
        `   first ${formatClock(start, failure.first, 3)}   last ${formatClock(start, failure.last, 3)}`,
        'dim',
      ),
    ),
    blank,
    line(span(' Processes', 'dim')),
    ...failure.processes.map((process) =>
      line(
        span(`   ${fit(formatCount(process.count), 6, 'right')}  `),
        span(`${process.name} (${process.pid})`, 'bold'),
        span(` in ${process.container}`, 'dim'),
      ),
    ),
    blank,
    line(span(' Samples, each with what its thread did just before', 'dim')),
  ];
  for (const { event, before } of failure.samples) {
    if (before !== undefined) lines.push(sample(model, before, false));
    lines.push(sample(model, event, true));
  }
  return lines;
}

function sample(model: Model, event: EventLine, failed: boolean): Line {
  const time = formatClock(model.status?.startEpochNs ?? '0', event.ts, 6);
  const head = ` ${failed ? '✗' : ' '} ${time} ${fit(event.process, 12)} `;
  const text = fit(`${event.type} ${event.args}`, Math.max(10, model.columns - widthOf(head)));
  return line(span(head, failed ? 'error' : 'dim'), span(text, failed ? 'error' : 'dim'));
}

// ---- one event ----

export function eventLines(model: Model, event: EventDetail): Line[] {
  const start = model.status?.startEpochNs ?? '0';
  const lines: Line[] = [
    line(
      span(` ${event.type}`, 'bold'),
      span(event.dir === '<' ? '  exit' : '  enter', 'dim'),
      span(event.failed ? '  failed' : '', 'error'),
    ),
    blank,
    fact('number', span(String(event.num))),
    fact('time', span(formatClock(start, event.ts, 9))),
    fact('process', span(`${event.process} (${event.tid}) in ${event.container}`)),
    fact('cpu', span(String(event.cpu))),
    fact('latency', span(event.latency === null ? '–' : formatDuration(event.latency))),
  ];
  if (event.errno !== undefined)
    lines.push(fact('error', span(`${event.errno.name}: ${event.errno.meaning}`, 'error')));
  if (event.fd !== undefined)
    lines.push(fact('fd', span(`${event.fd.num} ${event.fd.type} ${event.fd.name}`)));
  lines.push(blank, line(span(' Params', 'dim')));
  for (const param of event.params) {
    wrap(param.value, Math.max(10, model.columns - 30)).forEach((text, i) => {
      lines.push(
        line(
          span(` ${fit(i === 0 ? param.name : '', 14)} `, 'accent'),
          span(`${fit(i === 0 ? param.type.toLowerCase() : '', 11)} `, 'dim'),
          span(text),
        ),
      );
    });
  }
  if (event.payload !== undefined) {
    lines.push(
      blank,
      line(
        span(
          ` Data: ${formatBytes(event.payload.bytes.length)} captured of ${formatBytes(event.payload.length)}`,
          'dim',
        ),
      ),
    );
    lines.push(...hexLines(event.payload.bytes));
  }
  return lines;
}

const HEX_ROW = 16;

function hexLines(bytes: readonly number[]): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length; at += HEX_ROW) {
    const row = bytes.slice(at, at + HEX_ROW);
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '·')).join('');
    lines.push(
      line(
        span(` ${at.toString(16).padStart(5, '0')}  `, 'dim'),
        span(`${hex.padEnd(HEX_ROW * 3)} `),
        span(text, 'accent'),
      ),
    );
  }
  return lines;
}
