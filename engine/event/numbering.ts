// SPDX-License-Identifier: Apache-2.0
// Numbers the events of a stream, and sets its time 0: the same numbers on the command line, in the terminal and on the map, and
// the same that sysdig gives.
//
// A capture begins with events that tell of what was there before: containers, users, groups. They change the state and are never
// shown. Containers are numbered, users and groups are not.

import type { EventCursor } from './cursor.ts';
import { EVENT_TYPES } from './schema.ts';

const isContainer = EVENT_TYPES.map((type) => type.name === 'container');
const isPreamble = EVENT_TYPES.map((type) => /^(container|(user|group)(added|deleted))$/.test(type.name));

/** `uncounted`: takes no number. `hidden`: has a number, and is not shown. */
export type Standing = 'uncounted' | 'hidden' | 'shown';

export class Numbering {
  /** Number of the newest event. */
  count = 0;
  private inPreamble = true;
  private hasBase = false;

  /** The events of before are over: whatever comes now takes a number. */
  get inStream(): boolean {
    return !this.inPreamble;
  }

  /** A new section of the stream begins. */
  restart(): void {
    this.inPreamble = true;
  }

  /** Gives the event under the cursor its number and, if it is the first that really happened, its time 0. */
  next(cursor: EventCursor): Standing {
    this.inPreamble &&= isPreamble[cursor.code] === true;
    // what was there before is stamped with the time of its look-up, or not at all
    if (!this.hasBase && this.inPreamble) cursor.ts = 0;
    if (!this.inPreamble) {
      if (!this.hasBase) {
        cursor.setBase(cursor.epochNs);
        cursor.seek(cursor.start);
        this.hasBase = true;
      }
      cursor.num = ++this.count;
      return 'shown';
    }
    if (isContainer[cursor.code] !== true) {
      cursor.num = this.count;
      return 'uncounted';
    }
    cursor.num = ++this.count;
    return 'hidden';
  }

  /** The newest event takes its number back: it is ignored. */
  ignore(): void {
    this.count--;
  }
}
