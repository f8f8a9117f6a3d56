// SPDX-License-Identifier: Apache-2.0
// Command lines for sysdig and sonde, generated: each option with filters of all kinds, each field as a column, each operator on
// fields of each type. Deterministic: the same cases each time.

export type Case = readonly string[];

const FILTERS: readonly string[] = [
  '',
  'evt.type in (open, openat, close)',
  'evt.failed=true',
  'evt.is_io=true and fd.type=ipv4',
  'proc.name=python3 and not fd.name contains /usr',
  'fd.typechar=f and evt.dir=<',
  '(proc.name=cat or proc.name=ls) and evt.type!=mmap',
  'evt.buffer contains HTTP',
  'evt.latency > 100000',
];

const OPTIONS: readonly (readonly string[])[] = [
  [],
  ['-pc'],
  ['-pk'],
  ['-t', 'a'],
  ['-t', 'r'],
  ['-t', 'd'],
  ['-t', 'D'],
  ['-A'],
  ['-x'],
  ['-X'],
  ['-b'],
  ['-j'],
  ['-j', '-x'],
  ['-R'],
  ['-n', '57'],
  ['-D'],
  ['-d'],
  ['-v', '-q'],
];

/** Fields whose argument is needed, with one. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'evt.type.is': [],
  'evt.arg': [
    'evt.arg.fd',
    'evt.arg.res',
    'evt.arg.name',
    'evt.arg[0]',
    'evt.arg[1]',
    'evt.arg.flags',
    'evt.arg.data',
    'evt.arg.tuple',
  ],
  'evt.rawarg': ['evt.rawarg.res'],
  'evt.abspath': ['evt.abspath', 'evt.abspath.src', 'evt.abspath.dst'],
  'evt.around': [],
  'proc.aname': ['proc.aname[0]', 'proc.aname[1]', 'proc.aname[2]'],
  'proc.apid': ['proc.apid[0]', 'proc.apid[1]'],
  'proc.aexe': [],
  'proc.aexepath': [],
  'proc.acmdline': [],
  'proc.env': ['proc.env'],
  'thread.cgroup': ['thread.cgroup.pids', 'thread.cgroup.memory'],
  'container.mount': [],
  'container.mount.source': [],
  'container.mount.dest': [],
  'container.mount.mode': [],
  'container.mount.rdwr': [],
  'container.mount.propagation': [],
  'container.label': [],
};

/** Fields that Debian's sysdig gets wrong, or that are not of the event. */
const EXCLUDED: readonly RegExp[] = [
  /^(span|evtin|mesos|marathon)\./,
  // 2^32 times the number of threads
  /^group\.gid$/,
  // memory that was never written, where the descriptor is a socket
  /^fd\.dev/,
  // the machine that reads, not the one that was recorded
  /^(evt\.pluginname|evt\.plugininfo)$/,
  // never looked up there
  /^fd\.[cslr]ip\.name$/,
  // of current readers
  /^evt\.(hostname|is_async|asynctype)$/,
];

/** Values for filters, by field: operators are tried on all of them. */
const COMPARISONS: Readonly<
  Record<string, { readonly operators: readonly string[]; readonly values: readonly string[] }>
> = {
  'proc.name': {
    operators: ['=', '!=', 'contains', 'icontains', 'startswith', 'endswith', 'glob', '>', '<'],
    values: ['cat', 'PY', 'p*', "'py?hon3'"],
  },
  'fd.name': {
    operators: ['=', 'contains', 'icontains', 'startswith', 'endswith', 'glob'],
    values: ['/etc/hostname', '/usr', '127.0.0.1', '*.py', "'/srv/demo/*'"],
  },
  'proc.cmdline': { operators: ['contains', 'startswith'], values: ['calls.py', "'sort -r'"] },
  'evt.num': { operators: ['=', '!=', '<', '<=', '>', '>='], values: ['100', '1999'] },
  'evt.latency': { operators: ['<', '>=', '='], values: ['0', '50000'] },
  'evt.rawres': { operators: ['<', '>', '=', '!='], values: ['0', '-2', '3'] },
  'fd.num': { operators: ['=', '>', '<=', '!='], values: ['3', '-1', '0'] },
  'fd.port': { operators: ['=', '!='], values: ['80', '9'] },
  'fd.sport': { operators: ['=', '!=', '>', '<'], values: ['9', '40000'] },
  'fd.ip': { operators: ['=', '!='], values: ['127.0.0.1', '10.0.0.1'] },
  'fd.net': { operators: ['=', '!='], values: ['127.0.0.0/8', '10.0.0.0/24'] },
  'evt.cpu': { operators: ['=', '!=', '>'], values: ['0', '1'] },
  'evt.buffer': { operators: ['contains', 'icontains', 'startswith'], values: ['GET', 'text', 'ELF'] },
  'evt.arg.res': { operators: ['=', 'contains'], values: ['ENOENT', '0'] },
  'evt.rawarg.res': { operators: ['=', '<'], values: ['-2', '0'] },
  'user.name': { operators: ['=', '!='], values: ['root', 'nobody'] },
  'proc.pid': { operators: ['=', '>', '!='], values: ['1', '14440'] },
  'evt.dir': { operators: ['=', '!='], values: ["'>'", "'<'"] },
};

