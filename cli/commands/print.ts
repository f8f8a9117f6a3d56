// SPDX-License-Identifier: Apache-2.0
// `sonde -r FILE [FILTER]`: events as lines, as sysdig prints them, and events into a file.

import { Recorder, type RecorderOptions } from '../../collector/recorder.ts';
import { RotatingRecorder, type RotationOptions } from '../../collector/rotation.ts';
import { CaptureError, FilterError, InputError } from '../../engine/base/errors.ts';
import { toByteText } from '../../engine/base/text.ts';
import type { EpochNs } from '../../engine/base/units.ts';
import { EventCursor, STATE_ONLY } from '../../engine/event/cursor.ts';
import { encodeEvent } from '../../engine/event/encode.ts';
import { Numbering } from '../../engine/event/numbering.ts';
import { EVENT_TYPES, EventFlag } from '../../engine/event/schema.ts';
import type { EventSource, Snapshot } from '../../engine/event/source.ts';
import { isInternal, typeName } from '../../engine/field/event-types.ts';
import type { FieldEnv } from '../../engine/field/field.ts';
import { compileFilter, type CompiledFilter } from '../../engine/filter/compile.ts';
import { describeFilterError } from '../../engine/filter/describe.ts';
import { compileFormat, defaultFormat, type OutputFormat } from '../../engine/print/format.ts';
import type { BufferMode } from '../../engine/print/options.ts';
import type { Container } from '../../engine/state/container.ts';
import { Look, Machine, makesPairs, neverRead } from '../../engine/state/machine.ts';
import { saveSnapshot } from '../../engine/state/save.ts';
import { LineWriter, OutputClosed, say } from '../output.ts';
import { portName, resolveHost, servicePort } from '../services.ts';
import { openSource } from '../sources.ts';

export type PrintCommand = {
  /** Captures to read one after the other; none = live. */
  readonly files: readonly string[];
  readonly filter: string;
  readonly write?: string;
  readonly format?: string;
  readonly form: 'plain' | 'container' | 'kubernetes';
  readonly buffers: BufferMode;
  readonly time: FieldEnv['time'];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly summary: boolean;
  readonly verbose: boolean;
  readonly portNames: boolean;
  readonly unbuffered: boolean;
  readonly progress: boolean;
  readonly debug: boolean;
  /** With -w: how the file is written, and when the next one begins. */
  readonly recording: RecorderOptions;
  readonly rotation: RotationOptions;
  /** With -w: events that do not match, but change the state, are written too, and marked as not to be shown. */
  readonly fatFile: boolean;
  /** Write only those processes of the start that match the filter. */
  readonly filterProclist: boolean;
  /** Shown events, and seconds of the stream, after which to stop. */
  readonly limit?: number;
  readonly duration?: number;
  /** Wait for more at the end of the file. */
  readonly follow: boolean;
  /** Filter what the state makes of the events; otherwise as sysdig does, before it, where events change none. */
  readonly displayFilter: boolean;
  readonly snaplen?: number;
  /** Names of programs whose events are ignored. */
  readonly suppress: readonly string[];
};

const modifiesState = EVENT_TYPES.map(
  (type) => ((type.flags | (type.classic?.flags ?? 0)) & EventFlag.MODIFIES_STATE) !== 0,
);
const GENERIC_ENTER = 0;

/** @throws InputError for what the user can mend */
export async function print(command: PrintCommand): Promise<number> {
  const env = environment(command);
  const filter =
    command.filter === ''
      ? undefined
      : explained('filter', command.filter, (text) => compileFilter(text, env));
  const format = explained('format', toByteText(command.format ?? defaultFormat(command.form)), (text) =>
    compileFormat(text, env),
  );
  const run = new Run(command, filter, format);
  const files = command.files.length === 0 ? [undefined] : command.files;
  const stop = (): void => run.stop();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    for (const file of files) {
      if (run.stopped) break;
      await run.read(
        await openSource({
          ...(file === undefined ? {} : { file }),
          ...(command.snaplen === undefined ? {} : { snaplen: command.snaplen }),
          follow: command.follow,
        }),
      );
    }
  } catch (error: unknown) {
    if (!(error instanceof CaptureError)) throw error;
    run.finish();
    say(error.message);
    return 1;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    run.close();
  }
  run.finish();
  return 0;
}

