// SPDX-License-Identifier: Apache-2.0
// Events that come from no thread: what container runtimes and user tables told.

import { parseContainer } from '../container.ts';
import type { HandlerTable, Machine } from '../machine.ts';

function containerJson(machine: Machine): void {
  addContainer(machine, machine.evt.text(0));
}

function addContainer(machine: Machine, json: string): void {
  const container = parseContainer(json);
  if (container !== undefined && container.id !== '') machine.containers.set(container.id, container);
}

/** The container event of sysdig 0.1.98 to 0.8, or JSON: both are called `container`. */
function containerEvent(machine: Machine): void {
  const { evt } = machine;
  if (evt.type.params[0]?.name === 'json') {
    containerJson(machine);
    return;
  }
  const [id, type, name, image] = [evt.text(0), evt.uint(1), evt.text(2), evt.text(3)];
  addContainer(machine, JSON.stringify({ container: { id, type, name, image } }));
}

function asyncEvent(machine: Machine): void {
  const { evt } = machine;
  if (evt.text(1) === 'container') addContainer(machine, evt.text(2));
}

/** Users and groups of a container are kept apart by current readers; here the host's count. */
function userAdded(machine: Machine): void {
  const { evt } = machine;
  if (evt.text(5) !== '') return;
  machine.users.set(evt.uint(0), {
    uid: evt.uint(0),
    gid: evt.uint(1),
    name: evt.text(2),
    home: evt.text(3),
    shell: evt.text(4),
  });
}

function userDeleted(machine: Machine): void {
  if (machine.evt.text(5) === '') machine.users.delete(machine.evt.uint(0));
}

function groupAdded(machine: Machine): void {
  const { evt } = machine;
  if (evt.text(2) === '') machine.groups.set(evt.uint(0), { gid: evt.uint(0), name: evt.text(1) });
}

function groupDeleted(machine: Machine): void {
  if (machine.evt.text(2) === '') machine.groups.delete(machine.evt.uint(0));
}

export const applyMeta: HandlerTable = {
  'container>': containerEvent,
  'asyncevent>': asyncEvent,
  'useradded>': userAdded,
  'userdeleted>': userDeleted,
  'groupadded>': groupAdded,
  'groupdeleted>': groupDeleted,
};
