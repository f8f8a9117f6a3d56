// SPDX-License-Identifier: Apache-2.0
// The map in a real browser: by wheel alone from the whole machine to a header line and to a path.

import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedCapture } from '../support/shared.ts';
import { SAMPLE, start, waitFor, type Running } from '../support/sonde.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const SIZE = { width: 1280, height: 800 };

type Found = {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  readonly box: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
};
type MapHooks = { boxes(): Found[]; texts(): string[]; view(): number[]; idle(): boolean };
declare const __map: MapHooks;

describe.skipIf(CHROMIUM === undefined)('the map (needs chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--hide-scrollbars',
        '--force-device-scale-factor=1',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    });
  });
  const servers: Running[] = [];
  afterAll(async () => {
    await browser.close();
    await Promise.all(servers.map((server) => server.stop()));
  });

  async function open(capture: string): Promise<{ page: Page; navigations: string[] }> {
    const server = await start(['web', '-r', capture], /http:\S+/);
    servers.push(server);
    const url = /http:\S+/.exec(server.out())?.[0] ?? '';
    const page = await browser.newPage({ viewport: SIZE });
    const navigations: string[] = [];
    await page.goto(`${url}&testing=1`);
    page.on('request', (request) => {
      if (request.isNavigationRequest()) navigations.push(request.url());
    });
    await waitFor(
      async () => (await page.evaluate(() => __map.boxes().length)) > 1,
      15_000,
      () => 'the map is empty',
    );
    return { page, navigations };
  }

  /** Turns the wheel over a node until its box is as wide as wanted. */
  async function wheelTo(
    page: Page,
    name: string,
    kind: string,
    match: (name: string) => boolean,
    width: number,
  ): Promise<Found> {
    for (let turn = 0; turn < 300; turn++) {
      const found = (await page.evaluate(() => __map.boxes())).find(
        (item) => item.kind === kind && match(item.name),
      );
      if (found === undefined) {
        // its parent has just come into view
        await page.waitForTimeout(100);
        if (turn > 40) throw new Error(`no ${kind} ${name} on the map`);
        continue;
      }
      if (found.box.w >= width) return found;
      const x = Math.min(SIZE.width - 10, Math.max(10, found.box.x + found.box.w / 2));
      const y = Math.min(SIZE.height - 60, Math.max(10, found.box.y + found.box.h / 2));
      const header = SIZE.height - (await page.locator('#map').evaluate((map) => map.clientHeight));
      await page.mouse.move(x, y + header);
      await page.mouse.wheel(0, -200);
      await page.waitForTimeout(turn % 5 === 4 ? 150 : 30);
    }
    throw new Error(`the wheel does not lead to ${kind} ${name}`);
  }

  const texts = (page: Page): Promise<string[]> => page.evaluate(() => __map.texts());
  const shows = async (page: Page, text: string): Promise<void> => {
    await waitFor(
      async () => (await texts(page)).includes(text),
      10_000,
      () => `"${text}" is not on the map`,
    );
  };

  const capture = sharedCapture('502Error.scap') ?? '';
  test.skipIf(capture === '')(
    'by wheel to 502 Bad Gateway and to an ENOENT with its path; the address leads back',
    { timeout: 120_000 },
    async () => {
      const { page, navigations } = await open(capture);
      await wheelTo(page, 'example2_lb_1', 'container', (name) => name === 'example2_lb_1', 500);
      await wheelTo(page, 'haproxy', 'process', (name) => name.startsWith('haproxy'), 900);
      await wheelTo(page, '502', 'transaction', (name) => name.startsWith('502 '), 700);
      await shows(page, 'HTTP/1.0 502 Bad Gateway');
      await shows(page, 'Cache-Control');
      await shows(page, 'no-cache');
      await shows(page, '▮ cut by snaplen: captured 80B of 204B');
      await page.waitForTimeout(500);
      const place = await page.evaluate(() => ({ url: location.href, view: __map.view() }));

      const again = await browser.newPage({ viewport: SIZE });
      await again.context().addCookies(await page.context().cookies());
      await again.goto(place.url);
      await waitFor(
        async () => (await texts(again)).includes('HTTP/1.0 502 Bad Gateway'),
        15_000,
        () => 'the link does not lead back',
      );
      const view = await again.evaluate(() => __map.view());
      // within two pixels of a 1280 wide view
      view.forEach((part, i) =>
        expect(Math.abs(part - (place.view[i] ?? 0))).toBeLessThan((place.view[2] ?? 0) / 640),
      );
      await again.close();

      await page.keyboard.press('0');
      await page.waitForTimeout(2000);
      await wheelTo(page, 'host processes', 'container', (name) => name === 'host processes', 500);
      await wheelTo(page, 'curl', 'process', (name) => name.startsWith('curl '), 900);
      await wheelTo(page, 'ENOENT', 'errno', (name) => name === 'ENOENT', 400);
      await wheelTo(page, 'nscd', 'failure', (name) => name.includes('/var/run/nscd/socket'), 350);
      await shows(page, 'ENOENT');
      await shows(page, '/var/run/nscd/socket');
      await shows(page, 'no such file or directory');
      expect(navigations).toEqual([]);
      await page.close();
    },
  );

  test(
    'the sample: what is inside is in a list for who does not see, and Enter goes there',
    { timeout: 60_000 },
    async () => {
      const { page } = await open(SAMPLE);
      await waitFor(
        async () => (await page.locator('#below button').count()) > 0,
        10_000,
        () => 'the list is empty',
      );
      const crumbs = async (): Promise<string> => (await page.locator('#crumbs').textContent()) ?? '';
      const press = async (name: RegExp): Promise<void> => {
        const button = page.locator('#below button').filter({ hasText: name }).first();
        await waitFor(
          async () => (await button.count()) > 0,
          10_000,
          () => `the list has no ${name}`,
        );
        await button.focus();
        await page.keyboard.press('Enter');
      };
      // the only container fills the view from the start
      await waitFor(
        async () => (await crumbs()).includes('host processes'),
        10_000,
        () => 'the map does not say where it is',
      );
      await press(/^process nginx/);
      await waitFor(
        async () => (await crumbs()).includes('nginx'),
        10_000,
        () => 'the flight does not arrive',
      );
      await page.keyboard.press('Backspace');
      await waitFor(
        async () => !(await crumbs()).includes('nginx'),
        10_000,
        () => 'the way up does not work',
      );
      await page.close();
    },
  );
});
