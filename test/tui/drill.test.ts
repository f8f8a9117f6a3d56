// SPDX-License-Identifier: Apache-2.0
// The terminal face in tmux: from the first screen to a header line and to a path, by Enter and arrows alone.

import { afterEach, describe, expect, test } from 'vitest';
import { sharedCapture } from '../support/shared.ts';
import { has, SAMPLE, waitFor } from '../support/sonde.ts';
import { Tmux } from '../support/tmux.ts';

let tmux: Tmux | undefined;
afterEach(() => {
  tmux?.close();
  tmux = undefined;
});

const open = (...args: ConstructorParameters<typeof Tmux>): Tmux => (tmux = new Tmux(...args));
const capture = sharedCapture('502Error.scap') ?? '';

const cursorOf = (screen: Tmux): string =>
  screen
    .screen()
    .split('\n')
    .find((line) => line.startsWith('›')) ?? '';

/** Moves the cursor to the row that matches: down, and if it is not there up. */
async function goTo(screen: Tmux, row: RegExp): Promise<void> {
  await screen.see(/^›/m);
  for (const key of ['Down', 'Up']) {
    for (let i = 0; i < 45; i++) {
      const before = cursorOf(screen);
      if (row.test(before)) return;
      screen.keys(key);
      const moved = Date.now() + 400;
      while (cursorOf(screen) === before && Date.now() < moved) await pause(20);
      if (cursorOf(screen) === before) break;
    }
  }
  throw new Error(`no row ${row}:\n${screen.screen()}`);
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

describe.skipIf(!has('tmux'))('sonde top (needs tmux)', () => {
  describe.skipIf(capture === '')('on 502Error.scap (needs the shared captures)', () => {
    test('from the first screen to the response header lines of the 502', async () => {
      const screen = open(['top', '-r', capture]);
      // read to its end: while it is read, rows still change places under the keys
      await screen.see(/280 errors/);
      await screen.see(/example2_lb_1/);
      await goTo(screen, /example2_lb_1/);
      screen.keys('Enter');
      await screen.see(/haproxy/);
      await goTo(screen, /haproxy\S* -f|haproxy.cfg/);
      screen.keys('Enter');
      await screen.see(/SECTION/);
      await goTo(screen, /HTTP/);
      screen.keys('Enter');
      await screen.see(/502 GET/);
      await goTo(screen, / 502 GET/);
      screen.keys('Enter');
      const shown = await screen.see(/HTTP\/1\.0 502 Bad Gateway/);
      expect(shown).toMatch(/Cache-Control +no-cache/);
      expect(shown).toMatch(/Connection +close/);
      expect(shown).toMatch(/haproxy \(13969\) in example2_lb_1/);
      expect(shown).toMatch(/cut by snaplen: captured 80B of 204B/);
    });

    test('from the first screen to ENOENT with its path', async () => {
      const screen = open(['top', '-r', capture]);
      await screen.see(/example2_lb_1/);
      screen.keys('End');
      await goTo(screen, /host/);
      screen.keys('Enter');
      await screen.see(/curl/);
      screen.keys('Enter');
      await screen.see(/SECTION/);
      await goTo(screen, /Errors/);
      screen.keys('Enter');
      await screen.see(/ENOENT/);
      await goTo(screen, /ENOENT.*(nscd\/socket|ld\.so\.nohwcap)/);
      screen.keys('Enter');
      const shown = await screen.see(/no such file or directory/);
      expect(shown).toMatch(/target +(\/var\/run\/nscd\/socket|\/etc\/ld\.so\.nohwcap)/);
      expect(shown).toMatch(/✗ .*(connect|access) res=-2\(ENOENT\)/);
      // and on to the events
      screen.keys('Enter');
      await screen.see(/LATENCY +ARGS/);
    });

    test('fifty times Down without a gap lands fifty rows on', async () => {
      const screen = open(['top', '-r', capture, '--path', 'events']);
      await screen.see(/^› +23 /m);
      const before = screen.screen();
      screen.keys(...Array.from({ length: 50 }, () => 'Down'));
      await waitFor(
        () => screen.screen() !== before,
        5000,
        () => screen.screen(),
      );
      // visible events are numbered with gaps: compare with what the engine lists
      const cursor = (): string =>
        screen
          .screen()
          .split('\n')
          .find((line) => line.startsWith('›')) ?? '';
      const { sonde, lines } = await import('../support/sonde.ts');
      const numbers = lines(sonde('-r', capture, '-p', '%evt.num').out);
      await waitFor(
        () => cursor().includes(` ${numbers[50]} `),
        5000,
        () => `wanted event ${numbers[50]}, and the cursor is at ${cursor()}`,
      );
    });
  });

  test('Backspace returns to exactly where one was', async () => {
    const screen = open(['top', '-r', SAMPLE, '--path', 'errors']);
    await screen.see(/ENOENT/);
    screen.keys('Down', 'Down', 'Down', '>');
    await screen.see(/PROCS▼|LAST▼/);
    screen.keys('Down', 'Down');
    await screen.see(/›/);
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    const before = screen.screen();
    screen.keys('Enter');
    await screen.see(/Samples, each with/);
    screen.keys('BSpace');
    await waitFor(
      () => screen.screen() === before,
      5000,
      () => `before:\n${before}\nafter:\n${screen.screen()}`,
    );
  });

  test('a filter: the mistake is shown while one types, the last good one stays', async () => {
    const screen = open(['top', '-r', SAMPLE, '--path', 'procs']);
    await screen.see(/nginx/);
    screen.keys('F4');
    await screen.see(/filter: /);
    screen.keys('-l', 'proc.nmae=curl');
    await screen.see(/\^+ there is no field "proc\.nmae"; did you mean proc\.name\?/);
    screen.keys('Enter');
    await screen.see(/filter: proc\.nmae=curl/);
    screen.keys('C-u');
    screen.keys('-l', 'proc.name=curl');
    await screen.see(/Enter takes the filter/);
    screen.keys('Enter');
    await waitFor(
      () => !/nginx/.test(screen.screen()) && /curl/.test(screen.screen()),
      5000,
      () => screen.screen(),
    );
  });

  test('search marks what it finds, and goes there', async () => {
    const screen = open(['top', '-r', SAMPLE, '--path', 'errors']);
    await screen.see(/ENOENT/);
    screen.keys('/');
    screen.keys('-l', 'missing');
    screen.keys('Enter');
    await screen.see(/^›.*missing\.html/m);
  });

  test('the terminal is as it was after a signal, and the exit line leads back', async () => {
    const screen = open(['top', '-r', SAMPLE]);
    await screen.see(/CONTAINER/);
    process.kill(screen.pid(), 'SIGTERM');
    const shown = await screen.see(/exit code 0/);
    expect(shown).toMatch(/To come back to this place: sonde top -r \S+ --path containers/);
    expect(shown).not.toMatch(/CONTAINER +CPU/);
  });

  test.each([
    [200, 60],
    [80, 24],
    [40, 10],
  ])('%i × %i: no line is too long, the crumb and the keys are there', async (columns, rows) => {
    const screen = open(['top', '-r', SAMPLE], { columns, rows });
    const shown = await screen.see(/host/);
    expect(shown.split('\n').length).toBeLessThanOrEqual(rows + 1);
    expect(shown).toMatch(/Containers/);
    expect(shown).toMatch(/Enter/);
  });

  test.each([{ NO_COLOR: '1' }, { TERM: 'vt100' }, { LANG: 'C', LC_ALL: 'C' }])(
    'a poor terminal: %o',
    async (env) => {
      const screen = open(['top', '-r', SAMPLE], { env });
      await screen.see(/host/);
      if ('NO_COLOR' in env) expect(screen.styled()).not.toMatch(/\x1b\[[\d;]*38;5;/);
      screen.keys('Enter');
      await screen.see(/nginx/);
    },
  );
});
