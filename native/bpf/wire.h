/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/* What goes over the ring: a record a call, its params still as the kernel has them. The C library (native/capture) makes scap
 * events of them, so that nothing which can be done later is done inside a system call. */
#ifndef SONDE_WIRE_H
#define SONDE_WIRE_H

struct sonde_record {
	__u64 ts; /* of the exit, monotonic, ns */
	__u64 latency; /* ns since the enter; all ones = the enter was not seen */
	__s64 ret;
	__u32 tid;
	__u16 desc; /* index into sonde_descs; 0 = a call without event of its own */
	__u16 sc; /* number of the call in the format */
	__u16 nr; /* number of the call in the kernel */
	__u16 cpu;
	__u32 nparams;
	/* __u16 lengths[nparams], then the params one after the other */
};

#define SONDE_NO_LATENCY 0xffffffffffffffffULL

/* Both ends of a socket. For unix sockets the addresses are those of the kernel's objects, and a path follows. */
struct sonde_ends {
	__u16 family;
	__u8 protocol;
	__u8 has_addr; /* a socket address as the caller gave it follows */
	__u16 local_port, remote_port; /* as numbers */
	__u8 local[16], remote[16];
};

enum sonde_drop {
	SONDE_DROP_RING_FULL,
	SONDE_DROP_TOO_BIG,
	SONDE_DROP_NO_MEMORY,
	SONDE_DROP_COMPAT,
	SONDE_DROPS,
};

#endif
