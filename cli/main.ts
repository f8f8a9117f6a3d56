// SPDX-License-Identifier: Apache-2.0
// The command line. Without a command, the options are sysdig's: `sonde -r FILE -p '%proc.name' evt.type=open`.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../engine/base/errors.ts';
import type { BufferMode } from '../engine/print/options.ts';
import { list, listEvents, listFields } from './commands/list.ts';
import { print, type PrintCommand } from './commands/print.ts';
import { say } from './output.ts';
import { version } from './installed.ts';

/** Wrong usage or wrong input; 1 is for what was fine to ask but went wrong. */
const USAGE = 2;
const FAILED = 1;

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function port(text: string): number {
  const number = whole(text);
  if (number > 65_535) throw new InvalidArgumentError('Ports go up to 65535.');
  return number;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

type PrintOptions = {
  read: string[];
  write?: string;
  print?: string;
  printAscii?: boolean;
  printBase64?: boolean;
  printHex?: boolean;
  printHexAscii?: boolean;
  timetype: PrintCommand['time'];
  json?: boolean;
  quiet?: boolean;
  summary?: boolean;
  verbose?: boolean;
  R?: boolean;
  unbuffered?: boolean;
  progress?: boolean;
  debug?: boolean;
  numevents?: number;
  snaplen?: number;
  suppressComm: string[];
  filterProclist?: boolean;
  fatfile?: boolean;
  duration?: number;
  follow?: boolean;
  displayflt?: boolean;
  list?: boolean;
  listEvents?: boolean;
  chisel?: string;
} & WriteOptions;

type WriteOptions = {
  compress?: boolean;
  native?: boolean;
  maskEnv?: boolean;
  excludeUsers?: boolean;
  fileSize?: number;
  fileEvents?: number;
  seconds?: number;
  limit?: number;
};

function recording({ compress, native, maskEnv, excludeUsers }: WriteOptions): PrintCommand['recording'] {
  return {
    compress: compress === true,
    native: native === true,
    maskEnv: maskEnv === true,
    excludeUsers: excludeUsers === true,
  };
}

function rotation({ fileSize, fileEvents, seconds, limit }: WriteOptions): PrintCommand['rotation'] {
  if (limit !== undefined && fileSize === undefined && fileEvents === undefined && seconds === undefined) {
    throw new InputError(
      'usage',
      '-W says how many files to keep: with -C, -e or -G, which say when the next one begins',
    );
  }
  return {
    ...(fileSize === undefined ? {} : { bytes: fileSize * 1e6 }),
    ...(fileEvents === undefined ? {} : { events: fileEvents }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(limit === undefined ? {} : { files: limit }),
  };
}

function writeOptions(command: Command): Command {
  return command
    .option('--filter-proclist', 'with -w: keep only those processes of the start that match the filter')
    .option('-z, --compress', 'with -w: gzip the capture')
    .option('-F, --fatfile', 'with -w: keep hidden what the state needs, such as the start of a process')
    .option(
      '-C, --file-size <MB>',
      'with -w: a new file when one has more than so many million bytes',
      positive,
    )
    .option('-e, --file-events <count>', 'with -w: a new file after so many events', positive)
    .option(
      '-G, --seconds <seconds>',
      'with -w: a new file after so many seconds; its name may have conversions of strftime, such as %H%M%S',
      positive,
    )
    .option('-W, --limit <count>', 'with -C, -e or -G: keep so many files, the newest', positive)
    .option('-M, --duration <seconds>', 'stop after so many seconds', positive)
    .option('-E, --exclude-users', 'with -w: leave out users and groups')
    .option('--mask-env', 'with -w: put stars in place of the values of environment variables')
    .option('--native', 'with -w: exits without enters; smaller, for sonde and current readers');
}

function positive(text: string): number {
  const number = whole(text);
  if (number === 0) throw new InvalidArgumentError('It must be at least 1.');
  return number;
}

function bufferMode(options: PrintOptions): BufferMode {
  if (options.printAscii === true) return 'ascii';
  if (options.printHexAscii === true) return 'hexAscii';
  if (options.printHex === true) return 'hex';
  return options.printBase64 === true ? 'base64' : 'short';
}

// -pc and -pk choose a default line; -p FORMAT is a format.
function form(format: string | undefined): PrintCommand['form'] {
  if (format === 'c' || format === 'container') return 'container';
  return format === 'k' || format === 'kubernetes' ? 'kubernetes' : 'plain';
}

async function printEvents(words: readonly string[], options: PrintOptions): Promise<number> {
  if (options.chisel !== undefined) throw new InputError('usage', `there is no chisel "${options.chisel}"`);
  if (options.list === true) {
    listFields(options.verbose === true);
    return 0;
  }
  if (options.listEvents === true) {
    listEvents();
    return 0;
  }
  const line = form(options.print);
  const { print: format, write, numevents, snaplen } = options;
  return print({
    files: options.read,
    filter: words.join(' '),
    form: line,
    buffers: bufferMode(options),
    time: options.timetype,
    json: options.json === true,
    quiet: options.quiet === true,
    summary: options.summary === true,
    verbose: options.verbose === true,
    portNames: options.R === true,
    unbuffered: options.unbuffered === true,
    progress: options.progress === true,
    debug: options.debug === true,
    suppress: options.suppressComm,
    filterProclist: options.filterProclist === true,
    recording: recording(options),
    rotation: rotation(options),
    fatFile: options.fatfile === true,
    follow: options.follow === true,
    displayFilter: options.displayflt === true,
    ...(options.duration === undefined ? {} : { duration: options.duration }),
    ...(format === undefined || line !== 'plain'
      ? {}
      : { format: format.replaceAll('\\n', '\n').replaceAll('\\t', '\t') }),
    ...(write === undefined ? {} : { write }),
    ...(numevents === undefined ? {} : { limit: numevents }),
    ...(snaplen === undefined ? {} : { snaplen }),
  });
}

type FaceArguments = {
  read?: string;
  path?: string;
  host?: string;
  port?: number;
  web?: boolean;
  showSecrets?: boolean;
  write?: string;
  snaplen?: number;
};

async function faces(
  words: readonly string[],
  options: FaceArguments,
  which: { readonly terminal: boolean; readonly web: boolean },
): Promise<number> {
  const { read, path, host, port, showSecrets, write, snaplen } = options;
  // terminal and web are loaded when they are wanted: printing starts without them
  const { runFaces } = await import('./commands/faces.ts');
  return runFaces({
    source: {
      ...(read === undefined ? {} : { file: read }),
      ...(write === undefined ? {} : { write }),
      ...(snaplen === undefined ? {} : { snaplen }),
    },
    filter: words.join(' '),
    ...which,
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(showSecrets === undefined ? {} : { showSecrets }),
  });
}

function faceOptions(command: Command): Command {
  return command
    .option('-r, --read <file>', 'a capture to read, in place of live events')
    .option('-w, --write <file>', 'record the events to a file too')
    .option('-s, --snaplen <bytes>', 'bytes of each I/O buffer to capture, live', whole)
    .option('--show-secrets', 'show cookies and authorization headers')
    .argument('[filter...]', 'only events that match');
}

function webOptions(command: Command): Command {
  return command
    .option('--port <port>', 'port of the map', port)
    .option('--host <address>', 'address of the map; anything but loopback lets others in');
}

/** Runs what `argv` (without node and script) asks for; the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('sonde')
    .description('See what a Linux machine does, from top to the headers of one request.')
    .version(version(), '--version')
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError();
  const does = (work: Promise<number> | number): Promise<void> =>
    Promise.resolve(work).then((result) => void (code = result));

  writeOptions(program)
    .usage('[options] [filter]      print events, as sysdig does')
    .addHelpText('after', '\nIn a terminal, without any option or argument, sonde is `sonde top`.\n')
    .argument('[filter...]', 'only events that match, such as evt.type=open and proc.name=nginx')
    .option(
      '-r, --read <file>',
      'read events from a capture (again for more); live otherwise; - is standard input',
      collect,
      [],
    )
    .option('-w, --write <file>', 'write the events to a capture')
    .option('-p, --print <format>', 'format of a line: %FIELD…; c or k for containers or Kubernetes')
    .option('-n, --numevents <count>', 'stop after so many events', whole)
    .addOption(
      new Option(
        '-t, --timetype <type>',
        'time: h of day, a absolute, r relative, d latency, D since the last line',
      )
        .choices(['h', 'a', 'r', 'd', 'D'])
        .default('h'),
    )
    .option('-A, --print-ascii', 'buffers as text')
    .option('-x, --print-hex', 'buffers in hex')
    .option('-X, --print-hex-ascii', 'buffers in hex and text')
    .option('-b, --print-base64', 'buffers in base64')
    .option('-j, --json', 'an object a line')
    .option('-v, --verbose', 'whole buffers, and totals at the end')
    .option('-q, --quiet', 'no lines')
    .option('-S, --summary', 'counts of events at the end')
    .option('-s, --snaplen <bytes>', 'bytes of each I/O buffer to capture, live', whole)
    .option('-R', 'names of ports in place of numbers')
    .option('-N', 'numbers of ports, as always without -R')
    .option('--follow', 'with -r: at the end of the file, wait for what is still to be written')
    .option(
      '-d, --displayflt',
      'filter what the state makes of the events; without it as sysdig, whose state a filter can harm',
    )
    .option('-D, --debug', 'show internal events too')
    .option('-P, --progress', 'show how far the file is read')
    .option('-U, --suppress-comm <name>', 'ignore all events of programs of this name', collect, [])
    .option('--unbuffered', 'write each line at once')
    .option('-l, --list', 'list the fields')
    .option('-L, --list-events', 'list the events')
    .option('-c, --chisel <name>', 'run a chisel')
    .action((words: string[], options: PrintOptions) => does(printEvents(words, options)));

  webOptions(faceOptions(program.command('top').description('the terminal: top, and down from there')))
    .option('--path <path>', 'where to begin')
    .option('--web', 'serve the map of the same events too')
    .action((words: string[], options: FaceArguments) =>
      does(faces(words, options, { terminal: true, web: options.web === true })),
    );
  webOptions(faceOptions(program.command('web').description('the map, in a browser'))).action(
    (words: string[], options: FaceArguments) => does(faces(words, options, { terminal: false, web: true })),
  );
  webOptions(
    faceOptions(
      program
        .command('start')
        .description('the terminal and the map; the sample capture where live is not possible'),
    ),
  ).action(async (words: string[], options: FaceArguments) => {
    const { startSource } = await import('./commands/faces.ts');
    const source = startSource(options.read);
    const terminal = process.stdin.isTTY && process.stdout.isTTY;
    await does(
      faces(
        words,
        { ...options, ...(source.file === undefined ? {} : { read: source.file }) },
        { terminal, web: true },
      ),
    );
  });
  writeOptions(program.command('record').description('record live events to a capture'))
    .requiredOption('-w, --write <file>', 'the capture to write')
    .option('-n, --numevents <count>', 'stop after so many events', whole)
    .option('-s, --snaplen <bytes>', 'bytes of each I/O buffer to capture', whole)
    .argument('[filter...]', 'only events that match')
    .action(
      (
        words: string[],
        options: WriteOptions &
          Pick<PrintOptions, 'write' | 'numevents' | 'snaplen' | 'filterProclist' | 'fatfile' | 'duration'>,
      ) => does(printEvents(words, { ...options, read: [], suppressComm: [], timetype: 'h', quiet: true })),
    );
  program
    .command('list')
    .description('list fields, events or views')
    .argument('<what>', 'fields, events or views')
    .option('-v, --verbose', 'with types')
    .action((what: string, options: { verbose?: boolean }) => does(list(what, options.verbose === true)));
  program
    .command('doctor')
    .description('what this machine allows, and what to do about the rest')
    .action(async () => {
      const { doctor } = await import('./commands/doctor.ts');
      await does(doctor());
    });

  // without a terminal to show it in, `sonde` prints, as sysdig does
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  await program.parseAsync(argv.length === 0 && isTerminal ? ['top'] : [...argv], { from: 'user' });
  return code;
}

const argv = process.argv.slice(2);
// a list that is cut by head is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
try {
  process.exitCode = await run(argv);
} catch (error: unknown) {
  process.exitCode = report(error);
}
// a read of standard input that still waits is no reason to stay
process.stdout.end(() => process.stderr.end(() => process.exit()));

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  if (error instanceof InputError) {
    say(error.message);
    return error.code === 'usage' ? USAGE : FAILED;
  }
  throw error;
}