const LISTS: readonly string[] = [
  'proc.name in (cat, ls, sh)',
  'proc.name in (cat) and fd.name pmatch (/etc, /lib)',
  'fd.name pmatch (/usr/lib/python3.11)',
  'not proc.name in (python3, dd)',
  'fd.sport in (9, 80, 443)',
  'evt.type in (read, write) and evt.rawres > 0',
  'fd.num in (1, 2) or evt.type=execve',
  'proc.name exists and not fd.name exists',
  'fd.name exists',
  'evt.arg.name exists',
  'fd.ip in (127.0.0.1, 10.1.1.1)',
  'evt.is_io_read=true and evt.buflen > 10',
  'proc.aname=sh',
  'proc.aname[1]=sh and evt.type=close',
  'proc.apid=1',
  'evt.count=1 and evt.cpu=0',
  '(evt.type=read and (fd.num=3 or fd.num=4)) or (evt.type=write and not (fd.num=1))',
  'evt.type!=read and evt.type!=write and evt.type!=mmap and evt.type!=close',
  'evt.category=net',
  'evt.category in (file, process)',
  'syscall.type=openat and evt.failed=true',
  'evt.is_wait=true',
  'evt.is_open_read=true',
  'evt.is_open_write=true',
  'evt.arg.flags contains O_RDONLY',
  'evt.args contains notes.txt',
  'evt.info contains demo',
  'evt.res=ENOENT',
  'evt.res=SUCCESS and evt.type=connect',
  'evt.io_dir=r',
  'evt.io_dir=write',
  'fd.l4proto=udp',
  'fd.sockfamily=unix',
  'fd.directory=/srv/demo',
  'fd.filename=notes.txt',
  'fd.containerdirectory contains demo',
  'thread.ismain=true and evt.type=clone',
  'thread.ismain=false',
  'proc.nchilds > 0',
  'proc.args contains calls',
  'proc.exe=/usr/bin/sort or proc.exe=ls',
  'proc.cwd=/srv/demo/ and evt.type=write',
];

const FORMATS: readonly string[] = [
  '%evt.num %proc.name',
  '*%evt.num %fd.name %fd.type',
  '%12proc.name|%5fd.num|%-8evt.type',
  '%fd.name',
  '*%evt.time %evt.dir%evt.type(%evt.args)',
  'res=%evt.res raw=%evt.rawres',
  '%user.name:%user.uid %proc.cmdline',
  '*%fd.cip:%fd.cport -> %fd.sip:%fd.sport',
  'literal % percent %% %evt.cpu',
  '*%container.name %container.id %k8s.pod.name',
];

/** @param fields names that `sysdig -l` lists */
export function generate(fields: readonly string[]): Case[] {
  const cases: Case[] = [];
  const filter = (text: string): string[] => (text === '' ? [] : [text]);
  for (const options of OPTIONS) for (const text of FILTERS) cases.push([...options, ...filter(text)]);
  for (const format of FORMATS) {
    for (const text of FILTERS.slice(0, 5)) cases.push(['-p', format, ...filter(text)]);
    cases.push(['-j', '-p', format]);
  }
  for (const name of fields) {
    if (EXCLUDED.some((pattern) => pattern.test(name))) continue;
    for (const column of ARGUMENTS[name] ?? [name]) cases.push(['-p', `*%evt.num %${column}`]);
  }
  for (const [name, { operators, values }] of Object.entries(COMPARISONS))
    for (const operator of operators)
      for (const value of values) cases.push(['-p', '%evt.num', `${name} ${operator} ${value}`]);
  for (const text of LISTS) cases.push([text]);
  return cases;
}
