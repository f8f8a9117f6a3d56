/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* The programs in the kernel. At the enter of a call they note the time; at its exit they gather the params that the event's
 * description asks for (events.gen.h) and send one record.
 *
 *   sys_enter ▶ time into the task's storage
 *   sys_exit  ▶ description of the call ▶ one gather() a param ▶ record into the ring of this CPU
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "kernel.h"
#include "wire.h"
#include "../events.gen.h"

#define RECORD_DATA (1u << 16) /* bytes of params in a record */
#define MAX_PAYLOAD (1u << 14)
#define MAX_PATH 4096u
#define MAX_STRINGS 4096u
#define MAX_DEPTH 24
#define MAX_VECTORS 16
#define MAX_POLL 32u
#define TS_COMPAT 2

/* ---- settings, written before the programs are loaded ---- */

const volatile __u32 own_pid = 0;
const volatile __u32 snaplen = 80;

/* ---- maps ---- */

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

/* One ring a CPU: no two writers ever wait for each other. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct call {
	__u64 entered;
	__u64 nr;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

#define DATA (RECORD_DATA)

/* The record that is being made. Too large for a per-CPU map: an array with an element a CPU. */
struct scratch {
	struct sonde_record record;
	__u8 data[DATA * 2];
	/* not sent */
	__u32 off; /* next free byte of data */
	__u64 args[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SONDE_DROPS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

static __always_inline void drop(__u32 cause)
{
	__u64 *count = bpf_map_lookup_elem(&drops, &cause);

	if (count)
		*count += 1;
}

/* ---- putting values into the record ---- */

/* Room for `size` bytes (a constant up to 64 KiB) at the end of the data; NULL when the record is full. */
static __always_inline void *room(struct scratch *s, __u32 size)
{
	__u64 off = s->off;

	barrier_var(off);
	if (off >= DATA || size > DATA)
		return NULL;
	barrier_var(off);
	return &s->data[off];
}

static __always_inline void took(struct scratch *s, __u32 size)
{
	s->off += size;
}

/* All numbers travel as 64 bits; the library stores each as wide as its param. */
static __always_inline void put_number(struct scratch *s, __u64 value)
{
	void *at = room(s, 8);

	if (!at)
		return;
	*(__u64 *)at = value;
	took(s, 8);
}

/* User memory; what cannot be read is left out. */
static __always_inline void put_user(struct scratch *s, const void *from, __u64 size, __u64 limit)
{
	void *at = room(s, MAX_PAYLOAD);

	if (!at)
		return;
	if (size > limit)
		size = limit;
	if (size > MAX_PAYLOAD)
		size = MAX_PAYLOAD;
	barrier_var(size);
	if (size == 0 || size > MAX_PAYLOAD)
		return;
	if (bpf_probe_read_user(at, size, from) == 0)
		took(s, size);
}

static __always_inline void put_user_text(struct scratch *s, const void *from)
{
	void *at = room(s, MAX_PATH);
	long size;

	if (!at)
		return;
	size = bpf_probe_read_user_str(at, MAX_PATH, from);
	if (size > 0 && size <= MAX_PATH) {
		took(s, size);
	} else {
		*(__u8 *)at = 0;
		took(s, 1);
	}
}

static __always_inline long put_kernel_text(struct scratch *s, const void *from, __u32 limit)
{
	void *at = room(s, 256);
	long size;

	if (!at)
		return 0;
	if (limit > 256)
		limit = 256;
	size = bpf_probe_read_kernel_str(at, limit, from);
	if (size <= 0 || size > 256)
		return 0;
	took(s, size);
	return size;
}

/* ---- paths: components from the last to the first, each with its NUL; the C library turns them around ---- */

struct walk {
	struct scratch *s;
	struct dentry *dentry;
	struct vfsmount *vfsmnt;
	struct kernfs_node *node;
};

static long put_component(__u32 i, void *context)
{
	struct walk *walk = context;
	struct dentry *dentry = walk->dentry;
	struct vfsmount *vfsmnt = walk->vfsmnt;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

	if (dentry == BPF_CORE_READ(vfsmnt, mnt_root) || dentry == parent) {
		/* the top of a file system: on with where it is mounted */
		struct mount *mount = (void *)vfsmnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (mount == above || !above)
			return 1;
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->vfsmnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	walk->dentry = parent;
	return put_kernel_text(walk->s, BPF_CORE_READ(dentry, d_name.name), 256) == 0;
}

static __noinline int put_path(struct scratch *s, const struct path *path)
{
	struct walk walk = { .s = s, .dentry = BPF_CORE_READ(path, dentry), .vfsmnt = BPF_CORE_READ(path, mnt) };

	bpf_loop(MAX_DEPTH, put_component, &walk, 0);
	return 0;
}

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ((struct kernfs_node___old *)node, parent);
}

static long put_group(__u32 i, void *context)
{
	struct walk *walk = context;
	struct kernfs_node *node = walk->node;

	walk->node = parent_of(node);
	if (!node || !walk->node)
		return 1;
	return put_kernel_text(walk->s, BPF_CORE_READ(node, name), 256) == 0;
}

static __noinline int put_cgroup(struct scratch *s, struct kernfs_node *node)
{
	struct walk walk = { .s = s, .node = node };

	bpf_loop(MAX_DEPTH, put_group, &walk, 0);
	return 0;
}

/* A cgroup of the task: of the unified hierarchy, or where that is not in use of one that all runtimes use. */
static __always_inline void put_cgroups(struct scratch *s, struct task_struct *task)
{
	__u32 before = s->off;

	put_cgroup(s, BPF_CORE_READ(task, cgroups, dfl_cgrp, kn));
	if (s->off != before)
		return;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		__u32 id = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);

		if (id < 16) {
			struct cgroup_subsys_state *css = NULL;
			struct css_set *set = BPF_CORE_READ(task, cgroups);

			bpf_core_read(&css, sizeof(css), &set->subsys[id]);
			if (css)
				put_cgroup(s, BPF_CORE_READ(css, cgroup, kn));
		}
	}
}

