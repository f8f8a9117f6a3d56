// SPDX-License-Identifier: Apache-2.0
// `sonde doctor`: what this machine allows, and what to do about the rest.

import { checkLive } from '../../collector/live/support.ts';

export function doctor(): number {
  const support = checkLive();
  process.stdout.write(`captures    can be read, filtered and explored\n`);
  if (support.ok) {
    process.stdout.write('live        works here\n');
    return 0;
  }
  process.stdout.write(`live        not possible: ${support.reason}\n            ${support.remedy}\n`);
  return 1;
}
