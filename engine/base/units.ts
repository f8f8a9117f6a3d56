// SPDX-License-Identifier: Apache-2.0
// Unit types: what a number counts, and from where.

/**
 * Nanoseconds since the first event of the capture (live: since the capture began). A plain number, exact for 104 days; may be
 * slightly negative, since CPUs deliver their events nearly, not exactly, in order.
 */
export type RelativeNs = number;

/** A length of time in nanoseconds. */
export type DurationNs = number;

/** Nanoseconds since 1970-01-01 00:00 UTC: only at the edges (files, JSON), never per event. */
export type EpochNs = bigint;

/** A number of bytes. */
export type Bytes = number;

/**
 * Text as it was captured: one character for each byte (0..255). The kernel knows no encodings, and filters and the classic
 * output work on bytes; text.ts turns it into what a person may safely see.
 */
export type ByteText = string;
