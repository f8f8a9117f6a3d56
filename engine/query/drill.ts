// SPDX-License-Identifier: Apache-2.0
// The drill path: where a person is, from the whole machine down. Terminal, web and command line hold the same value; it prints
// as part of a URL, as one argument of a command, and as a breadcrumb.
//
//   containers=example2_lb_1/procs=13969/http=81     the 81st transaction, of process 13969, in that container
//   procs                                            all processes
//
// Every step but the last has a key: the row that was entered. The last step's view is what is on screen.

import { InputError } from '../base/errors.ts';

export type DrillStep = {
  readonly view: string;
  /** Row that was entered (Row.key); absent in the step on screen. */
  readonly key?: string;
  /** What the breadcrumb calls the row, where the key is not fit to read. */
  readonly label?: string;
};

export type DrillPath = {
  readonly steps: readonly DrillStep[];
  /** A filter over everything, in the filter language. */
  readonly filter?: string;
  /** [from, to) in RelativeNs. */
  readonly range?: { readonly from: number; readonly to: number };
};

/** The view on screen. */
export function currentView(path: DrillPath): string {
  return path.steps.at(-1)?.view ?? 'containers';
}

/** Enters a row of the view on screen and shows `view` for it. */
export function drillInto(path: DrillPath, key: string, view: string, label?: string): DrillPath {
  const current = currentView(path);
  const entered: DrillStep = label === undefined ? { view: current, key } : { view: current, key, label };
  return { ...path, steps: [...path.steps.slice(0, -1), entered, { view }] };
}

/** Shows another view of the same selection. */
export function switchView(path: DrillPath, view: string): DrillPath {
  return { ...path, steps: [...path.steps.slice(0, -1), { view }] };
}

const encode = (text: string): string => encodeURIComponent(text).replace(/%3A/g, ':').replace(/%2C/g, ',');

/** One line of text without blanks, fit for a URL fragment and a shell. Filter and range are not part of it. */
export function formatSteps(steps: readonly DrillStep[]): string {
  return steps
    .map((step) => (step.key === undefined ? step.view : `${step.view}=${encode(step.key)}`))
    .join('/');
}

/**
 * Reads what formatSteps() wrote.
 *
 * @throws InputError `bad-path`
 */
export function parseSteps(text: string): DrillStep[] {
  const steps = text
    .split('/')
    .filter((part) => part !== '')
    .map((part): DrillStep => {
      const [view = '', key] = part.split('=', 2);
      if (!/^[a-z][a-z0-9_]*$/.test(view))
        throw new InputError('bad-path', `"${part}" is no step of a path: write VIEW or VIEW=KEY`);
      if (key === undefined) return { view };
      try {
        return { view, key: decodeURIComponent(key) };
      } catch {
        throw new InputError('bad-path', `"${part}" has a damaged percent escape`);
      }
    });
  return steps;
}

/** The names from the machine down, for a breadcrumb. */
export function breadcrumb(path: DrillPath): string[] {
  return path.steps.flatMap((step) => (step.key === undefined ? [] : [step.label ?? step.key]));
}
