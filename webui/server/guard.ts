// SPDX-License-Identifier: Apache-2.0
// Who may come in: only who has the token, from a page of ours, under a name that is ours.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export const COOKIE = 'sonde_token';

export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

function same(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function cookieOf(headers: IncomingHttpHeaders): string {
  return new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]*)`).exec(headers.cookie ?? '')?.[1] ?? '';
}

/** The token stands in the address of the first visit, and in a cookie from then on. */
export function hasToken(headers: IncomingHttpHeaders, query: unknown, token: string): boolean {
  const inQuery =
    typeof query === 'object' && query !== null ? (query as Record<string, unknown>)['token'] : undefined;
  return (typeof inQuery === 'string' && same(inQuery, token)) || same(cookieOf(headers), token);
}

/** Another name that leads to this address (DNS rebinding) is not ours. */
export function isOurHost(headers: IncomingHttpHeaders, names: readonly string[], port: number): boolean {
  const host = headers.host ?? '';
  return names.some((name) => host === `${name}:${port}`);
}

/** A page from elsewhere may not open our websocket. */
export function isOurOrigin(headers: IncomingHttpHeaders, names: readonly string[], port: number): boolean {
  return names.some((name) => headers.origin === `http://${name}:${port}`);
}
