// SPDX-License-Identifier: Apache-2.0
// Captures that are beside a developer's checkout but not in the repository.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of a shared capture, or undefined where there is none: the test then skips and says so. */
export function sharedCapture(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/captures/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
