// SPDX-License-Identifier: Apache-2.0
// Whether this machine lets us capture live, and if not, what to do about it.

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { loadAddon } from '../binding.ts';

export type Support =
  { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly remedy: string };

const CAP_PERFMON = 38n;
const CAP_BPF = 39n;
const CAP_SYS_ADMIN = 21n;
/** bpf_loop() is there since 5.17. */
const KERNEL = [5, 17] as const;

function capabilities(): bigint {
  const status = readFileSync('/proc/self/status', 'utf8');
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
}

function kernelIsOld(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major < KERNEL[0] || (major === KERNEL[0] && minor < KERNEL[1]);
}

export function checkLive(): Support {
  if (process.platform !== 'linux') {
    return {
      ok: false,
      reason: 'this is no Linux machine',
      remedy: 'Captures can be read: sonde top -r FILE',
    };
  }
  if (kernelIsOld()) {
    return {
      ok: false,
      reason: `Linux ${release()} is too old`,
      remedy: `Live capture needs Linux ${KERNEL.join('.')} or newer.`,
    };
  }
  if (!existsSync('/sys/kernel/btf/vmlinux')) {
    return {
      ok: false,
      reason: 'this kernel does not carry its type information (/sys/kernel/btf/vmlinux)',
      remedy: 'Use a kernel built with CONFIG_DEBUG_INFO_BTF, as those of the distributions are.',
    };
  }
  const held = capabilities();
  const has = (capability: bigint): boolean => (held & (1n << capability)) !== 0n;
  if (!has(CAP_SYS_ADMIN) && !(has(CAP_BPF) && has(CAP_PERFMON))) {
    return {
      ok: false,
      reason: 'it needs root, or CAP_BPF and CAP_PERFMON',
      remedy: 'Run it as root: sudo sonde',
    };
  }
  if (loadAddon() === undefined) {
    return {
      ok: false,
      reason: 'the native part is not built',
      remedy:
        'Build it: apt-get install --no-install-recommends make g++ clang bpftool libbpf-dev libelf-dev zlib1g-dev python3, then npm run install',
    };
  }
  return { ok: true };
}
