// SPDX-License-Identifier: Apache-2.0
// Times as fields print them.

import type { EventCursor } from '../event/cursor.ts';

const two = (n: number): string => String(n).padStart(2, '0');

/** The fraction of a second, nine digits. */
export function nanos(epochNs: bigint): string {
  return String(epochNs % 1_000_000_000n).padStart(9, '0');
}

const THREE = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));

/** Time of day and fraction of an event: HH:MM:SS.nnnnnnnnn in local time. */
export function timeOfDay(evt: EventCursor): string {
  const total = evt.baseNanos + evt.ts;
  const whole = Math.floor(total / 1e9);
  const second = evt.baseSeconds + whole;
  if (second !== lastSecondOfDay) {
    lastTimeOfDay = `${clock(BigInt(second) * 1_000_000_000n)}.`;
    lastSecondOfDay = second;
  }
  const ns = total - whole * 1e9;
  const micros = Math.floor(ns / 1000);
  const millis = Math.floor(micros / 1000);
  return `${lastTimeOfDay}${THREE[millis]}${THREE[micros - millis * 1000]}${THREE[ns - micros * 1000]}`;
}

let lastSecondOfDay = NaN;
let lastTimeOfDay = '';

// Most lines share their second with the line before.
let lastSecond = -1n;
let lastClock = '';

/** HH:MM:SS in local time. */
export function clock(epochNs: bigint): string {
  const second = epochNs / 1_000_000_000n;
  if (second !== lastSecond) {
    const date = new Date(Number(second) * 1000);
    lastClock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    lastSecond = second;
  }
  return lastClock;
}

/** YYYY-MM-DD in local time. */
export function day(epochNs: bigint): string {
  const date = new Date(Number(epochNs / 1_000_000n));
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000 in UTC. */
export function iso8601(epochNs: bigint): string {
  const text = new Date(Number(epochNs / 1_000_000n)).toISOString();
  return `${text.slice(0, 19)}.${nanos(epochNs)}+0000`;
}

/** SEC.nnnnnnnnn of a length of time in nanoseconds. */
export function seconds(ns: number): string {
  const whole = Math.floor(ns / 1e9);
  return `${whole}.${String(ns - whole * 1e9).padStart(9, '0')}`;
}

/** As sysdig shows lengths of time to people: 1.05s, 23ms, 350us, 17ns; two decimals, cut off. */
export function human(ns: number): string {
  const cut = (value: number, unit: number): string => {
    const whole = Math.floor(value / unit);
    return `${whole}.${two(Math.floor(((value - whole * unit) * 100) / unit))}`;
  };
  if (ns >= 3600e9) {
    const total = Math.floor(ns / 1e9);
    return `${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
  }
  if (ns >= 60e9) return `${Math.floor(ns / 60e9)}m:${Math.floor(ns / 1e9) % 60}s`;
  if (ns >= 1e9) return `${cut(ns, 1e9)}s`;
  if (ns >= 10e6) return `${Math.floor(ns / 1e6)}ms`;
  if (ns >= 1e6) return `${cut(ns, 1e6)}ms`;
  if (ns >= 10e3) return `${Math.floor(ns / 1e3)}us`;
  if (ns >= 1e3) return `${cut(ns, 1e3)}us`;
  return `${ns}ns`;
}

/** Column, from 1, of a latency in a spectrogram of `width` columns, by its logarithm; undefined at 0. */
export function quantized(ns: number, width: number): number | undefined {
  return ns <= 0 ? undefined : 1 + Math.floor((Math.min(Math.log10(ns), 11) * width) / 11);
}
