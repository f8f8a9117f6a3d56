// SPDX-License-Identifier: Apache-2.0
// What current captures tell of the program file of a process and of its rights, beyond the path.

/** Bits of execve's flags. */
export const ExeFlag = { WRITABLE: 1, UPPER_LAYER: 2, FROM_MEMFD: 4, LOWER_LAYER: 8 } as const;

/** The file that a process runs. Never changed: threads share it. */
export type ExeFile = {
  readonly inode: bigint;
  /** Nanoseconds since 1970. */
  readonly changed: bigint;
  readonly modified: bigint;
  /** ExeFlag */
  readonly flags: number;
};

/** Bit n stands for capability n. */
export type Capabilities = {
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
};

const CAPABILITIES =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'.split(
    ' ',
  );

/** `CAP_CHOWN CAP_KILL …`, NONE for none. */
export function capabilityNames(bits: bigint): string {
  const names = CAPABILITIES.flatMap((name, n) => (((bits >> BigInt(n)) & 1n) === 1n ? [`CAP_${name}`] : []));
  return names.length === 0 ? 'NONE' : names.join(' ');
}
