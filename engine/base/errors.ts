// SPDX-License-Identifier: Apache-2.0
// Errors that a person can mend: each says what was wrong, where, and what to do. Our own mistakes are plain exceptions.

/** Wrong input of some kind: a capture, a filter, an option. `message` is one sentence to show as it is. */
export class InputError extends Error {
  /** Short stable word for tests and JSON, such as `truncated` or `unknown-field`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A capture file that is no capture, is damaged, or ends early. */
export class CaptureError extends InputError {
  /** Where, in bytes of the (uncompressed) capture. */
  readonly offset: number;

  constructor(code: string, message: string, offset: number) {
    super(code, message);
    this.offset = offset;
  }
}

/** A filter or format that does not parse, or names what does not exist. */
export class FilterError extends InputError {
  /** Where in the text, in characters from its start. */
  readonly position: number;
  /** How many characters are wrong, at least 1. */
  readonly span: number;
  /** What was probably meant. */
  readonly suggestion: string | undefined;

  constructor(code: string, message: string, position: number, span = 1, suggestion?: string) {
    super(code, message);
    this.position = position;
    this.span = span;
    this.suggestion = suggestion;
  }
}

/** Live capture that cannot start or go on. */
export class CollectorError extends InputError {
  /** Positive errno of the call that failed, 0 if none did. */
  readonly errno: number;

  constructor(code: string, message: string, errno = 0) {
    super(code, message);
    this.errno = errno;
  }
}
