// SPDX-License-Identifier: Apache-2.0
// CPU time of threads, once a second, as procinfo events: only of those whose time changed.

import { ByteWriter } from '../../engine/base/bytes.ts';
import { writeEvent } from '../../engine/event/encode.ts';
import { list, readText } from './procfs.ts';

const PROCINFO = 234;

// utime and stime are the 14th and 15th field; the name before them may hold anything
const TIMES = /\) \S(?: -?\d+){10} (\d+) (\d+)(?: -?\d+){4} (\d+)/;

export class CpuSamples {
  private readonly last = new Map<number, number>();
  private readonly skip: number;

  /** @param skip a process to leave out: sonde itself */
  constructor(skip: number) {
    this.skip = skip;
  }

  /** Event blocks for all threads that used CPU time since the last call; the first call gives all, as a base. */
  take(): Uint8Array {
    const writer = new ByteWriter();
    const now = BigInt(Date.now()) * 1_000_000n;
    const seen = new Set<number>();
    for (const name of list('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === this.skip) continue;
      const times = TIMES.exec(readText(`/proc/${name}/stat`));
      if (times === null) continue;
      const total = Number(times[1]) + Number(times[2]);
      // the sum of a process is not that of its first thread: key it apart
      if (this.last.get(-pid) === total) {
        seen.add(pid);
        continue;
      }
      this.last.set(-pid, total);
      if (Number(times[3]) === 1) this.sample(writer, pid, times, now);
      else
        for (const tid of list(`/proc/${name}/task`))
          this.sample(writer, Number(tid), TIMES.exec(readText(`/proc/${name}/task/${tid}/stat`)), now);
      seen.add(pid);
    }
    for (const key of this.last.keys()) if (key < 0 && !seen.has(-key)) this.last.delete(key);
    return writer.bytes();
  }

  private sample(writer: ByteWriter, tid: number, times: RegExpExecArray | null, ts: bigint): void {
    if (times === null) return;
    writeEvent(writer, { code: PROCINFO, ts, tid, params: [Number(times[1]), Number(times[2])] });
  }
}
