// SPDX-License-Identifier: Apache-2.0
// What lies in the folder that sonde was installed in.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Of a file in dist/cli, and in dist/bin where it is bundled. */
const ROOT = new URL('../../', import.meta.url);

/** The capture that comes with sonde: what there is to see where live capture cannot be had. */
export const SAMPLE = fileURLToPath(new URL('test/fixtures/captures/sample.scap.gz', ROOT));

/** The built page of the map. */
export const PAGE = fileURLToPath(new URL('dist/webui/page/', ROOT));

/** Version of sonde, as package.json has it. */
export function version(): string {
  const text = readFileSync(new URL('package.json', ROOT), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
