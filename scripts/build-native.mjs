// SPDX-License-Identifier: Apache-2.0
// Builds the native part (npm's install step). Replay needs none of it: where the tools are missing, it says so and goes on.
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../binding.gyp', import.meta.url))) {
  console.log('sonde: no native part in this version; captures can be read, live capture is not available.');
  process.exit(0);
}