/** Whether there are enters among these events. */
function hasPairs(bytes: Uint8Array): boolean {
  const cursor = new EventCursor();
  cursor.load(bytes);
  while (cursor.next()) if (makesPairs[cursor.code] === 1) return true;
  return false;
}

/** Whether a filter holds for a thread at an event that says nothing but its number. */
function matchesThread(filter: CompiledFilter, machine: Machine, tid: number): boolean {
  const cursor = new EventCursor();
  cursor.load(encodeEvent({ code: GENERIC_ENTER, ts: 0n, tid, params: [0, 0] }));
  cursor.next();
  machine.apply(cursor);
  return filter.test(machine);
}

/** Shows where in the text a mistake is. */
function explained<T>(what: string, text: string, compile: (text: string) => T): T {
  try {
    return compile(text);
  } catch (error: unknown) {
    if (!(error instanceof FilterError)) throw error;
    throw new InputError('usage', `wrong ${what}: ${describeFilterError(text, error)}`);
  }
}

function environment(command: PrintCommand): FieldEnv {
  const { buffers, verbose, json } = command;
  return {
    print: {
      buffers: buffers === 'short' && (verbose || json) ? 'full' : buffers,
      layout: 'classic',
      ...(command.portNames ? { portName } : {}),
    },
    time: command.time,
    width: process.stdout.isTTY ? process.stdout.columns : 0,
    servicePort,
    resolveHost,
  };
}

/** What Run writes to: one file, or one after the other. */
type Recording = {
  /** Where a section of the stream is one of the file. */
  section?(snapshot: Snapshot): void;
  /** Where whole batches can be taken. */
  events?(bytes: Uint8Array): void;
  event(block: Uint8Array, ts: EpochNs, stateOnly: boolean): void;
  flush(): void;
  close(): void;
};

class SingleFile implements Recording {
  private readonly recorder: Recorder;

  constructor(recorder: Recorder) {
    this.recorder = recorder;
  }

  section(snapshot: Snapshot): void {
    this.recorder.section(snapshot);
  }

  events(bytes: Uint8Array): void {
    this.recorder.events(bytes);
  }

  event(block: Uint8Array, _ts: EpochNs, stateOnly: boolean): void {
    if (stateOnly) this.recorder.stateOnly(block);
    else this.recorder.events(block);
  }

  flush(): void {
    this.recorder.flush();
  }

  close(): void {
    this.recorder.close();
  }
}

const CONTAINER_JSON = 324;

function containerEvent(container: Container, ts: EpochNs): Uint8Array {
  return encodeEvent({
    code: CONTAINER_JSON,
    ts,
    tid: -1,
    params: [JSON.stringify({ container: container.json })],
  });
}

/** Codes of the events that somebody looks at; undefined if it is all of them, whatever the filter says. */
function askedCodes(command: PrintCommand, filter: CompiledFilter | undefined): Uint8Array | undefined {
  const { fatFile, suppress, write, limit, summary, verbose, debug } = command;
  if (fatFile || suppress.length > 0 || (filter === undefined && write !== undefined)) return undefined;
  const counted = write !== undefined || limit !== undefined || summary || verbose || debug;
  const unread = neverRead(`${command.filter} ${command.format ?? ''}`);
  return Uint8Array.from(EVENT_TYPES, ({ code }) =>
    (filter === undefined || filter.codes[code] === 1 || (debug && isInternal[code] === true)) &&
    (counted || isInternal[code] !== true)
      ? Look.WHOLE
      : unread[code] === 1
        ? Look.NEVER
        : Look.STATE,
  );
}

