// SPDX-License-Identifier: Apache-2.0
// Where events come from, as the engine sees it: live, a file, or a test. Nothing behind this can tell which.
//
//   snapshot (what existed at the start)  ▶  batches of whole event blocks, nearly in time order  ▶  end
//
// A batch is a run of whole scap event blocks, exactly as they stand in a file:
//
//   u32 block type │ u32 total length │ u16 cpu │ [u32 flags] │ event header │ lengths │ values │ pad to 4 │ [options] │ u32 total length
//
// So the recorder appends a live batch to a file unchanged, and the reader hands out windows of a file unchanged. What a live
// event has beyond the format travels as pcapng options after the event, which every scap reader skips.

import type { ByteText, EpochNs } from '../base/units.ts';
import type { Capabilities, ExeFile } from '../state/program.ts';

/** Block types that hold events. */
export const BlockType = {
  EV: 0x204,
  EVF: 0x208,
  EV_V2: 0x216,
  EVF_V2: 0x217,
  EV_V2_LARGE: 0x221,
  EVF_V2_LARGE: 0x222,
} as const;

/** Options after an event (u16 code, u16 length, value, padded to 4; ended by 0,0). The high bit marks local use in pcapng. */
export const EventOption = {
  END: 0,
  /** u64: nanoseconds from the call's enter to its exit. On live exit events. */
  LATENCY: 0x8001,
  /** i64: what the call returned. On live exits of calls that the format has no event of its own for. */
  RESULT: 0x8002,
  /** Bytes: the path that such a call was given. */
  TARGET: 0x8003,
  /**
   * The event that a generic one stands for, where sysdig 0.29.3 has none for the call: u16 code, u16 0, u32 count, lengths, values.
   */
  ORIGINAL: 0x8004,
} as const;

/** One open descriptor at the start. Types and values are those of the format (fd_types). */
export type SnapshotFd = {
  readonly fd: number;
  readonly type: number;
  readonly inode: bigint;
  /** Files: path; unix sockets: path; others: a descriptive name. Unused by IPv4 and IPv6 sockets. */
  readonly name: ByteText;
  /** Files: scap open flags and device number. */
  readonly openFlags?: number;
  readonly device?: number;
  /** Sockets: addresses as raw bytes (4 or 16) in network order, l4 protocol by the format's numbers. Server sockets: source only. */
  readonly sourceIp?: Uint8Array;
  readonly destIp?: Uint8Array;
  readonly sourcePort?: number;
  readonly destPort?: number;
  readonly l4?: number;
  /** Unix sockets: kernel addresses. */
  readonly sourceAddress?: bigint;
  readonly destAddress?: bigint;
};

/** One thread at the start. */
export type SnapshotThread = {
  readonly tid: number;
  readonly pid: number;
  readonly ptid: number;
  readonly sid: number;
  readonly vpgid: number;
  readonly comm: ByteText;
  /** argv[0] */
  readonly exe: ByteText;
  readonly exepath: ByteText;
  /** argv[1..] */
  readonly args: readonly ByteText[];
  readonly env: readonly ByteText[];
  readonly cwd: ByteText;
  readonly root: ByteText;
  readonly fdlimit: number;
  /** scap thread flags (CLONE_THREAD and CLONE_FILES on threads that are not the leader) */
  readonly flags: number;
  readonly uid: number;
  readonly gid: number;
  readonly loginuid: number;
  readonly vtid: number;
  readonly vpid: number;
  /** kB */
  readonly vmSize: number;
  readonly vmRss: number;
  readonly vmSwap: number;
  readonly majorFaults: number;
  readonly minorFaults: number;
  /** `subsys=path` */
  readonly cgroups: readonly ByteText[];
  readonly tty: number;
  readonly exeWritable: boolean;
  readonly exeFile?: ExeFile;
  readonly capabilities?: Capabilities;
  /** Start of its pid namespace, nanoseconds since the boot. */
  readonly pidnsStart?: bigint;
  /** Descriptors; threads that share their leader's table have none of their own. */
  readonly fds: readonly SnapshotFd[];
};

export type SnapshotUser = {
  readonly uid: number;
  readonly gid: number;
  readonly name: ByteText;
  readonly home: ByteText;
  readonly shell: ByteText;
};

export type SnapshotGroup = { readonly gid: number; readonly name: ByteText };

export type SnapshotInterface = {
  readonly name: ByteText;
  /** 4 or 16 bytes in network order, all three */
  readonly address: Uint8Array;
  readonly netmask: Uint8Array;
  readonly broadcast: Uint8Array;
  readonly linkSpeed: bigint;
};

/** The machine as it was when the capture began. */
export type Snapshot = {
  readonly machine: {
    readonly cpus: number;
    readonly memory: bigint;
    readonly maxPid: bigint;
    readonly hostname: ByteText;
    readonly bootTime: EpochNs;
  };
  readonly threads: readonly SnapshotThread[];
  readonly users: readonly SnapshotUser[];
  readonly groups: readonly SnapshotGroup[];
  readonly interfaces: readonly SnapshotInterface[];
};

export type SourceItem =
  /** The state from here on; comes first, and again at the start of each further section of a file. */
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Whole event blocks; valid until the next call of next(). */
  | { readonly kind: 'events'; readonly bytes: Uint8Array }
  /** Live: nothing new at the moment. */
  | { readonly kind: 'idle' };

/** Events that could not be kept, by cause. */
export type Drops = Readonly<Record<string, number>>;

export type SourceStats = {
  /** Events handed out so far. */
  readonly events: number;
  readonly drops: Drops;
  /** Files: how much of it is read, 0..1. Live: undefined. */
  readonly progress?: number;
  /** Own cost, live: CPU share of the collector 0..1 of one core since the last call. */
  readonly cpu?: number;
};

export interface EventSource {
  readonly kind: 'live' | 'file' | 'test';
  /** File name, or host name when live. */
  readonly name: string;
  /**
   * The next item; undefined at the end. Waits (up to some 100 ms) when live and nothing is there.
   *
   * @throws CaptureError after all whole events before the damage were handed out
   */
  next(): Promise<SourceItem | undefined>;
  stats(): SourceStats;
  close(): Promise<void>;
}