/* ---- descriptors and sockets ---- */

static __always_inline struct file *file_of(struct task_struct *task, int fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files;
	struct file *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

static __always_inline struct sock *sock_of(struct task_struct *task, int fd)
{
	struct file *file = file_of(task, fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & 0170000) != 0140000)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void put_unix_name(struct scratch *s, struct unix_sock *sock)
{
	struct unix_address *address = BPF_CORE_READ(sock, addr);
	void *at = room(s, 128);
	int len;

	if (!address || !at)
		return;
	len = BPF_CORE_READ(address, len) - 2;
	if (len <= 0 || len > 108)
		return;
	if (bpf_probe_read_kernel(at, len & 127, (void *)address + bpf_core_field_offset(struct unix_address, name) + 2) == 0)
		took(s, len & 127);
}

#define AF_UNIX 1
#define AF_INET 2
#define EINPROGRESS 115
#define AF_INET6 10

static __noinline int put_ends(struct scratch *s, struct sock *sk, const void *address, __u32 length)
{
	struct sonde_ends *ends;
	__u16 family;

	if (!s)
		return 0;
	ends = room(s, sizeof(*ends) + 128);
	if (!ends || !sk)
		return 0;
	__builtin_memset(ends, 0, sizeof(*ends));
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ends->family = family;
	ends->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (family == AF_INET) {
		__u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		__u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(ends->local, &local, 4);
		__builtin_memcpy(ends->remote, &remote, 4);
#define EINPROGRESS 115
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&ends->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ends->remote, sk, __sk_common.skc_v6_daddr);
	} else if (family == AF_UNIX) {
		struct unix_sock *own = (struct unix_sock *)sk;
		struct sock *peer = BPF_CORE_READ(own, peer);
		__u64 a = (__u64)own, b = (__u64)peer;

		__builtin_memcpy(ends->local, &a, 8);
		__builtin_memcpy(ends->remote, &b, 8);
		took(s, sizeof(*ends));
		/* the path is the server's */
		if (BPF_CORE_READ(own, addr))
			put_unix_name(s, own);
		else if (peer)
			put_unix_name(s, (struct unix_sock *)peer);
		return 0;
	} else {
		return 0;
	}
	ends->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	ends->remote_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	took(s, sizeof(*ends));
	if (address && length >= 8 && length <= 128) {
		ends->has_addr = 1;
		put_user(s, address, length, 128);
	}
	return 0;
}

/* ---- vectors ---- */

struct vector {
	const void *base;
	__u64 len;
};

struct header {
	const void *name;
	__u64 namelen;
	const struct vector *iov;
	__u64 iovlen;
};

/* Loops are callbacks: the verifier walks through their bodies once, not once a round. */
struct vectors {
	struct scratch *s;
	const struct vector *iov;
	__u64 left; /* bytes still wanted, or, when they are only counted, seen */
	__u64 count;
};

