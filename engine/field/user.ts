// SPDX-License-Identifier: Apache-2.0
// user.* and group.*: who runs the process.

import type { EventContext, Group, User } from '../state/context.ts';
import { NO_USER } from '../state/thread.ts';
import { field, type FieldClass } from './field.ts';

const user = (ctx: EventContext): User | undefined =>
  ctx.thread === undefined ? undefined : ctx.user(ctx.thread.uid);
const group = (ctx: EventContext): Group | undefined =>
  ctx.thread === undefined ? undefined : ctx.group(ctx.thread.gid);
const loginUser = (ctx: EventContext): User | undefined =>
  ctx.thread === undefined || ctx.thread.loginuid === NO_USER ? undefined : ctx.user(ctx.thread.loginuid);

export const USER: FieldClass = {
  name: 'user',
  title: 'the user that runs the process',
  fields: [
    field('user.uid', 'UINT32', 'thread', 'Number of the user.', ({ thread }) => thread?.uid),
    field('user.name', 'CHARBUF', 'user', 'Name of the user.', (ctx) => user(ctx)?.name),
    field('user.homedir', 'CHARBUF', 'user', 'Home directory of the user.', (ctx) => user(ctx)?.home),
    field('user.shell', 'CHARBUF', 'user', 'Shell of the user.', (ctx) => user(ctx)?.shell),
    field(
      'user.loginuid',
      'INT64',
      'thread',
      'Number of the user who logged in; -1 if nobody did.',
      ({ thread }) => (thread === undefined ? undefined : thread.loginuid === NO_USER ? -1 : thread.loginuid),
    ),
    field(
      'user.loginname',
      'CHARBUF',
      'user',
      'Name of the user who logged in.',
      (ctx) => loginUser(ctx)?.name,
    ),
  ],
};

export const GROUP: FieldClass = {
  name: 'group',
  title: 'the group of the process',
  fields: [
    field('group.gid', 'UINT32', 'thread', 'Number of the group.', ({ thread }) => thread?.gid),
    field('group.name', 'CHARBUF', 'user', 'Name of the group.', (ctx) => group(ctx)?.name),
  ],
};
