// SPDX-License-Identifier: Apache-2.0
// Families of system calls: calls that do the same for the person who asks. `open`, `openat`, `openat2` and `creat` are one.

const FAMILIES: Readonly<Record<string, string>> = {
  open: 'open openat openat2 creat open_by_handle_at name_to_handle_at',
  close: 'close close_range',
  read: 'read pread pread64 readv preadv preadv2',
  write: 'write pwrite pwrite64 writev pwritev pwritev2',
  recv: 'recv recvfrom recvmsg recvmmsg',
  send: 'send sendto sendmsg sendmmsg',
  copy: 'sendfile sendfile64 splice tee vmsplice copy_file_range',
  accept: 'accept accept4',
  socket: 'socket socketpair',
  stat: 'stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx oldstat oldlstat oldfstat',
  statfs: 'statfs statfs64 fstatfs fstatfs64 statvfs fstatvfs ustat',
  access: 'access faccessat faccessat2',
  unlink: 'unlink unlinkat rmdir',
  rename: 'rename renameat renameat2',
  link: 'link linkat symlink symlinkat',
  readlink: 'readlink readlinkat',
  mkdir: 'mkdir mkdirat',
  mknod: 'mknod mknodat',
  chmod: 'chmod fchmod fchmodat fchmodat2',
  chown: 'chown lchown fchown fchownat chown32 lchown32 fchown32',
  chdir: 'chdir fchdir',
  utime: 'utime utimes utimensat futimesat',
  truncate: 'truncate ftruncate truncate64 ftruncate64 fallocate',
  sync: 'sync fsync fdatasync syncfs sync_file_range msync',
  getdents: 'getdents getdents64 readdir',
  seek: 'lseek llseek _llseek',
  dup: 'dup dup2 dup3',
  pipe: 'pipe pipe2',
  fork: 'clone clone3 fork vfork',
  exec: 'execve execveat',
  exit: 'exit exit_group procexit',
  wait: 'wait4 waitpid waitid',
  kill: 'kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal',
  poll: 'poll ppoll select pselect6 _newselect epoll_wait epoll_pwait epoll_pwait2',
  epoll: 'epoll_create epoll_create1 epoll_ctl',
  sleep: 'nanosleep clock_nanosleep pause',
  futex: 'futex futex_wait futex_wake futex_waitv futex_requeue',
  map: 'mmap mmap2 munmap mremap mprotect brk madvise remap_file_pages',
  mount: 'mount umount umount2 move_mount open_tree fsopen fsmount fspick fsconfig',
  xattr:
    'getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr getxattrat setxattrat listxattrat removexattrat',
  event:
    'eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch',
  sockopt: 'getsockopt setsockopt',
  sockname: 'getsockname getpeername',
  user: 'setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups setuid32 setgid32 setresuid32 setresgid32',
  io_uring: 'io_uring_setup io_uring_enter io_uring_register',
};

const byCall = new Map<string, string>();
for (const [family, calls] of Object.entries(FAMILIES))
  for (const call of calls.split(' ')) byCall.set(call, family);

/** Family of a call; the call's own name where it stands alone. */
export function familyOf(call: string): string {
  return byCall.get(call) ?? call;
}

/** Names of families that hold more than one call. */
export const FAMILY_NAMES: readonly string[] = Object.keys(FAMILIES);