static long put_vector(__u32 i, void *context)
{
	struct vectors *vectors = context;
	struct vector v;

	if (i >= vectors->count || vectors->left == 0)
		return 1;
	if (bpf_probe_read_user(&v, sizeof(v), vectors->iov + i))
		return 1;
	if (v.len > vectors->left)
		v.len = vectors->left;
	put_user(vectors->s, v.base, v.len, MAX_PAYLOAD);
	vectors->left -= v.len;
	return 0;
}

static __noinline int put_vectors(struct scratch *s, const struct vector *iov, __u64 count, __u64 limit)
{
	struct vectors vectors = { .s = s, .iov = iov, .left = limit > snaplen ? snaplen : limit, .count = count };

	bpf_loop(MAX_VECTORS, put_vector, &vectors, 0);
	return 0;
}

static long count_vector(__u32 i, void *context)
{
	struct vectors *vectors = context;
	struct vector v;

	if (i >= vectors->count || bpf_probe_read_user(&v, sizeof(v), vectors->iov + i))
		return 1;
	vectors->left += v.len;
	return 0;
}

static __noinline int put_vectors_size(struct scratch *s, const struct vector *iov, __u64 count)
{
	struct vectors vectors = { .iov = iov, .count = count };

	bpf_loop(1024, count_vector, &vectors, 0);
	put_number(s, vectors.left);
	return 0;
}

/* ---- facts of a task ---- */

static __always_inline __u64 pages_to_kib(long long pages)
{
	return pages <= 0 ? 0 : (__u64)pages * 4;
}

/* A macro: the index must be a constant for its offset to be put in at load time. */
#define RESIDENT(mm, kind)                                                                                          \
	({                                                                                                          \
		long long count_ = 0;                                                                               \
		if (bpf_core_field_exists(((struct mm_struct___counters *)0)->rss_stat.count))                      \
			bpf_core_read(&count_, sizeof(count_), &((struct mm_struct___counters *)(mm))->rss_stat.count[kind].counter); \
		else                                                                                                \
			bpf_core_read(&count_, sizeof(count_), &(mm)->rss_stat[kind].count);                        \
		pages_to_kib(count_);                                                                               \
	})

enum { FILE_PAGES, ANONYMOUS_PAGES, SWAP_ENTRIES, SHARED_PAGES };

/* A number of the pid in its own, innermost, namespace. */
static __always_inline int own_number(struct pid *pid)
{
	unsigned int level = BPF_CORE_READ(pid, level);
	int nr = 0;

	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)pid + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid));
	return nr;
}

