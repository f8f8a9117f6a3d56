// SPDX-License-Identifier: Apache-2.0
// proc.* and thread.*: the thread of the event and the processes around it.

import { InputError } from '../base/errors.ts';
import type { ByteText } from '../base/units.ts';
import { EVENT_TYPES } from '../event/schema.ts';
import type { EventContext } from '../state/context.ts';
import { FD_TYPES } from '../state/fd.ts';
import { capabilityNames, ExeFlag, type Capabilities } from '../state/program.ts';
import type { Thread } from '../state/thread.ts';
import {
  boundField,
  field,
  indexArg,
  type Bound,
  type Field,
  type FieldArg,
  type FieldClass,
  type FieldType,
  type Value,
} from './field.ts';

type Of = (thread: Thread, ctx: EventContext) => Value | undefined;

const PROCINFO = 234;
const MAX_DEPTH = 1000;

// ---- the family of a process ----

function* ancestors(ctx: EventContext): Generator<Thread> {
  if (ctx.thread === undefined) return;
  const seen = new Set<Thread>();
  let thread: Thread | undefined = ctx.mainThread(ctx.thread);
  while (thread !== undefined && !seen.has(thread) && seen.size < MAX_DEPTH) {
    yield thread;
    seen.add(thread);
    thread = ctx.parent(thread);
  }
}

function ancestor(ctx: EventContext, steps: number): Thread | undefined {
  let at = 0;
  for (const thread of ancestors(ctx)) if (at++ === steps) return thread;
  return undefined;
}

/** The thread that the event's own thread names as its parent. */
function parentOf(ctx: EventContext): Thread | undefined {
  return ctx.thread === undefined ? undefined : ctx.parent(ctx.thread);
}

/** Leader of the session, or the farthest ancestor that is in it. */
function sessionLeader(ctx: EventContext): Thread | undefined {
  const { thread } = ctx;
  return thread === undefined ? undefined : leaderOf(ctx, thread.sid, (other) => other.sid);
}

function groupLeader(ctx: EventContext): Thread | undefined {
  const { thread } = ctx;
  return thread === undefined ? undefined : leaderOf(ctx, thread.vpgid, (other) => other.vpgid);
}

function leaderOf(ctx: EventContext, id: number, idOf: (thread: Thread) => number): Thread | undefined {
  const leader = id >= 0 ? ctx.threadByTid(id) : undefined;
  if (leader !== undefined) return leader;
  let farthest: Thread | undefined;
  for (const thread of ancestors(ctx)) {
    if (idOf(thread) !== id) break;
    farthest = thread;
  }
  return farthest;
}

function loginShell(ctx: EventContext): number | undefined {
  let pid: number | undefined;
  for (const thread of ancestors(ctx)) if (thread.comm.endsWith('sh')) ({ pid } = thread);
  return pid;
}

// ---- text ----

const argsText = (thread: Thread): ByteText => thread.args.join(' ');
const commandLine = (thread: Thread): ByteText =>
  thread.args.length === 0 ? thread.comm : `${thread.comm} ${thread.args.join(' ')}`;
const known = (text: ByteText): ByteText | undefined => (text === '' ? undefined : text);

// ---- builders ----

function own(name: string, type: FieldType, description: string, of: Of): Field {
  return field(name, type, 'thread', description, (ctx) =>
    ctx.thread === undefined ? undefined : of(ctx.thread, ctx),
  );
}

function ofMain(name: string, type: FieldType, description: string, of: Of): Field {
  return own(name, type, description, (thread, ctx) => of(ctx.mainThread(thread), ctx));
}

function ofOther(
  name: string,
  type: FieldType,
  description: string,
  find: (ctx: EventContext) => Thread | undefined,
  of: Of,
): Field {
  return field(name, type, 'thread', description, (ctx) => {
    const other = find(ctx);
    return other === undefined ? undefined : of(other, ctx);
  });
}

/** One of the ancestors by number (0 is the process itself), or without argument any of them from the parent up. */
function ofAncestors(name: string, type: FieldType, description: string, of: Of): Field {
  const bind = (arg: FieldArg | undefined): Bound => {
    if (arg === undefined) {
      return {
        several: 'any',
        extractAll: (ctx) => {
          const values: Value[] = [];
          let first = true;
          for (const thread of ancestors(ctx)) {
            const value = first ? undefined : of(thread, ctx);
            if (value !== undefined) values.push(value);
            first = false;
          }
          return values;
        },
      };
    }
    const steps = indexArg(name, arg);
    return {
      extract: (ctx) => {
        const thread = ancestor(ctx, steps);
        return thread === undefined ? undefined : of(thread, ctx);
      },
    };
  };
  return boundField(name, type, 'thread', description, bind, { arg: 'optional' });
}

