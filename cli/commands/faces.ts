// SPDX-License-Identifier: Apache-2.0
// `sonde`, `sonde top`, `sonde web`, and what `npm start` runs: the terminal, the map, or both, on one engine.

import { existsSync } from 'node:fs';
import { checkLive } from '../../collector/live/support.ts';
import { InputError } from '../../engine/base/errors.ts';
import type { EngineClient } from '../../engine/query/api.ts';
import { describeFilterError } from '../../engine/filter/describe.ts';
import { formatSteps, parseSteps, type DrillPath } from '../../engine/query/drill.ts';
import type { WebServer } from '../../webui/server/app.ts';
import { startEngine } from '../engine-host.ts';
import { PAGE, SAMPLE } from '../installed.ts';
import { say } from '../output.ts';
import type { SourceOptions } from '../sources.ts';

export type FaceOptions = {
  readonly source: SourceOptions;
  readonly filter: string;
  /** Where to begin, as formatSteps() writes it. */
  readonly path?: string;
  readonly terminal: boolean;
  readonly web: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly showSecrets?: boolean;
};

/** Runs the faces until the user leaves. */
export async function runFaces(options: FaceOptions): Promise<number> {
  const crashed = (error: Error): void => {
    process.stderr.write(`sonde: the engine failed: ${error.stack ?? error.message}\n`);
    process.exit(70);
  };
  if (options.terminal && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new InputError('usage', 'sonde top needs a terminal; without one there is the map: sonde web');
  }
  const client = await startEngine(options.source, crashed);
  // whatever fails from here on: the engine's thread ends too
  try {
    return await onEngine(client, options);
  } finally {
    await client.close();
  }
}

async function onEngine(client: EngineClient, options: FaceOptions): Promise<number> {
  if (options.filter !== '') {
    const check = await client.checkFilter(options.filter);
    if (!check.ok) {
      say(`wrong filter: ${describeFilterError(options.filter, check)}`);
      return 2;
    }
  }
  const web = options.web ? await serveMap(client, options) : undefined;
  try {
    if (options.terminal) await terminal(client, options, web?.url);
    else await headless(web?.url ?? '');
  } finally {
    await web?.close();
  }
  return 0;
}

async function serveMap(client: EngineClient, { host, port, showSecrets }: FaceOptions): Promise<WebServer> {
  const { startWeb } = await import('../../webui/server/app.ts');
  if (host !== undefined && !/^(127\.|::1$|localhost$)/.test(host)) {
    say(`the map is served on ${host}: whoever has its address with the token sees everything here`);
  }
  return startWeb(client, {
    page: PAGE,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(showSecrets === undefined ? {} : { showSecrets }),
  });
}

async function terminal(
  client: EngineClient,
  options: FaceOptions,
  mapUrl: string | undefined,
): Promise<void> {
  const steps = options.path === undefined ? [{ view: 'containers' }] : parseSteps(options.path);
  const startPath: DrillPath = { steps, ...(options.filter === '' ? {} : { filter: options.filter }) };
  const { runTui } = await import('../../tui/app.ts');
  const { path } = await runTui(client, { startPath, ...(mapUrl === undefined ? {} : { mapUrl }) });
  const file = options.source.file === undefined ? '' : ` -r ${shellWord(options.source.file)}`;
  const filter = path.filter === undefined || path.filter === '' ? '' : ` ${shellWord(path.filter)}`;
  process.stdout.write(
    `To come back to this place: sonde top${file} --path ${shellWord(formatSteps(path.steps))}${filter}\n`,
  );
}

async function headless(url: string): Promise<void> {
  process.stdout.write(`The map is at ${url}\nCtrl-C ends it.\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What `npm start` does: live if this machine lets us, otherwise the sample, and says why. */
export function startSource(file: string | undefined): SourceOptions {
  if (file !== undefined) return { file };
  const support = checkLive();
  if (support.ok) return {};
  say(`live capture is not possible: ${support.reason}\n${support.remedy}`);
  if (!existsSync(SAMPLE)) return {};
  say(`Opening the sample capture instead (${SAMPLE}).`);
  return { file: SAMPLE };
}
