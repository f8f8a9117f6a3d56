// SPDX-License-Identifier: Apache-2.0
// A mistake in a filter, shown under the filter.

import type { FilterError } from '../base/errors.ts';

/** Three lines: what is wrong, the filter, and carets under the place. */
export function describeFilterError(
  text: string,
  error: Pick<FilterError, 'message' | 'position' | 'span'>,
): string {
  const line = text.replace(/\s/g, ' ');
  const carets = '^'.repeat(Math.max(1, Math.min(error.span, line.length - error.position)));
  return `${error.message}\n  ${line}\n  ${' '.repeat(error.position)}${carets}`;
}
