// SPDX-License-Identifier: Apache-2.0
// The blocks before the first event: machine, interfaces, users, threads, descriptors. Read and written side by side, so that a
// layout stands once. All versions are read; the writer emits those that old and current readers share.

import { ByteReader, type ByteWriter } from '../../engine/base/bytes.ts';
import type { ByteText } from '../../engine/base/units.ts';
import type {
  Snapshot,
  SnapshotFd,
  SnapshotGroup,
  SnapshotInterface,
  SnapshotThread,
  SnapshotUser,
} from '../../engine/event/source.ts';
import { FdType } from '../../engine/state/fd.ts';
import { ExeFlag } from '../../engine/state/program.ts';

/** NUL-separated strings; the last may lack its NUL. */
function splitStrings(text: ByteText): ByteText[] {
  if (text === '') return [];
  const parts = text.split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function joinStrings(strings: readonly ByteText[], limit: number): ByteText {
  let text = '';
  for (const string of strings) {
    if (text.length + string.length + 1 > limit) break;
    text += `${string}\0`;
  }
  return text;
}

// Where a sized entry ends. One that does not lead on, or leads out of its list, is damaged.
function endOf(reader: ByteReader, size: number, start: number): number {
  const end = start + size;
  if (end <= reader.at || end > reader.end) throw new RangeError('an entry has an impossible size');
  return end;
}

// ---- machine info ----

export type Machine = Snapshot['machine'];

export const UNKNOWN_MACHINE: Machine = { cpus: 0, memory: 0n, maxPid: 0n, hostname: '', bootTime: 0n };

export function readMachine(reader: ByteReader): Machine {
  const cpus = reader.u32();
  const memory = reader.u64();
  const maxPid = reader.u64();
  const name = reader.text(128);
  const nul = name.indexOf('\0');
  return { cpus, memory, maxPid, hostname: nul < 0 ? name : name.slice(0, nul), bootTime: reader.u64() };
}

export function writeMachine(writer: ByteWriter, machine: Machine): void {
  writer.u32(machine.cpus);
  writer.u64(machine.memory);
  writer.u64(machine.maxPid);
  writer.text(machine.hostname.slice(0, 127).padEnd(128, '\0'));
  writer.u64(machine.bootTime);
  writer.u64(0n);
  writer.u64(0n);
  writer.u64(0n);
}

// ---- interfaces ----

export function readInterfaces(reader: ByteReader, sized: boolean): SnapshotInterface[] {
  const list: SnapshotInterface[] = [];
  while (reader.left >= 4) {
    const next = sized ? endOf(reader, reader.u32(), reader.at) : -1;
    const type = reader.u16();
    const nameLength = reader.u16();
    const size = type === 2 || type === 4 ? 16 : 4;
    const address = reader.data(size);
    const netmask = reader.data(size);
    const broadcast = reader.data(size);
    const linkSpeed = type <= 2 ? reader.u64() : 0n;
    list.push({ name: reader.text(nameLength), address, netmask, broadcast, linkSpeed });
    if (next >= 0) reader.at = next;
  }
  return list;
}

export function writeInterfaces(writer: ByteWriter, list: readonly SnapshotInterface[]): void {
  for (const item of list) {
    const size = item.address.length;
    const name = item.name.slice(0, 1024);
    writer.u32(4 + 3 * size + 8 + name.length);
    writer.u16(size === 16 ? 2 : 1);
    writer.u16(name.length);
    writer.data(item.address);
    writer.data(item.netmask);
    writer.data(item.broadcast);
    writer.u64(item.linkSpeed);
    writer.text(name);
  }
}

// ---- users ----

export function readUsers(
  reader: ByteReader,
  sized: boolean,
): { users: SnapshotUser[]; groups: SnapshotGroup[] } {
  const users: SnapshotUser[] = [];
  const groups: SnapshotGroup[] = [];
  while (reader.left >= 4) {
    const start = reader.at;
    const next = sized ? endOf(reader, reader.u32(), start) : -1;
    if (reader.u8() === 0) {
      const uid = reader.u32();
      const gid = reader.u32();
      users.push({ uid, gid, name: reader.str16(), home: reader.str16(), shell: reader.str16() });
    } else {
      const gid = reader.u32();
      groups.push({ gid, name: reader.str16() });
    }
    if (next >= 0) reader.at = next;
  }
  return { users, groups };
}

export function writeUsers(
  writer: ByteWriter,
  users: readonly SnapshotUser[],
  groups: readonly SnapshotGroup[],
): void {
  for (const user of users) {
    const start = writer.length;
    writer.u32(0);
    writer.u8(0);
    writer.u32(user.uid);
    writer.u32(user.gid);
    writer.str16(user.name, 255);
    writer.str16(user.home, 255);
    writer.str16(user.shell, 255);
    writer.patchU32(start, writer.length - start);
  }
  for (const group of groups) {
    const start = writer.length;
    writer.u32(0);
    writer.u8(1);
    writer.u32(group.gid);
    writer.str16(group.name, 255);
    writer.patchU32(start, writer.length - start);
  }
}

// ---- threads ----

export type ThreadWithoutFds = Omit<SnapshotThread, 'fds'>;

const NONE32 = 0xffffffff;

/** @param version 1 (the first sysdig) … 9 (sized entries) */
export function readThreads(reader: ByteReader, version: number): ThreadWithoutFds[] {
  const list: ThreadWithoutFds[] = [];
  while (reader.left >= 4) {
    const start = reader.at;
    const next = version >= 9 ? endOf(reader, reader.u32(), start) : -1;
    const tid = reader.i64();
    const pid = reader.i64();
    const ptid = reader.i64();
    const sid = version >= 6 ? reader.i64() : -1;
    const vpgid = version >= 8 ? reader.i64() : -1;
    const comm = reader.str16();
    const exe = reader.str16();
    const exepath = version >= 7 ? reader.str16() : '';
    const args = splitStrings(reader.str16());
    const cwd = reader.str16();
    const fdlimit = reader.i64();
    const flags = reader.u32();
    const uid = reader.u32();
    const gid = reader.u32();
    const vmSize = version >= 2 ? reader.u32() : 0;
    const vmRss = version >= 2 ? reader.u32() : 0;
    const vmSwap = version >= 2 ? reader.u32() : 0;
    const majorFaults = version >= 2 ? reader.i64() : 0;
    const minorFaults = version >= 2 ? reader.i64() : 0;
    const env = version >= 3 ? splitStrings(reader.str16()) : [];
    const vtid = version >= 4 ? reader.i64() : -1;
    const vpid = version >= 4 ? reader.i64() : -1;
    const cgroups = version >= 4 ? splitStrings(reader.str16()) : [];
    const root = version >= 5 ? reader.str16() : '';
    const tail = next >= 0 ? readTail(new ByteReader(reader.bytes, reader.at, next)) : NO_TAIL;
    if (next >= 0) reader.at = next;
    list.push({
      tid, pid, ptid, sid, vpgid, comm, exe, exepath, args, env, cwd, root, fdlimit, flags, uid, gid,
      vtid, vpid, vmSize, vmRss, vmSwap, majorFaults, minorFaults, cgroups, ...tail,
    }); // prettier-ignore
  }
  return list;
}

type Tail = Pick<
  SnapshotThread,
  'tty' | 'loginuid' | 'exeWritable' | 'exeFile' | 'capabilities' | 'pidnsStart'
>;
const NO_TAIL: Tail = { tty: 0, loginuid: NONE32, exeWritable: false };

const SHORT_TAIL = 29;

// Up to 29 bytes: loginuid, exe_writable and capabilities. Longer: start of the pid namespace and tty, then these, then the program
// file. A tail may end after any field.
function readTail(reader: ByteReader): Tail {
  const long = reader.left > SHORT_TAIL;
  const pidnsStart = long ? reader.u64() : 0n;
  const tty = long ? reader.u32() : 0;
  const loginuid = reader.left >= 4 ? reader.u32() : NONE32;
  const exeWritable = reader.left >= 1 ? reader.u8() !== 0 : false;
  const tail = { tty, loginuid, exeWritable, ...(pidnsStart === 0n ? {} : { pidnsStart }) };
  if (reader.left < 24) return tail;
  const capabilities = { inheritable: reader.u64(), permitted: reader.u64(), effective: reader.u64() };
  // our own files have zeros where nothing is known
  const known = long || capabilities.permitted !== 0n || capabilities.inheritable !== 0n;
  const rights = known ? { capabilities } : {};
  if (reader.left < 25) return { ...tail, ...rights };
  let flags = exeWritable ? ExeFlag.WRITABLE : 0;
  if (reader.u8() !== 0) flags |= ExeFlag.UPPER_LAYER;
  const [inode, changed, modified] = [reader.u64(), reader.u64(), reader.u64()];
  if (reader.left >= 1 && reader.u8() !== 0) flags |= ExeFlag.FROM_MEMFD;
  if (reader.left >= 1 && reader.u8() !== 0) flags |= ExeFlag.LOWER_LAYER;
  const exeFile = inode === 0n ? {} : { exeFile: { inode, changed, modified, flags } };
  return { ...tail, ...rights, ...exeFile };
}

export function writeThreads(writer: ByteWriter, threads: readonly ThreadWithoutFds[]): void {
  for (const thread of threads) {
    const start = writer.length;
    writer.u32(0);
    writer.i64(thread.tid);
    writer.i64(thread.pid);
    writer.i64(thread.ptid);
    writer.i64(thread.sid);
    writer.i64(thread.vpgid);
    writer.str16(thread.comm, 1024);
    writer.str16(thread.exe, 1024);
    writer.str16(thread.exepath, 1024);
    writer.str16(joinStrings(thread.args, 4096));
    writer.str16(thread.cwd, 1024);
    writer.i64(thread.fdlimit);
    writer.u32(thread.flags);
    writer.u32(thread.uid);
    writer.u32(thread.gid);
    writer.u32(thread.vmSize);
    writer.u32(thread.vmRss);
    writer.u32(thread.vmSwap);
    writer.i64(thread.majorFaults);
    writer.i64(thread.minorFaults);
    writer.str16(joinStrings(thread.env, 4096));
    writer.i64(thread.vtid);
    writer.i64(thread.vpid);
    writer.str16(joinStrings(thread.cgroups, 4096));
    writer.str16(thread.root, 1024);
    // the 29-byte tail that readers of every age understand
    writer.u32(thread.loginuid);
    writer.u8(thread.exeWritable ? 1 : 0);
    writer.u64(thread.capabilities?.inheritable ?? 0n);
    writer.u64(thread.capabilities?.permitted ?? 0n);
    writer.u64(thread.capabilities?.effective ?? 0n);
    writer.patchU32(start, writer.length - start);
  }
}

// ---- descriptors ----

export function readFds(reader: ByteReader, sized: boolean): { tid: number; fds: SnapshotFd[] } {
  const tid = reader.i64();
  const fds: SnapshotFd[] = [];
  while (reader.left >= 4) {
    const start = reader.at;
    const next = sized ? endOf(reader, reader.u32(), start) : -1;
    fds.push(readFd(new ByteReader(reader.bytes, reader.at, next >= 0 ? next : reader.end), reader, next));
  }
  return { tid, fds };
}

function readFd(entry: ByteReader, outer: ByteReader, next: number): SnapshotFd {
  const fd = entry.i64();
  const inode = entry.u64();
  const type = entry.u8();
  let result: SnapshotFd;
  switch (type) {
    case FdType.IPV4_SOCK:
    case FdType.IPV6_SOCK: {
      const size = type === FdType.IPV4_SOCK ? 4 : 16;
      const sourceIp = entry.data(size);
      const destIp = entry.data(size);
      const sourcePort = entry.u16();
      const destPort = entry.u16();
      result = { fd, type, inode, name: '', sourceIp, destIp, sourcePort, destPort, l4: entry.u8() };
      break;
    }
    case FdType.IPV4_SERVSOCK:
    case FdType.IPV6_SERVSOCK: {
      const sourceIp = entry.data(type === FdType.IPV4_SERVSOCK ? 4 : 16);
      const sourcePort = entry.u16();
      result = { fd, type, inode, name: '', sourceIp, sourcePort, l4: entry.u8() };
      break;
    }
    case FdType.UNIX_SOCK: {
      const sourceAddress = entry.u64();
      const destAddress = entry.u64();
      result = { fd, type, inode, name: entry.str16(), sourceAddress, destAddress };
      break;
    }
    case FdType.FILE_V2: {
      const openFlags = entry.u32();
      const name = entry.str16();
      const device = next >= 0 && entry.left >= 4 ? entry.u32() : 0;
      result = { fd, type, inode, name, openFlags, device };
      break;
    }
    default:
      // unknown kinds have no layout that could be relied on, only sized entries can be skipped
      result = { fd, type, inode, name: type === FdType.UNKNOWN ? '' : entry.str16() };
  }
  outer.at = next >= 0 ? next : entry.at;
  return result;
}

export function writeFds(writer: ByteWriter, tid: number, fds: readonly SnapshotFd[]): void {
  writer.i64(tid);
  for (const fd of fds) {
    const start = writer.length;
    writer.u32(0);
    writer.i64(fd.fd);
    writer.u64(fd.inode);
    // kinds beyond FILE_V2 stop sysdig 0.29.3; their name tells what they are
    const type = fd.type > FdType.FILE_V2 ? FdType.UNSUPPORTED : fd.type;
    writer.u8(type);
    const source = fd.sourceIp ?? new Uint8Array(0);
    const dest = fd.destIp ?? new Uint8Array(0);
    switch (type) {
      case FdType.IPV4_SOCK:
      case FdType.IPV6_SOCK:
        writer.data(source);
        writer.data(dest);
        writer.u16(fd.sourcePort ?? 0);
        writer.u16(fd.destPort ?? 0);
        writer.u8(fd.l4 ?? 0);
        break;
      case FdType.IPV4_SERVSOCK:
      case FdType.IPV6_SERVSOCK:
        writer.data(source);
        writer.u16(fd.sourcePort ?? 0);
        writer.u8(fd.l4 ?? 0);
        break;
      case FdType.UNIX_SOCK:
        writer.u64(fd.sourceAddress ?? 0n);
        writer.u64(fd.destAddress ?? 0n);
        writer.str16(fd.name, 1024);
        break;
      case FdType.FILE_V2:
        writer.u32(fd.openFlags ?? 0);
        writer.str16(fd.name, 1024);
        writer.u32(fd.device ?? 0);
        break;
      case FdType.UNKNOWN:
        break;
      default:
        writer.str16(fd.name, 1024);
    }
    writer.patchU32(start, writer.length - start);
  }
}
