// SPDX-License-Identifier: Apache-2.0
// The addon's typed face. Nothing else loads it.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export type CaptureOptions = {
  /** Bytes of each I/O buffer, at most 16384. */
  readonly snaplen: number;
  /** All rings together. */
  readonly ringBytes: number;
};

export type CaptureStats = {
  readonly events: number;
  readonly ringFull: number;
  readonly tooBig: number;
  readonly noMemory: number;
  /** Calls through the 32-bit interface. */
  readonly compat: number;
  /** Given out after an event that came later. */
  readonly late: number;
  /** Instructions of all programs, as the kernel's verifier counted them. */
  readonly instructions: number;
};

/** What the addon throws: errno and the last words of libbpf. */
export type CaptureFailure = Error & { readonly errno?: number; readonly log?: string };

export interface Capture {
  start(): void;
  /** Bytes of whole event blocks written into the batch; 0 = nothing new. */
  drain(batch: Uint8Array): number;
  stats(): CaptureStats;
  close(): void;
}

type Addon = { readonly Capture: new (options: CaptureOptions) => Capture };

const require = createRequire(import.meta.url);

// from dist/collector when built, from collector when the sources run themselves (tests)
const PLACES = ['../../build/Release/sonde.node', '../build/Release/sonde.node'];

/** The addon, or undefined where it was not built. */
export function loadAddon(): Addon | undefined {
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(path)) return require(path) as Addon;
  }
  return undefined;
}