static __always_inline __u64 terminal(struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	__u32 major, minor;

	if (!tty)
		return 0;
	major = BPF_CORE_READ(tty, driver, major);
	minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

/* ---- one param ---- */

struct work {
	struct scratch *s;
};

static __always_inline void gather(struct scratch *s, struct task_struct *task, const struct sonde_param *param)
{
	__u64 arg = s->args[param->arg < 6 ? param->arg : 0];
	__u64 next = s->args[param->arg < 5 ? param->arg + 1 : 0];
	__s64 ret = s->record.ret;
	struct mm_struct *mm;
	struct header header = {};

	switch (param->kind) {
	case K_RET:
		put_number(s, ret);
		break;
	case K_ARG:
		put_number(s, arg);
		break;
	case K_INT:
		put_number(s, (__s64)(__s32)arg);
		break;
	case K_ZERO:
		put_number(s, 0);
		break;
	case K_PATH:
		put_user_text(s, (void *)arg);
		break;
	case K_OUT:
		if (ret > 0)
			put_user(s, (void *)arg, ret > MAX_PAYLOAD ? MAX_PAYLOAD : ret, snaplen);
		break;
	case K_IN: {
		__u64 size = ret >= 0 ? (__u64)ret : next;

		put_user(s, (void *)arg, size > MAX_PAYLOAD ? MAX_PAYLOAD : size, snaplen);
		break;
	}
	case K_IOV:
		if (ret > 0)
			put_vectors(s, (void *)arg, next, ret);
		break;
	case K_IOVIN:
		put_vectors(s, (void *)arg, next, ret >= 0 ? (__u64)ret : MAX_PAYLOAD);
		break;
	case K_MSG:
		if (ret > 0 && bpf_probe_read_user(&header, sizeof(header), (void *)arg) == 0)
			put_vectors(s, header.iov, header.iovlen, ret);
		break;
	case K_MSGIN:
		if (bpf_probe_read_user(&header, sizeof(header), (void *)arg) == 0)
			put_vectors(s, header.iov, header.iovlen, ret >= 0 ? (__u64)ret : MAX_PAYLOAD);
		break;
	case K_SIZE:
		put_vectors_size(s, (void *)arg, next);
		break;
	case K_MSGSIZE:
		bpf_probe_read_user(&header, sizeof(header), (void *)arg);
		put_vectors_size(s, header.iov, header.iovlen);
		break;
	case K_ADDR:
		if (next >= 2 && next <= 128)
			put_user(s, (void *)arg, next, 128);
		break;
	case K_CONNECTED:
		if (ret != 0 && ret != -EINPROGRESS)
			break;
		/* fall through */
	case K_SENT: {
		__u32 length = next;

		put_ends(s, sock_of(task, s->args[0]), (void *)arg, length);
		break;
	}
	case K_SENTMSG:
		bpf_probe_read_user(&header, sizeof(header), (void *)arg);
		put_ends(s, sock_of(task, s->args[0]), header.name, header.namelen);
		break;
	case K_RECEIVEDFROM: {
		__u32 length = 0;

		if (ret >= 0)
			bpf_probe_read_user(&length, sizeof(length), (void *)next);
		put_ends(s, sock_of(task, s->args[0]), (void *)arg, length);
		break;
	}
	case K_RECEIVEDMSG:
		if (ret >= 0)
			bpf_probe_read_user(&header, sizeof(header), (void *)arg);
		put_ends(s, sock_of(task, s->args[0]), header.name, header.namelen);
		break;
	case K_RECEIVED:
		put_ends(s, sock_of(task, s->args[0]), NULL, 0);
		break;
	case K_ACCEPTED:
		if (ret >= 0)
			put_ends(s, sock_of(task, ret), NULL, 0);
		break;
	case K_QUEUEPCT: {
		struct sock *sk = sock_of(task, s->args[0]);
		__u32 length = BPF_CORE_READ(sk, sk_ack_backlog), most = BPF_CORE_READ(sk, sk_max_ack_backlog);

		put_number(s, most ? length * 100 / most : 0);
		break;
	}
	case K_QUEUELEN: {
		struct sock *sk = sock_of(task, s->args[0]);

		put_number(s, BPF_CORE_READ(sk, sk_ack_backlog));
		break;
	}
	case K_QUEUEMAX: {
		struct sock *sk = sock_of(task, s->args[0]);

		put_number(s, BPF_CORE_READ(sk, sk_max_ack_backlog));
		break;
	}
	case K_POLL: {
		__u32 count = next > MAX_POLL ? MAX_POLL : next;

		put_user(s, (void *)arg, count * 8, MAX_POLL * 8);
		break;
	}
	case K_TIME: {
		__s64 time[2] = {};

		if (arg && bpf_probe_read_user(time, sizeof(time), (void *)arg) == 0)
			put_number(s, time[0] * 1000000000 + time[1]);
		else
			put_number(s, ~0ull);
		break;
	}
	case K_MASK:
	case K_LONG: {
		__u64 value = 0;

		bpf_probe_read_user(&value, sizeof(value), (void *)arg + param->offset);
		put_number(s, value);
		break;
	}
	case K_WORD:
	case K_SOCKERR: {
		__s32 value = 0;

		bpf_probe_read_user(&value, sizeof(value), (void *)(param->kind == K_SOCKERR ? s->args[3] : arg) + param->offset);
		put_number(s, (__s64)value);
		break;
	}
	case K_DEV: {
		struct file *file = ret < 0 ? NULL : file_of(task, ret);

		put_number(s, BPF_CORE_READ(file, f_inode, i_sb, s_dev));
		break;
	}
	case K_INO: {
		struct file *file = ret < 0 ? NULL : file_of(task, ret);

		put_number(s, BPF_CORE_READ(file, f_inode, i_ino));
		break;
	}
	case K_ARGS: {
		mm = BPF_CORE_READ(task, mm);
		__u64 start = BPF_CORE_READ(mm, arg_start);
		__u64 size = BPF_CORE_READ(mm, arg_end) - start;

		put_user(s, (void *)start, size > MAX_STRINGS ? MAX_STRINGS : size, MAX_STRINGS);
		break;
	}
	case K_ENV: {
		mm = BPF_CORE_READ(task, mm);
		__u64 start = BPF_CORE_READ(mm, env_start);
		__u64 size = BPF_CORE_READ(mm, env_end) - start;

		put_user(s, (void *)start, size > MAX_STRINGS ? MAX_STRINGS : size, MAX_STRINGS);
		break;
	}
	case K_TID:
		put_number(s, BPF_CORE_READ(task, pid));
		break;
	case K_PID:
		put_number(s, BPF_CORE_READ(task, tgid));
		break;
	case K_PTID:
		put_number(s, BPF_CORE_READ(task, real_parent, tgid));
		break;
	case K_CWD: {
		struct fs_struct *fs = BPF_CORE_READ(task, fs);

		if (fs)
			put_path(s, __builtin_preserve_access_index(&fs->pwd));
		break;
	}
	case K_EXEPATH: {
		struct file *file = BPF_CORE_READ(task, mm, exe_file);

		if (file)
			put_path(s, __builtin_preserve_access_index(&file->f_path));
		break;
	}
	case K_FDLIMIT:
		put_number(s, BPF_CORE_READ(task, signal, rlim[7].rlim_cur));
		break;
	case K_PGFT_MAJ:
		put_number(s, BPF_CORE_READ(task, maj_flt));
		break;
	case K_PGFT_MIN:
		put_number(s, BPF_CORE_READ(task, min_flt));
		break;
	case K_VM_SIZE:
		put_number(s, pages_to_kib(BPF_CORE_READ(task, mm, total_vm)));
		break;
	case K_VM_RSS:
		mm = BPF_CORE_READ(task, mm);
		put_number(s, mm ? RESIDENT(mm, FILE_PAGES) + RESIDENT(mm, ANONYMOUS_PAGES) + RESIDENT(mm, SHARED_PAGES) : 0);
		break;
	case K_VM_SWAP:
		mm = BPF_CORE_READ(task, mm);
		put_number(s, mm ? RESIDENT(mm, SWAP_ENTRIES) : 0);
		break;
	case K_COMM:
		put_kernel_text(s, task->comm, 16);
		break;
	case K_CGROUPS:
		put_cgroups(s, task);
		break;
	case K_TTY:
		put_number(s, terminal(task));
		break;
	case K_PGID:
		put_number(s, own_number(BPF_CORE_READ(task, signal, pids[2])));
		break;
	case K_LOGINUID:
		put_number(s, BPF_CORE_READ(task, loginuid.val));
		break;
	case K_UID:
		put_number(s, BPF_CORE_READ(task, cred, euid.val));
		break;
	case K_GID:
		put_number(s, BPF_CORE_READ(task, cred, egid.val));
		break;
	case K_VTID:
		put_number(s, own_number(BPF_CORE_READ(task, thread_pid)));
		break;
	case K_VPID:
		put_number(s, own_number(BPF_CORE_READ(task, group_leader, thread_pid)));
		break;
	case K_STATUS:
		put_number(s, BPF_CORE_READ(task, exit_code));
		break;
	case K_EXITCODE:
		put_number(s, (BPF_CORE_READ(task, exit_code) >> 8) & 0xff);
		break;
	case K_SIGNAL:
		put_number(s, BPF_CORE_READ(task, exit_code) & 0x7f);
		break;
	case K_CORE:
		put_number(s, BPF_CORE_READ(task, exit_code) & 0x80 ? 1 : 0);
		break;
	default: /* K_NONE, K_EXE: no value, or made of others */
		break;
	}
}

/* The bound stands right before the use, on a register of full width: the verifier follows neither casts nor copies far. */
static __always_inline const struct sonde_desc *desc_at(__u64 index)
{
	barrier_var(index);
	if (index >= SONDE_DESCS)
		return NULL;
	barrier_var(index);
	return &sonde_descs[index];
}

static long gather_at(__u32 i, void *context)
{
	struct work *work = context;
	struct scratch *s = work->s;
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 before = s->off;
	const struct sonde_desc *desc = desc_at(s->record.desc);

	if (i >= SONDE_MAX_PARAMS || !desc)
		return 1;
	gather(s, task, &desc->params[i]);
	((__u16 *)s->data)[i] = s->off - before;
	return 0;
}

/* ---- a call ---- */

static __always_inline void send(struct scratch *s, __u32 cpu)
{
	__u64 size = s->off + sizeof(s->record);
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	/* the verifier must see the bound on the very register that is passed */
	barrier_var(size);
	if (size > DATA) {
		drop(SONDE_DROP_TOO_BIG);
		return;
	}
	/* nobody sleeps on the ring: waking would cost more than all the rest */
	if (!ring || bpf_ringbuf_output(ring, s, size, BPF_RB_NO_WAKEUP))
		drop(SONDE_DROP_RING_FULL);
}

static __always_inline struct scratch *begin(__u32 cpu, __u16 desc)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &cpu);

	if (!s) {
		drop(SONDE_DROP_NO_MEMORY);
		return NULL;
	}
	s->record.ts = bpf_ktime_get_boot_ns();
	s->record.tid = (__u32)bpf_get_current_pid_tgid();
	s->record.desc = desc;
	s->record.cpu = cpu;
	s->record.latency = SONDE_NO_LATENCY;
	return s;
}

