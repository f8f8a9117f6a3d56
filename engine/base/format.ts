// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them: the same words in the terminal, the map and the command line.

import type { DurationNs, RelativeNs } from './units.ts';

/** Three significant digits at most, no trailing zeros lost: 1.2, 12.3, 123. */
function short(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toFixed(digits);
}

const BINARY = ['B', 'K', 'M', 'G', 'T', 'P'] as const;

/** 0, 512B, 1.50K, 23.5M. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.5 && unit < BINARY.length - 1) {
    value /= 1024;
    unit++;
  }
  if (unit === 0) return value === 0 ? '0' : `${Math.round(value)}B`;
  return `${short(value)}${BINARY[unit]}`;
}

const DECIMAL = ['', 'k', 'M', 'G', 'T'] as const;

/** 0, 999, 1.20k, 3.45M; below 10 one decimal if there is a fraction. */
export function formatCount(count: number): string {
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < DECIMAL.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 1 : 0);
  return `${short(value)}${DECIMAL[unit]}`;
}

/** 350ns, 4.20µs, 3.13ms, 5.00s, 2m05s, 3h07m. */
export function formatDuration(ns: DurationNs): string {
  if (ns < 0) return `-${formatDuration(-ns)}`;
  if (ns < 999.5) return `${Math.round(ns)}ns`;
  if (ns < 999_500) return `${short(ns / 1e3)}µs`;
  if (ns < 999_500_000) return `${short(ns / 1e6)}ms`;
  const seconds = ns / 1e9;
  if (seconds < 59.95) return `${short(seconds)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
}

/** 0.0, 12.5, 100 (without the sign). */
export function formatPercent(percent: number): string {
  return percent >= 99.95 ? percent.toFixed(0) : percent.toFixed(1);
}

/** Seconds from the start with `digits` decimals: 5.110232. */
export function formatRelative(ts: RelativeNs, digits = 6): string {
  return (ts / 1e9).toFixed(digits);
}

/** Local time of day with `digits` decimals: 00:44:35.110. */
export function formatClock(startEpochNs: string, ts: RelativeNs, digits = 3): string {
  const ns = BigInt(startEpochNs) + BigInt(Math.round(ts));
  const date = new Date(Number(ns / 1_000_000n));
  const two = (n: number): string => String(n).padStart(2, '0');
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .slice(0, digits);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return digits === 0 ? clock : `${clock}.${fraction}`;
}