function variable(env: readonly ByteText[], name: ByteText): ByteText | undefined {
  const entry = env.find((text) => text.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

function standardFd(name: string, num: number, what: 'type' | 'name'): Field {
  return own(
    name,
    'CHARBUF',
    `${what === 'type' ? 'Kind' : 'Name'} of what descriptor ${num} is.`,
    (thread, ctx) => {
      const fd = ctx.fdTable(thread).get(num);
      if (fd === undefined) return undefined;
      return what === 'name' ? fd.name : FD_TYPES[fd.type]?.name;
    },
  );
}

const share = (ticks: number): number => Math.min(ticks, 100);

function cpu(name: string, description: string, of: (thread: Thread) => number): Field {
  return field(name, 'DOUBLE', 'history', description, (ctx) =>
    ctx.evt.code === PROCINFO && ctx.thread !== undefined ? share(of(ctx.thread)) : undefined,
  );
}

const isSwitch = EVENT_TYPES.map((type) => type.name === 'switch');
const leads = (id: number, thread: Thread): boolean => id === thread.vpid || id === thread.pid;
const KIB = 1024;

function programFields(): readonly Field[] {
  const flag = (name: string, bit: number, description: string): Field =>
    own(name, 'BOOL', description, ({ exeFile }) =>
      exeFile === undefined ? false : (exeFile.flags & bit) !== 0,
    );
  const rights = (name: string, kind: keyof Capabilities): Field =>
    own(
      `thread.cap_${name}`,
      'CHARBUF',
      `The ${name} capabilities, by name; nothing where the capture does not tell.`,
      (thread) =>
        thread.capabilities === undefined ? undefined : capabilityNames(thread.capabilities[kind]),
    );
  const startOf = (ctx: EventContext, thread: Thread): bigint | undefined =>
    thread.cloneTime === undefined ? undefined : ctx.evt.base + BigInt(thread.cloneTime);
  return [
    flag(
      'proc.is_exe_upper_layer',
      ExeFlag.UPPER_LAYER,
      'Whether the program file lies in the upper layer of an overlay: it is new or changed in the container.',
    ),
    flag(
      'proc.is_exe_lower_layer',
      ExeFlag.LOWER_LAYER,
      'Whether the program file lies in the lower layer of an overlay: it came with the image.',
    ),
    flag('proc.is_exe_from_memfd', ExeFlag.FROM_MEMFD, 'Whether the program is an anonymous file in memory.'),
    own(
      'proc.exe_ino',
      'INT64',
      'Number of the program file on its device.',
      ({ exeFile }) => exeFile?.inode,
    ),
    own(
      'proc.exe_ino.ctime',
      'ABSTIME',
      'When the inode of the program file was last changed, in nanoseconds since 1970.',
      ({ exeFile }) => exeFile?.changed,
    ),
    own(
      'proc.exe_ino.mtime',
      'ABSTIME',
      'When the program file was last written, in nanoseconds since 1970.',
      ({ exeFile }) => exeFile?.modified,
    ),
    own(
      'proc.exe_ino.ctime_duration_proc_start',
      'ABSTIME',
      'Nanoseconds from the last change of the program file to the start of the process.',
      ({ exeFile }, ctx) => {
        const start = ctx.thread === undefined ? undefined : startOf(ctx, ctx.thread);
        return exeFile === undefined || start === undefined || start < exeFile.changed
          ? undefined
          : start - exeFile.changed;
      },
    ),
    own(
      'proc.exe_ino.ctime_duration_pidns_start',
      'ABSTIME',
      'Nanoseconds from the start of the pid namespace to a later change of the program file.',
      ({ exeFile, pidnsStart }) =>
        exeFile === undefined || pidnsStart === 0n || exeFile.changed < pidnsStart
          ? undefined
          : exeFile.changed - pidnsStart,
    ),
    own(
      'proc.pidns_init_start_ts',
      'UINT64',
      'When the first process of the pid namespace was started, in nanoseconds since 1970.',
      ({ pidnsStart }) => (pidnsStart === 0n ? undefined : pidnsStart),
    ),
    rights('permitted', 'permitted'),
    rights('inheritable', 'inheritable'),
    rights('effective', 'effective'),
  ];
}

export const PROCESS: FieldClass = {
  name: 'process',
  title: 'the process and thread that made the call',
  fields: [
    own(
      'proc.exe',
      'CHARBUF',
      'First argument of the command line: what was asked to run.',
      (thread) => thread.exe,
    ),
    ofOther('proc.pexe', 'CHARBUF', 'proc.exe of the parent.', parentOf, (thread) => thread.exe),
    ofAncestors(
      'proc.aexe',
      'CHARBUF',
      'proc.exe of an ancestor: [1] is the parent; without number any of them.',
      (thread) => thread.exe,
    ),
    own('proc.exepath', 'CHARBUF', 'Full path of the program.', (thread) => known(thread.exepath)),
    ofOther('proc.pexepath', 'CHARBUF', 'proc.exepath of the parent.', parentOf, (thread) =>
      known(thread.exepath),
    ),
    ofAncestors('proc.aexepath', 'CHARBUF', 'proc.exepath of an ancestor.', (thread) =>
      known(thread.exepath),
    ),
    own(
      'proc.name',
      'CHARBUF',
      'Name of the program, as the kernel keeps it (15 bytes).',
      (thread) => thread.comm,
    ),
    ofOther('proc.pname', 'CHARBUF', 'proc.name of the parent.', parentOf, (thread) => thread.comm),
    ofAncestors(
      'proc.aname',
      'CHARBUF',
      'proc.name of an ancestor: [1] is the parent; without number any of them.',
      (thread) => thread.comm,
    ),
    boundField(
      'proc.args',
      'CHARBUF',
      'thread',
      'Arguments of the command line; [n] is one of them.',
      (arg) => {
        if (arg === undefined)
          return { extract: ({ thread }) => (thread === undefined ? undefined : argsText(thread)) };
        const index = indexArg('proc.args', arg);
        return { extract: ({ thread }) => thread?.args[index] };
      },
      { arg: 'optional' },
    ),
    ofAncestors('proc.aargs', 'CHARBUF', 'proc.args of an ancestor.', argsText),
    own('proc.cmdline', 'CHARBUF', 'Name and arguments.', commandLine),
    ofOther('proc.pcmdline', 'CHARBUF', 'proc.cmdline of the parent.', parentOf, commandLine),
    ofAncestors('proc.acmdline', 'CHARBUF', 'proc.cmdline of an ancestor.', commandLine),
    own('proc.cmdnargs', 'UINT64', 'Number of arguments.', (thread) => thread.args.length),
    own('proc.cmdlenargs', 'UINT64', 'Length of all arguments.', (thread) =>
      thread.args.reduce((sum, arg) => sum + arg.length, 0),
    ),
    own(
      'proc.exeline',
      'CHARBUF',
      'proc.exe and arguments.',
      (thread) => `${thread.exe} ${argsText(thread)}`,
    ),
    boundField(
      'proc.env',
      'CHARBUF',
      'thread',
      'Environment of the process; [NAME] is the value of one variable.',
      (arg) => {
        if (arg === undefined)
          return {
            extract: (ctx) =>
              ctx.thread === undefined ? undefined : ctx.mainThread(ctx.thread).env.join(' '),
          };
        return {
          extract: (ctx) =>
            ctx.thread === undefined ? undefined : variable(ctx.mainThread(ctx.thread).env, arg.text),
        };
      },
      { arg: 'optional' },
    ),
    boundField(
      'proc.aenv',
      'CHARBUF',
      'thread',
      'Environment of the ancestors; [NAME] is the value of one variable, [n] all of one ancestor.',
      (arg) => ({
        several: 'any',
        extractAll: (ctx) => {
          const values: ByteText[] = [];
          let depth = 0;
          for (const thread of ancestors(ctx)) {
            const value =
              arg === undefined
                ? thread.env.join(' ')
                : /^\d+$/.test(arg.text)
                  ? Number(arg.text) === depth
                    ? thread.env.join(' ')
                    : undefined
                  : variable(thread.env, arg.text);
            if (value !== undefined && (depth > 0 || arg?.text === '0')) values.push(value);
            depth++;
          }
          return values;
        },
      }),
      { arg: 'optional' },
    ),
    ofMain('proc.cwd', 'CHARBUF', 'Working directory.', (main) => main.cwd),
    field(
      'proc.loginshellid',
      'INT64',
      'thread',
      'Pid of the oldest shell among the ancestors: what a user did in one login has the same.',
      loginShell,
    ),
    own(
      'proc.tty',
      'UINT32',
      'Number of the controlling terminal, 0 if there is none.',
      (thread) => thread.tty,
    ),
    own('proc.pid', 'INT64', 'Number of the process.', (thread) => thread.pid),
    ofMain('proc.ppid', 'INT64', 'Number of the parent.', (main) => main.ptid),
    ofAncestors(
      'proc.apid',
      'INT64',
      'proc.pid of an ancestor: [1] is the parent; without number any of them.',
      (thread) => thread.pid,
    ),
    own('proc.vpid', 'INT64', 'Number of the process in its own pid namespace.', (thread) =>
      thread.vpid === -1 ? undefined : thread.vpid,
    ),
    ofOther('proc.pvpid', 'INT64', 'proc.vpid of the parent.', parentOf, (thread) =>
      thread.vpid === -1 ? undefined : thread.vpid,
    ),
    own('proc.sid', 'INT64', 'Session.', (thread) => thread.sid),
    ofOther('proc.sname', 'CHARBUF', 'Name of the session leader.', sessionLeader, (thread) => thread.comm),
    ofOther(
      'proc.sid.exe',
      'CHARBUF',
      'proc.exe of the session leader.',
      sessionLeader,
      (thread) => thread.exe,
    ),
    ofOther('proc.sid.exepath', 'CHARBUF', 'proc.exepath of the session leader.', sessionLeader, (thread) =>
      known(thread.exepath),
    ),
    own(
      'proc.vpgid',
      'INT64',
      'Process group, in the pid namespace of the process.',
      (thread) => thread.vpgid,
    ),
    ofOther(
      'proc.vpgid.name',
      'CHARBUF',
      'Name of the process group leader.',
      groupLeader,
      (thread) => thread.comm,
    ),
    ofOther(
      'proc.vpgid.exe',
      'CHARBUF',
      'proc.exe of the process group leader.',
      groupLeader,
      (thread) => thread.exe,
    ),
    ofOther(
      'proc.vpgid.exepath',
      'CHARBUF',
      'proc.exepath of the process group leader.',
      groupLeader,
      (thread) => known(thread.exepath),
    ),
    own('proc.pgid', 'INT64', 'Process group.', (thread) => thread.vpgid),
    ofOther(
      'proc.pgid.name',
      'CHARBUF',
      'Name of the process group leader.',
      groupLeader,
      (thread) => thread.comm,
    ),
    ofOther(
      'proc.pgid.exe',
      'CHARBUF',
      'proc.exe of the process group leader.',
      groupLeader,
      (thread) => thread.exe,
    ),
    ofOther(
      'proc.pgid.exepath',
      'CHARBUF',
      'proc.exepath of the process group leader.',
      groupLeader,
      (thread) => known(thread.exepath),
    ),
    own(
      'proc.duration',
      'RELTIME',
      'Time since the process was started, in nanoseconds; nothing if that was before the capture.',
      (thread, ctx) => (thread.cloneTime === undefined ? undefined : ctx.evt.ts - thread.cloneTime),
    ),
    ofOther(
      'proc.ppid.duration',
      'RELTIME',
      'Time since the parent was started, in nanoseconds.',
      parentOf,
      (thread, ctx) => (thread.cloneTime === undefined ? undefined : ctx.evt.ts - thread.cloneTime),
    ),
    own(
      'proc.pid.ts',
      'RELTIME',
      'When the process was started, in nanoseconds since the capture began.',
      (thread) => thread.cloneTime,
    ),
    ofOther(
      'proc.ppid.ts',
      'RELTIME',
      'When the parent was started, in nanoseconds since the capture began.',
      parentOf,
      (thread) => thread.cloneTime,
    ),
    own(
      'proc.is_exe_writable',
      'BOOL',
      'Whether the user of the process may write its program file.',
      (thread) => thread.exeWritable,
    ),
    ...programFields(),
    own('proc.is_sid_leader', 'BOOL', 'Whether the process leads its session.', (thread) =>
      leads(thread.sid, thread),
    ),
    own('proc.is_vpgid_leader', 'BOOL', 'Whether the process leads its process group.', (thread) =>
      leads(thread.vpgid, thread),
    ),
    own('proc.is_pgid_leader', 'BOOL', 'Whether the process leads its process group.', (thread) =>
      leads(thread.vpgid, thread),
    ),
    own(
      'proc.fdopencount',
      'UINT64',
      'Number of open descriptors.',
      (thread, ctx) => ctx.fdTable(thread).size,
    ),
    ofMain(
      'proc.fdlimit',
      'INT64',
      'Highest number of descriptors that the process may open.',
      (main) => main.fdlimit,
    ),
    own('proc.fdusage', 'DOUBLE', 'Open descriptors in percent of the limit.', (thread, ctx) => {
      const limit = ctx.mainThread(thread).fdlimit;
      return limit > 0 ? (ctx.fdTable(thread).size * 100) / limit : 0;
    }),
    own('proc.vmsize', 'UINT64', 'Virtual memory in kB.', (thread) => thread.vmSize),
    own('proc.vmrss', 'UINT64', 'Resident memory in kB.', (thread) => thread.vmRss),
    own('proc.vmswap', 'UINT64', 'Swapped memory in kB.', (thread) => thread.vmSwap),
    own(
      'thread.pfmajor',
      'UINT64',
      'Page faults that had to read from disk.',
      (thread) => thread.majorFaults,
    ),
    own('thread.pfminor', 'UINT64', 'Page faults that memory could answer.', (thread) => thread.minorFaults),
    field(
      'thread.tid',
      'INT64',
      'event',
      'Number of the thread.',
      ({ evt, thread }) => thread?.tid ?? (evt.tid < 0 ? undefined : evt.tid),
    ),
    own(
      'thread.ismain',
      'BOOL',
      'Whether the thread is the first of its process.',
      (thread) => thread.isMain,
    ),
    own('thread.vtid', 'INT64', 'Number of the thread in its own pid namespace.', (thread) =>
      thread.vtid === -1 ? undefined : thread.vtid,
    ),
    own(
      'thread.nametid',
      'CHARBUF',
      'Name and number of the thread.',
      (thread) => `${thread.comm}${thread.tid}`,
    ),
    field(
      'thread.exectime',
      'RELTIME',
      'history',
      'On switch events: how long the thread was on the processor, in nanoseconds.',
      ({ evt, thread }) =>
        thread === undefined ? undefined : isSwitch[evt.code] === true ? thread.execTime : 0,
    ),
    field(
      'thread.totexectime',
      'RELTIME',
      'history',
      'How long the thread was on the processor since the capture began, in nanoseconds.',
      ({ thread }) => thread?.totalExecTime,
    ),
    own('thread.cgroups', 'CHARBUF', 'All cgroups of the thread.', (thread) =>
      known(thread.cgroups.map(([name, path]) => `${name}=${path}`).join(' ')),
    ),
    boundField(
      'thread.cgroup',
      'CHARBUF',
      'thread',
      'Cgroup of one subsystem: thread.cgroup.memory.',
      (arg) => {
        if (arg === undefined || arg.bracket)
          throw new InputError('bad-argument', 'thread.cgroup wants a subsystem: thread.cgroup.memory');
        return { extract: ({ thread }) => thread?.cgroups.find(([name]) => name === arg.text)?.[1] };
      },
      { arg: 'required' },
    ),
    ofMain('proc.nthreads', 'UINT64', 'Number of threads of the process.', (main) => main.childCount + 1),
    own(
      'proc.nchilds',
      'UINT64',
      'Number of threads besides this one, on the first thread of a process.',
      (thread) => thread.childCount,
    ),
    cpu(
      'thread.cpu',
      'CPU time of the last second, in percent of one processor (on samples).',
      (thread) => thread.cpuUserDelta + thread.cpuSystemDelta,
    ),
    cpu('thread.cpu.user', 'User part of thread.cpu.', (thread) => thread.cpuUserDelta),
    cpu('thread.cpu.system', 'System part of thread.cpu.', (thread) => thread.cpuSystemDelta),
    own(
      'thread.vmsize',
      'UINT64',
      'Virtual memory in kB, on the first thread of a process; 0 on others.',
      (thread) => (thread.isMain ? thread.vmSize : 0),
    ),
    own(
      'thread.vmrss',
      'UINT64',
      'Resident memory in kB, on the first thread of a process; 0 on others.',
      (thread) => (thread.isMain ? thread.vmRss : 0),
    ),
    own(
      'thread.vmsize.b',
      'UINT64',
      'Virtual memory in bytes, on the first thread of a process; 0 on others.',
      (thread) => (thread.isMain ? thread.vmSize * KIB : 0),
    ),
    own(
      'thread.vmrss.b',
      'UINT64',
      'Resident memory in bytes, on the first thread of a process; 0 on others.',
      (thread) => (thread.isMain ? thread.vmRss * KIB : 0),
    ),
    standardFd('proc.stdin.type', 0, 'type'),
    standardFd('proc.stdout.type', 1, 'type'),
    standardFd('proc.stderr.type', 2, 'type'),
    standardFd('proc.stdin.name', 0, 'name'),
    standardFd('proc.stdout.name', 1, 'name'),
    standardFd('proc.stderr.name', 2, 'name'),
  ],
};
