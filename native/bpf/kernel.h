/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* The few kernel types that the programs read, each with the few members they need. Offsets are those of the running kernel:
 * they are put in when the programs are loaded (CO-RE), from the kernel's own type information. */
#ifndef SONDE_KERNEL_H
#define SONDE_KERNEL_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

typedef struct {
	long long counter;
} atomic64_t;

struct qstr {
	const unsigned char *name;
};

struct super_block {
	unsigned int s_dev;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
	unsigned int f_flags;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root, pwd;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct rlimit {
	unsigned long rlim_cur;
};

struct tty_struct {
	int index;
	struct tty_driver *driver;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct signal_struct {
	struct pid *pids[4];
	struct tty_struct *tty;
	struct rlimit rlim[16];
};

struct cred {
	kuid_t uid, euid;
	kgid_t gid, egid;
};

/* Until 6.2 an array of counters; since then one per-CPU counter each. */
struct percpu_counter {
	long long count;
};

struct mm_struct {
	unsigned long total_vm;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
	struct percpu_counter rss_stat[4];
};

struct mm_rss_stat {
	atomic64_t count[4];
};

struct mm_struct___counters {
	struct mm_rss_stat rss_stat;
};

struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
};

struct kernfs_node___old {
	struct kernfs_node *parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[16];
};

struct thread_info {
	unsigned int status;
};

struct task_struct {
	struct thread_info thread_info;
	int pid, tgid;
	int exit_code;
	struct task_struct *real_parent, *group_leader;
	struct mm_struct *mm;
	struct files_struct *files;
	struct fs_struct *fs;
	struct signal_struct *signal;
	const struct cred *cred;
	struct pid *thread_pid;
	char comm[16];
	unsigned long maj_flt, min_flt;
	kuid_t loginuid;
	struct css_set *cgroups;
};

struct in6_addr {
	unsigned char bytes[16];
};

struct sock_common {
	unsigned int skc_daddr, skc_rcv_saddr;
	unsigned short skc_dport, skc_num;
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	unsigned short sk_protocol;
	unsigned int sk_ack_backlog, sk_max_ack_backlog;
};

struct socket {
	struct sock *sk;
};

struct sockaddr_un {
	unsigned short sun_family;
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};

enum cgroup_subsys_id {
	pids_cgrp_id = 11,
};

#pragma clang attribute pop

#endif
