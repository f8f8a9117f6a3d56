// SPDX-License-Identifier: Apache-2.0
// Calls that open, copy and close descriptors other than sockets.

import type { ByteText } from '../../base/units.ts';
import type { EventCursor } from '../../event/cursor.ts';
import { EVENT_TYPES } from '../../event/schema.ts';
import { AT_FDCWD, baseOf } from '../base-of.ts';
import { Fd, FdType } from '../fd.ts';
import type { HandlerTable, Machine } from '../machine.ts';
import { joinPath } from '../path.ts';

const O_DIRECTORY = 1024;
const F_DUPFD = 1;
const F_DUPFD_CLOEXEC = 26;
const CLOSE_RANGE_CLOEXEC = 4;

/** The whole path that a call names; `<UNKNOWN>` stands for a directory descriptor that is not known. */
export function pathOf(machine: Machine, dirfd: number, path: ByteText): ByteText {
  const base = machine.thread === undefined ? '' : (baseOf(machine, dirfd) ?? '<UNKNOWN>');
  return joinPath(base, path);
}

/** The enter's path counts if it has one: the exit's may have been changed by another thread meanwhile. */
function prefer(enter: EventCursor | undefined, index: number): boolean {
  if (enter === undefined || index >= enter.count) return false;
  // only what is short may be one of the words for none
  const size = enter.size(index);
  if (size > 7) return true;
  const path = enter.text(index);
  return path !== '' && path !== '(NULL)' && path !== '<NA>';
}

function addFile(
  machine: Machine,
  num: number,
  path: ByteText,
  dirfd: number,
  flags: number,
  device: number,
): void {
  const fd = new Fd();
  fd.type = (flags & O_DIRECTORY) !== 0 ? FdType.DIRECTORY : FdType.FILE_V2;
  fd.openFlags = flags;
  fd.device = device;
  fd.name = pathOf(machine, dirfd, path);
  machine.addFd(num, fd);
}

const deviceParam = EVENT_TYPES.map((type) => type.params.findIndex((param) => param.name === 'dev'));

function openExit(machine: Machine): void {
  const { evt, enter } = machine;
  const num = evt.int(0);
  if (num < 0) return;
  const from = prefer(enter, 0) ? (enter as EventCursor) : evt;
  const first = from === evt ? 1 : 0;
  addFile(machine, num, from.text(first), AT_FDCWD, from.int(first + 1), evt.uint(4));
}

function creatExit(machine: Machine): void {
  const { evt, enter } = machine;
  const num = evt.int(0);
  if (num < 0) return;
  const path = prefer(enter, 0) ? (enter as EventCursor).text(0) : evt.text(1);
  addFile(machine, num, path, AT_FDCWD, 0, evt.uint(3));
}

function openatExit(machine: Machine): void {
  const { evt, enter } = machine;
  const num = evt.int(0);
  if (num < 0) return;
  // the first form of openat has its params in the enter alone
  const from = prefer(enter, 1) || evt.count < 4 ? enter : evt;
  if (from === undefined) return;
  const first = from === evt ? 1 : 0;
  const device = deviceParam[evt.code] as number;
  addFile(
    machine,
    num,
    from.text(first + 1),
    from.int(first),
    from.int(first + 2),
    device < 0 ? 0 : evt.uint(device),
  );
}

function openByHandleExit(machine: Machine): void {
  const { evt } = machine;
  const num = evt.int(0);
  if (num < 0) return;
  const path = evt.type.params.findIndex((param) => param.type === 'FSPATH');
  addFile(machine, num, evt.text(path), AT_FDCWD, evt.int(2), 0);
}

function dupExit(machine: Machine): void {
  const { evt, fd, thread } = machine;
  const num = evt.int(0);
  if (num < 0 || fd === undefined || thread === undefined) return;
  machine.addFd(num, Fd.copyOf(fd));
}

function fcntlExit(machine: Machine): void {
  const { evt, enter, fd } = machine;
  const num = evt.int(0);
  if (num < 0 || fd === undefined) return;
  const command = enter !== undefined ? enter.int(1) : evt.int(2);
  if (enter === undefined && evt.count < 3) return;
  if (command === F_DUPFD || command === F_DUPFD_CLOEXEC) machine.addFd(num, Fd.copyOf(fd));
}

function pipeExit(machine: Machine): void {
  const { evt } = machine;
  if (evt.int(0) < 0) return;
  for (const index of [1, 2]) {
    const fd = new Fd();
    fd.type = FdType.FIFO;
    fd.inode = evt.big(3);
    machine.addFd(evt.int(index), fd);
  }
}

/** Calls whose result is a new descriptor of a kind, named by a param if `name` is given. */
function opens(type: number, name?: string): (machine: Machine) => void {
  return (machine) => {
    const { evt } = machine;
    const num = evt.int(0);
    if (num < 0) return;
    const fd = new Fd();
    fd.type = type;
    if (name !== undefined) {
      const index = evt.type.params.findIndex((param) => param.name === name);
      if (index >= 0 && index < evt.count) {
        fd.name = evt.type.params[index]?.type === 'PID' ? `/proc/${evt.int(index)}` : evt.text(index);
      }
    }
    machine.addFd(num, fd);
  };
}

function closeEnter(machine: Machine): void {
  if (machine.fd !== undefined) machine.fd.closeInProgress = true;
}

function closeExit(machine: Machine): void {
  const { evt, fd, thread } = machine;
  if (thread === undefined) return;
  if (evt.int(0) >= 0) machine.closeFd(thread.lastFd);
  else if (fd !== undefined) fd.closeInProgress = false;
}

function closeRangeExit(machine: Machine): void {
  const { evt, thread } = machine;
  if (thread === undefined || evt.int(0) < 0 || (evt.int(3) & CLOSE_RANGE_CLOEXEC) !== 0) return;
  const first = evt.uint(1);
  const last = evt.uint(2);
  const table = machine.fdTable(thread);
  for (const num of table.keys()) if (num >= first && num <= last) table.delete(num);
}

export const applyFile: HandlerTable = {
  'open<': openExit,
  'creat<': creatExit,
  'openat<': openatExit,
  'openat2<': openatExit,
  'open_by_handle_at<': openByHandleExit,
  'dup<': dupExit,
  'dup2<': dupExit,
  'dup3<': dupExit,
  'fcntl<': fcntlExit,
  'pipe<': pipeExit,
  'pipe2<': pipeExit,
  'eventfd<': opens(FdType.EVENT),
  'eventfd2<': opens(FdType.EVENT),
  'signalfd<': opens(FdType.SIGNALFD),
  'signalfd4<': opens(FdType.SIGNALFD),
  'timerfd_create<': opens(FdType.TIMERFD),
  'inotify_init<': opens(FdType.INOTIFY),
  'inotify_init1<': opens(FdType.INOTIFY),
  'epoll_create<': opens(FdType.EVENTPOLL),
  'epoll_create1<': opens(FdType.EVENTPOLL),
  'memfd_create<': opens(FdType.MEMFD, 'name'),
  'userfaultfd<': opens(FdType.USERFAULTFD),
  'io_uring_setup<': opens(FdType.IOURING),
  'pidfd_open<': opens(FdType.PIDFD, 'pid'),
  'close>': closeEnter,
  'close<': closeExit,
  'close_range<': closeRangeExit,
};
