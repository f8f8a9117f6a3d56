// SPDX-License-Identifier: Apache-2.0
// The keys, in one table: what the program does on them, what the footer and the help say.

export type Command =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'first'
  | 'last'
  | 'enter'
  | 'back'
  | 'nextView'
  | 'previousView'
  | 'views'
  | 'events'
  | 'sortNext'
  | 'sortPrevious'
  | 'invert'
  | 'find'
  | 'findNext'
  | 'findPrevious'
  | 'filter'
  | 'pause'
  | 'secrets'
  | 'yank'
  | 'map'
  | 'help'
  | 'quit';

export type KeyRow = {
  readonly command: Command;
  /** Names as terminal.ts gives them. */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly title: string;
  /** Short word in the footer, for the keys that a newcomer needs. */
  readonly footer?: string;
};

export const KEYS: readonly KeyRow[] = [
  {
    command: 'enter',
    keys: ['enter', 'l'],
    shown: 'Enter',
    title: 'go into the row: container, process, connection, request, event',
    footer: 'open',
  },
  {
    command: 'back',
    keys: ['backspace', 'escape', 'H'],
    shown: 'Backspace',
    title: 'go up, to exactly where you were',
    footer: 'back',
  },
  {
    command: 'nextView',
    keys: ['right', 'tab'],
    shown: '→ Tab',
    title: 'the next view of the same selection',
    footer: 'view',
  },
  { command: 'previousView', keys: ['left', 'S-tab'], shown: '← S-Tab', title: 'the view before' },
  { command: 'views', keys: ['f2'], shown: 'F2', title: 'choose a view' },
  {
    command: 'events',
    keys: ['f6', 'd', 'f5', 'e'],
    shown: 'F6 d',
    title: 'the events of the row',
    footer: 'events',
  },
  { command: 'find', keys: ['/', 'C-f'], shown: '/', title: 'search the rows', footer: 'search' },
  { command: 'findNext', keys: ['n', 'f3'], shown: 'n F3', title: 'next match' },
  { command: 'findPrevious', keys: ['N', 'S-f3'], shown: 'N', title: 'match before' },
  {
    command: 'filter',
    keys: ['f4', '\\'],
    shown: 'F4',
    title: 'filter everything, as in: evt.failed=true and fd.port=80',
    footer: 'filter',
  },
  { command: 'sortNext', keys: ['>', 'f9'], shown: '> F9', title: 'sort by the next column', footer: 'sort' },
  { command: 'sortPrevious', keys: ['<'], shown: '<', title: 'sort by the column before' },
  { command: 'invert', keys: ['I'], shown: 'I', title: 'turn the order around' },
  {
    command: 'pause',
    keys: ['p'],
    shown: 'p',
    title: 'hold the picture; the capture goes on',
    footer: 'pause',
  },
  { command: 'secrets', keys: ['M'], shown: 'M', title: 'show or hide cookies and authorization headers' },
  { command: 'yank', keys: ['y'], shown: 'y', title: 'copy the row to the clipboard' },
  { command: 'map', keys: ['o'], shown: 'o', title: 'where the map of the same events is' },
  { command: 'up', keys: ['up', 'k'], shown: '↑ k', title: 'up' },
  { command: 'down', keys: ['down', 'j'], shown: '↓ j', title: 'down' },
  { command: 'pageUp', keys: ['pageup', 'C-u', 'C-b'], shown: 'PgUp', title: 'a page up' },
  { command: 'pageDown', keys: ['pagedown', 'C-d', 'space'], shown: 'PgDn', title: 'a page down' },
  { command: 'first', keys: ['home', 'g'], shown: 'Home g', title: 'to the first row' },
  { command: 'last', keys: ['end', 'G'], shown: 'End G', title: 'to the last row' },
  { command: 'help', keys: ['?', 'f1', 'h'], shown: '?', title: 'this help', footer: 'help' },
  { command: 'quit', keys: ['q', 'f10', 'C-c'], shown: 'q', title: 'quit', footer: 'quit' },
];

const byKey = new Map<string, Command>();
for (const row of KEYS) for (const key of row.keys) byKey.set(key, row.command);

export function commandOf(key: string): Command | undefined {
  return byKey.get(key);
}
