// SPDX-License-Identifier: Apache-2.0
// `sonde list fields|events|views`.

import { InputError } from '../../engine/base/errors.ts';
import { EVENT_TYPES, type Param } from '../../engine/event/schema.ts';
import { FIELD_CLASSES } from '../../engine/field/registry.ts';
import { VIEWS } from '../../engine/view/views.ts';

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function wrap(text: string, indent: string, width: number): string {
  let line = '';
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
}

const NAME_WIDTH = 30;
const TEXT_WIDTH = 90;
const ARGUMENT = { none: '', required: '.x', optional: '[.x]' } as const;

export function listFields(verbose: boolean): void {
  for (const { name, title, fields } of FIELD_CLASSES) {
    write(`\n${name}: ${title}\n`);
    for (const field of fields) {
      const head = `${field.name}${ARGUMENT[field.arg]}`;
      const only =
        field.only === 'filter' ? ' (only in filters)' : field.only === 'print' ? ' (only in formats)' : '';
      const type = verbose ? ` [${field.type}]` : '';
      const indent = ' '.repeat(NAME_WIDTH + 1);
      const gap = head.length >= NAME_WIDTH ? `${head}\n${indent}` : head.padEnd(NAME_WIDTH + 1);
      write(`${gap}${wrap(`${field.description}${only}${type}`, indent, TEXT_WIDTH)}`);
    }
  }
}

const params = (list: readonly Param[]): string =>
  list.map((param) => `${param.type} ${param.name}`).join(', ');

export function listEvents(): void {
  for (const type of EVENT_TYPES) write(`${type.isExit ? '<' : '>'} ${type.name}(${params(type.params)})`);
}

function listViews(): void {
  for (const view of VIEWS) write(`${view.id.padEnd(14)}${view.title}: ${view.description}`);
}

/** @throws InputError for something there is no list of */
export function list(what: string, verbose: boolean): number {
  if (what === 'fields') listFields(verbose);
  else if (what === 'events') listEvents();
  else if (what === 'views') listViews();
  else
    throw new InputError(
      'usage',
      `there is no list of "${what}"; there are lists of fields, events and views`,
    );
  return 0;
}