class Run {
  stopped = false;
  private readonly machine = new Machine({ classic: true });
  private readonly cursor = new EventCursor();
  private readonly writer: LineWriter;
  private readonly recorder: Recording | undefined;
  private began: Snapshot | undefined;
  private readonly counts = new Map<string, number>();
  private readonly suppressed: ReadonlySet<string>;
  private readonly started = performance.now();
  private source: EventSource | undefined;
  private readonly numbering = new Numbering();
  private shown = 0;
  private skipped = 0;
  private drops: Record<string, number> = {};
  private progressShown = 0;
  private readonly command: PrintCommand;
  private readonly filter: CompiledFilter | undefined;
  private readonly format: OutputFormat;
  /** Codes of the events that the filter has to be asked about; undefined = all, and for other reasons than the filter too. */
  private readonly asked: Uint8Array | undefined;

  constructor(command: PrintCommand, filter: CompiledFilter | undefined, format: OutputFormat) {
    this.command = command;
    this.filter = filter;
    this.format = format;
    this.writer = new LineWriter({ unbuffered: command.unbuffered });
    this.recorder = this.startRecording();
    this.asked = askedCodes(command, filter);
    this.suppressed = new Set(command.suppress.map(toByteText));
  }

  stop(): void {
    this.stopped = true;
  }

  private startRecording(): Recording | undefined {
    const { write, rotation, recording } = this.command;
    if (write === undefined) return undefined;
    const { bytes, events, seconds } = rotation;
    if (bytes === undefined && events === undefined && seconds === undefined) {
      return new SingleFile(new Recorder(write, recording));
    }
    const { machine } = this;
    return new RotatingRecorder(
      write,
      rotation,
      recording,
      () => this.toRecord(saveSnapshot(machine, this.began as Snapshot)),
      () =>
        [...machine.containers.values()].map((container) => containerEvent(container, machine.evt.epochNs)),
    );
  }

  async read(source: EventSource): Promise<void> {
    this.source = source;
    try {
      while (!this.stopped) {
        const item = await source.next();
        if (item === undefined) break;
        if (item.kind === 'snapshot') {
          this.numbering.restart();
          this.machine.load(item.snapshot);
          this.began = item.snapshot;
          this.recorder?.section?.(this.toRecord(item.snapshot));
        } else if (item.kind === 'events') {
          this.batch(item.bytes);
        }
        // lines are seen when they are there, not when a buffer is full
        if (source.kind === 'live' || item.kind === 'idle') {
          this.writer.flush();
          this.recorder?.flush();
          const { duration } = this.command;
          if (duration !== undefined && performance.now() - this.started > duration * 1000) break;
        }
        if (this.command.progress) this.showProgress(source);
      }
    } catch (error: unknown) {
      // a reader that has gone (head, less) is no error
      if (!(error instanceof OutputClosed)) throw error;
      this.stopped = true;
    } finally {
      for (const [cause, count] of Object.entries(source.stats().drops))
        this.drops[cause] = (this.drops[cause] ?? 0) + count;
      await source.close();
    }
  }

  /** A list of processes holds command lines and environments of all: what has nothing to do with the filter can be left out. */
  private toRecord(snapshot: Snapshot): Snapshot {
    const { filter, machine } = this;
    if (filter === undefined || !this.command.filterProclist) return snapshot;
    const threads = snapshot.threads.filter(({ tid }) => matchesThread(filter, machine, tid));
    // who has none of these processes is nobody's business either
    return {
      ...snapshot,
      threads,
      users: snapshot.users.filter(({ uid }) => uid === 0 || threads.some((thread) => thread.uid === uid)),
      groups: snapshot.groups.filter(({ gid }) => gid === 0 || threads.some((thread) => thread.gid === gid)),
    };
  }

