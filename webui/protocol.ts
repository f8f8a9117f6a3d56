// SPDX-License-Identifier: Apache-2.0
// Every message between the map and its server: JSON texts over one websocket. The client asks by number; the server answers with
// the same number, and pushes each new status.

import type { DrillPath } from '../engine/query/drill.ts';
import type {
  ErrorDetail,
  NodeDetail,
  Status,
  TreeAnswer,
  TreeEdge,
  TransactionDetail,
} from '../engine/query/api.ts';

/** What the map may ask, by name: its arguments and its answer. */
export type Questions = {
  readonly tree: { readonly ask: { readonly open: readonly string[] }; readonly answer: TreeAnswer };
  readonly edges: { readonly ask: Record<never, never>; readonly answer: readonly TreeEdge[] };
  readonly transaction: { readonly ask: { readonly id: number }; readonly answer: TransactionDetail | null };
  readonly failure: { readonly ask: { readonly path: DrillPath }; readonly answer: ErrorDetail | null };
  readonly node: { readonly ask: { readonly key: string }; readonly answer: NodeDetail | null };
};

export type QuestionName = keyof Questions;

export type ClientMessage = { readonly id: number; readonly question: QuestionName; readonly ask: unknown };

export type ServerMessage =
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** `error`: one sentence. */
  | { readonly kind: 'error'; readonly id: number; readonly error: string };

/** Longest message that a client may send, in bytes. */
export const MESSAGE_LIMIT = 256 * 1024;

/** Most nodes that one question may open. */
export const OPEN_LIMIT = 2000;

const QUESTIONS: ReadonlySet<string> = new Set<QuestionName>([
  'tree',
  'edges',
  'transaction',
  'failure',
  'node',
]);

/** Reads what a client sent; undefined if it is no message. Arguments are looked at by the question's own handler. */
export function parseClientMessage(text: string): ClientMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, question, ask } = value as Partial<Record<'id' | 'question' | 'ask', unknown>>;
  if (
    typeof id !== 'number' ||
    !Number.isSafeInteger(id) ||
    typeof question !== 'string' ||
    !QUESTIONS.has(question)
  )
    return undefined;
  return { id, question: question as QuestionName, ask };
}
