// SPDX-License-Identifier: Apache-2.0
// Bundles the map's page into dist/webui/page.

import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);
const from = (path) => fileURLToPath(new URL(path, root));

mkdirSync(from('dist/webui/page'), { recursive: true });
await build({
  entryPoints: { map: from('webui/client/main.ts') },
  bundle: true,
  minify: true,
  sourcemap: true,
  format: 'esm',
  target: 'es2022',
  outdir: from('dist/webui/page'),
  logLevel: 'warning',
  legalComments: 'none',
});
for (const file of ['index.html', 'map.css', 'icon.svg'])
  copyFileSync(from(`webui/client/${file}`), from(`dist/webui/page/${file}`));
