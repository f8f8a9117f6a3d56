// SPDX-License-Identifier: Apache-2.0
// Which source a command reads: a file, or this machine live, and perhaps a recorder behind it.

import { FileSource } from '../collector/capture/file-source.ts';
import { recorded } from '../collector/recorder.ts';
import type { EventSource } from '../engine/event/source.ts';

/** Plain data, so that it can go to the worker. */
export type SourceOptions = {
  /** Capture to read; live if absent. */
  readonly file?: string;
  /** At the end of the file, wait for what is still to be written. */
  readonly follow?: boolean;
  /** Capture to write. */
  readonly write?: string;
  /** Bytes of each I/O buffer to capture, live. */
  readonly snaplen?: number;
};

/** @throws InputError, CaptureError, CollectorError: one sentence each */
export async function openSource(options: SourceOptions): Promise<EventSource> {
  const source =
    options.file === undefined ? await live(options) : await FileSource.open(options.file, options);
  if (options.write === undefined) return source;
  try {
    return recorded(source, options.write);
  } catch (error: unknown) {
    await source.close();
    throw error;
  }
}

// The addon is loaded only where it is needed: captures are read without it.
async function live(options: SourceOptions): Promise<EventSource> {
  const { openLive } = await import('../collector/live/live-source.ts');
  return openLive(options.snaplen === undefined ? {} : { snaplen: options.snaplen });
}
