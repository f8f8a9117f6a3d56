// SPDX-License-Identifier: Apache-2.0
// How events print: what the options -A -x -X -b -v -R and the choice of layout decide.

/** How bytes of I/O buffers print. */
export type BufferMode = 'short' | 'full' | 'ascii' | 'hex' | 'hexAscii' | 'base64';

/** Protocols that ports have names for. */
export type PortProtocol = 'tcp' | 'udp';

export type PrintOptions = {
  readonly buffers: BufferMode;
  /**
   * `classic`: the params that sysdig 0.29.3 knows, printed as it prints them; exits that stand alone (no enter before them, as
   * live ones and those of current recorders) still show all, since the fd and the path are nowhere else. `full`: all params.
   */
  readonly layout: 'classic' | 'full';
  /** Names of ports; undefined: ports print as numbers. */
  readonly portName?: (port: number, protocol: PortProtocol) => string | undefined;
};

/** Everything, with payloads cut to a line: what the faces show. */
export const FULL: PrintOptions = { buffers: 'short', layout: 'full' };

/** What sysdig prints without options. */
export const CLASSIC: PrintOptions = { buffers: 'short', layout: 'classic' };
