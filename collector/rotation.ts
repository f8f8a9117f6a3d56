// SPDX-License-Identifier: Apache-2.0
// A recording in several files: a new one after so many bytes, events or seconds, and perhaps only the last few kept. Each is a
// whole capture: it begins with the state as it is then.

import { unlinkSync } from 'node:fs';
import type { DurationNs, EpochNs } from '../engine/base/units.ts';
import type { Snapshot } from '../engine/event/source.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';

export type RotationOptions = {
  /** A file is full when it has more bytes than this. */
  readonly bytes?: number;
  readonly events?: number;
  readonly seconds?: number;
  /** Files to keep: older ones are overwritten, or removed where names have the time. */
  readonly files?: number;
};

/** Whether the path names its time: it has a conversion of strftime. */
export const hasTime = (path: string): boolean => /%[A-Za-z]/.test(path);

export class RotatingRecorder {
  private readonly path: string;
  private readonly rotation: RotationOptions;
  private readonly options: RecorderOptions;
  private readonly state: () => Snapshot;
  /** Containers that are known, as whole events. */
  private readonly containers: () => readonly Uint8Array[];
  private current: Recorder | undefined;
  private index = 0;
  private began: EpochNs = 0n;
  private inFile = 0;
  private readonly written: string[] = [];

  /** @param state how the machine is, at the event that is written next */
  constructor(
    path: string,
    rotation: RotationOptions,
    options: RecorderOptions,
    state: () => Snapshot,
    containers: () => readonly Uint8Array[],
  ) {
    this.path = path;
    this.rotation = rotation;
    this.options = options;
    this.state = state;
    this.containers = containers;
  }

  /** @param block an event; @param ts its time */
  event(block: Uint8Array, ts: EpochNs, stateOnly = false): void {
    const recorder = this.fileFor(ts);
    // containers that were there before have no time
    if (this.began === 0n) this.began = ts;
    if (stateOnly) {
      recorder.stateOnly(block);
    } else {
      recorder.events(block);
      this.inFile++;
    }
  }

  private fileFor(ts: EpochNs): Recorder {
    const { current } = this;
    if (current !== undefined && !this.isFull(current, ts)) return current;
    current?.close();
    const path = this.nextPath(ts);
    const recorder = new Recorder(path, this.options);
    recorder.section(this.state());
    // before the first event, containers are told as what is known already
    if (current !== undefined) for (const block of this.containers()) recorder.events(block);
    this.current = recorder;
    this.began = ts;
    this.inFile = 0;
    return recorder;
  }

  private isFull(recorder: Recorder, ts: EpochNs): boolean {
    const { bytes, events, seconds } = this.rotation;
    const age: DurationNs = Number(ts - this.began);
    return (
      (events !== undefined && this.inFile >= events) ||
      (bytes !== undefined && recorder.size > bytes) ||
      (seconds !== undefined && age >= seconds * 1e9)
    );
  }

  private nextPath(ts: EpochNs): string {
    const { files } = this.rotation;
    if (!hasTime(this.path)) {
      const index = files === undefined ? this.index : this.index % files;
      this.index++;
      return `${this.path}${index}`;
    }
    let path = timed(this.path, ts);
    // the same second again: the clock of the machine was set back, or files fill faster than names change
    if (this.written.includes(path)) path = `${path}.${this.index++}`;
    this.written.push(path);
    if (files !== undefined && this.written.length > files) remove(this.written.shift() as string);
    return path;
  }

  flush(): void {
    this.current?.flush();
  }

  /** @throws InputError `cannot-write` */
  close(): void {
    this.current?.close();
    this.current = undefined;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // somebody took it away
  }
}

const two = (number: number): string => String(number).padStart(2, '0');

const CONVERSIONS: Readonly<Record<string, (date: Date, epoch: EpochNs) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  s: (_date, epoch) => String(epoch / 1_000_000_000n),
  j: (date) => {
    const first = new Date(date.getFullYear(), 0, 1);
    return String(Math.round((date.getTime() - first.getTime()) / 86_400_000 + 0.5)).padStart(3, '0');
  },
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  F: (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
  T: (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
  D: (date) => `${two(date.getMonth() + 1)}-${two(date.getDate())}-${two(date.getFullYear() % 100)}`,
};

/** The path with its conversions of strftime filled in, in local time; unknown ones stay. */
function timed(path: string, ts: EpochNs): string {
  const date = new Date(Number(ts / 1_000_000n));
  return path.replace(/%([A-Za-z%])/g, (whole, letter: string) =>
    letter === '%' ? '%' : (CONVERSIONS[letter]?.(date, ts) ?? whole),
  );
}