static __always_inline void finish(struct scratch *s, __u32 cpu)
{
	const struct sonde_desc *desc = desc_at(s->record.desc);
	struct work work = { .s = s };
	__u32 nparams;

	if (!desc)
		return;
	nparams = desc->nparams;
	s->record.nparams = nparams;
	s->off = nparams * 2;
	bpf_loop(nparams, gather_at, &work, 0);
	send(s, cpu);
}

#if defined(__TARGET_ARCH_arm64)
struct pt_regs___arm64 {
	__u64 orig_x0;
} __attribute__((preserve_access_index));
#endif

static __always_inline void take_args(struct scratch *s, struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_arm64)
	s->args[0] = BPF_CORE_READ((struct pt_regs___arm64 *)regs, orig_x0);
	s->args[1] = PT_REGS_PARM2_CORE(regs);
	s->args[2] = PT_REGS_PARM3_CORE(regs);
	s->args[3] = PT_REGS_PARM4_CORE(regs);
	s->args[4] = PT_REGS_PARM5_CORE(regs);
#else
	s->args[0] = regs->rdi;
	s->args[1] = regs->rsi;
	s->args[2] = regs->rdx;
	s->args[3] = regs->r10;
	s->args[4] = regs->r8;
	s->args[5] = regs->r9;