  private batch(bytes: Uint8Array): void {
    const { cursor, machine, filter, recorder } = this;
    if (this.cursor.num === 0) machine.inPairs = hasPairs(bytes);
    cursor.load(bytes);
    const { limit, duration } = this.command;
    const whole =
      recorder?.events !== undefined && filter === undefined && limit === undefined && duration === undefined;
    if (whole) recorder.events?.(bytes);
    const end = duration === undefined ? Infinity : duration * 1e9;
    const { asked, numbering } = this;
    const filterFirst = filter !== undefined && !this.command.displayFilter && machine.inPairs;
    for (;;) {
      if (asked !== undefined && numbering.inStream)
        numbering.count += machine.pass(cursor, asked, filterFirst);
      if (!cursor.next()) return;
      const standing = numbering.next(cursor);
      if (standing === 'shown' && cursor.ts >= end) {
        this.stopped = true;
        return;
      }
      let matches = true;
      if (filter === undefined || !filterFirst || standing !== 'shown') machine.apply(cursor);
      else matches = machine.applyFiltered(cursor, filter.test);
      if (
        this.suppressed.size > 0 &&
        machine.thread !== undefined &&
        this.suppressed.has(machine.thread.comm)
      ) {
        this.numbering.ignore();
        this.skipped++;
        continue;
      }
      if (standing !== 'shown') {
        if (recorder !== undefined && !whole) this.record(false);
        continue;
      }
      if (filter !== undefined && !filterFirst) matches = filter.test(machine);
      // internal events are shown to whoever asks for them, whatever the filter
      if (!matches && !(this.command.debug && isInternal[cursor.code] === true)) {
        if (recorder !== undefined && this.command.fatFile && modifiesState[cursor.code] === true)
          this.record(true);
        continue;
      }
      if (recorder !== undefined && !whole) this.record(false);
      if ((cursor.dumpFlags & STATE_ONLY) !== 0) continue;
      if (this.command.summary) this.count();
      const visible = isInternal[cursor.code] !== true || this.command.debug;
      // sysdig counts for -n what passes the filter, internal events included; live, where those are our own, only what shows
      if (visible || this.source?.kind === 'file') this.shown++;
      if (visible && !this.command.quiet && recorder === undefined) this.line();
      if (this.shown === this.command.limit) {
        this.stopped = true;
        return;
      }
    }
  }

  private record(stateOnly: boolean): void {
    const { bytes, start, end, epochNs } = this.cursor;
    this.recorder?.event(bytes.subarray(start, end), epochNs, stateOnly);
  }

  private line(): void {
    if (this.command.json) {
      const text = this.format.json(this.machine);
      if (text !== undefined) this.writer.line(text);
    } else if (this.format.put(this.machine, this.writer.sink)) {
      this.writer.end();
    }
  }

  private count(): void {
    const name = `${(this.cursor.code & 1) === 1 ? '<' : '>'} ${typeName(this.machine)}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  private showProgress(source: EventSource): void {
    const now = performance.now();
    const { progress } = source.stats();
    if (progress === undefined || (now - this.progressShown < 250 && progress < 1)) return;
    this.progressShown = now;
    const left =
      progress > 0.01 ? ` (${Math.ceil(((now - this.started) / 1000) * (1 / progress - 1))} s left)` : '';
    process.stderr.write(`\r${(progress * 100).toFixed(2)}%${left}    `);
  }

  /** What follows the events. */
  finish(): void {
    try {
      if (this.command.summary) this.writeSummary();
      this.writer.flush();
    } catch (error: unknown) {
      if (!(error instanceof OutputClosed)) throw error;
    }
    if (this.command.progress) process.stderr.write('\n');
    const lost = Object.entries(this.drops).filter(([, count]) => count > 0);
    if (lost.length > 0) say(`events lost: ${lost.map(([cause, count]) => `${count} ${cause}`).join(', ')}`);
    if (this.command.verbose) this.writeTotals();
  }

  private writeSummary(): void {
    const rule = '----------------------';
    this.writer.line(`${rule}\nEvent           #Calls\n${rule}`);
    for (const [name, count] of [...this.counts].sort((a, b) => b[1] - a[1]))
      this.writer.line(`${name.padEnd(18)}${count}`);
  }

  private writeTotals(): void {
    const seconds = (performance.now() - this.started) / 1000;
    const lost = Object.values(this.drops).reduce((sum, count) => sum + count, 0);
    process.stderr.write(
      `Driver Events:${this.source?.kind === 'live' ? this.numbering.count + lost : 0}\nDriver Drops:${lost}\nSuppressed by Comm:${this.skipped}\n` +
        `Elapsed time: ${seconds.toFixed(3)}, Captured Events: ${this.shown}, ${(this.shown / seconds).toFixed(2)} eps\n`,
    );
  }

  close(): void {
    this.recorder?.close();
  }
}