#endif
}

static __always_inline int is_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_arm64)
	return 0;
#else
	return task->thread_info.status & TS_COMPAT;
#endif
}

static __always_inline __s64 call_number(struct pt_regs *regs, struct call *call)
{
#if defined(__TARGET_ARCH_arm64)
	return call ? (__s64)call->nr : -1;
#else
	return regs->orig_rax;
#endif
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sonde_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call *call;

	if ((__u32)task->tgid == own_pid)
		return 0;
	call = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (call) {
		call->entered = bpf_ktime_get_boot_ns();
		call->nr = nr;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sonde_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 cpu = bpf_get_smp_processor_id();
	struct call *call;
	struct scratch *s;
	__s64 nr;
	__u16 desc;

	if ((__u32)task->tgid == own_pid)
		return 0;
	if (is_compat(task)) {
		/* numbers of another interface: said, never misread */
		drop(SONDE_DROP_COMPAT);
		return 0;
	}
	call = bpf_task_storage_get(&calls, task, 0, 0);
	nr = call_number(regs, call);
	if (nr < 0 || nr >= SONDE_MAX_SYSCALL)
		return 0;
	desc = sonde_calls[nr].desc;
	s = begin(cpu, desc);
	if (!s)
		return 0;
	s->record.ret = ret;
	s->record.nr = nr;
	s->record.sc = sonde_calls[nr].sc;
	if (call && call->entered) {
		s->record.latency = s->record.ts - call->entered;
		call->entered = 0;
	}
	take_args(s, regs);
	if (desc == 0) {
		/* no event of its own: the path of a failed call goes along */
		__u8 path = sonde_calls[nr].path;

		s->record.nparams = 0;
		s->off = 0;
		if (ret < 0 && path < 6)
			put_user_text(s, (void *)s->args[path]);
		send(s, cpu);
		return 0;
	}
	finish(s, cpu);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sonde_process_exit, struct task_struct *task)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct scratch *s;

	if ((__u32)task->tgid == own_pid)
		return 0;
	s = begin(cpu, SONDE_DESC_PROCEXIT);
	if (!s)
		return 0;
	s->record.ret = 0;
	s->record.nr = 0;
	s->record.sc = 0;
	finish(s, cpu);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
