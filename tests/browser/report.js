// Looks at a report in a real browser, as tests/report.rs asks it to:
//
//   node report.js REPORT.html [FOLDER FOR PICTURES]
//
// The report must be of the scenario of that test. Ends with an error at the first thing that
// is not as it should be.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { pathToFileURL } = require('node:url');
const { chromium } = require('playwright-core');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

const [file, pictures] = process.argv.slice(2);
const url = pathToFileURL(path.resolve(file)).href;

function browserPath() {
  return execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
}

/** A page that keeps count of everything that it must not do. */
async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(`${message.type()}: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (request.url() !== url) wrong.push(`request: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(url);
  if (options.javaScriptEnabled !== false) {
    await page.waitForFunction(() => document.documentElement.dataset.ready === '1');
  }
  return { page, wrong };
}

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
}

const tests = {
  async 'user text is text'({ page }) {
    const about = await page.textContent('.about');
    assert.match(about, /<img src=x onerror=alert\(1\)> & <\/script><script>alert\(2\)<\/script>/);
    assert.match(await page.textContent('.verdict'), /1 of 3 expectations was broken/);
    assert.equal(await page.textContent('#command'), 'dhtsim run scenario.json --out again');
    assert.equal(await page.locator('.about img, .about script').count(), 0);
  },

  async 'a value is shown under the pointer'({ page }) {
    const figure = page.locator('[data-figure="0"]');
    await figure.scrollIntoViewIfNeeded();
    const mark = figure.locator('[data-e] circle').first();
    const box = await mark.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const shown = await figure.locator('.value').textContent();
    const expected = await page.evaluate(() => {
      const { figures } = JSON.parse(document.getElementById('data').textContent);
      const circle = document.querySelector('[data-figure="0"] [data-e] circle');
      const [x, y] = [Number(circle.getAttribute('cx')), Number(circle.getAttribute('cy'))];
      const points = figures[0].series.flatMap((series) => series.points.map((point) => [series.name, ...point]));
      return points.find((point) => point[1] === x && point[2] === y);
    });
    assert.ok(expected, 'the mark has a value');
    assert.ok(shown.includes(expected[0]) && shown.includes(String(expected[3])), `${shown} of ${expected}`);
    await picture(page, 'value');
    await page.mouse.move(2, 2);
    assert.equal(await figure.locator('.value').textContent(), '');
  },

  async 'values are reached by keys'({ page }) {
    const figure = page.locator('[data-figure="0"]');
    await figure.locator('.paper').focus();
    await page.keyboard.press('ArrowRight');
    const first = await figure.locator('.value').textContent();
    await page.keyboard.press('ArrowRight');
    const second = await figure.locator('.value').textContent();
    assert.ok(first !== '' && second !== '' && first !== second, `${first} then ${second}`);
    await page.keyboard.press('Escape');
    assert.equal(await figure.locator('.value').textContent(), '');
  },

  async 'the legend hides and shows series'({ page }) {
    const figure = page.locator('[data-figure="0"]');
    const entry = figure.locator('[data-l][role=button]').first();
    const own = await entry.getAttribute('data-l');
    const marks = figure.locator(`[data-e~="${own}"]`);
    assert.ok(await marks.count() > 0);
    assert.ok(await marks.first().isVisible());
    await entry.click();
    assert.equal(await entry.getAttribute('aria-pressed'), 'false');
    for (const mark of await marks.all()) assert.equal(await mark.isVisible(), false);
    await entry.focus();
    await page.keyboard.press('Enter');
    assert.equal(await entry.getAttribute('aria-pressed'), 'true');
    assert.ok(await marks.first().isVisible());
  },

  async 'faults are marked over time'({ page }) {
    const texts = await page.locator('#plots [data-l]').allTextContents();
    assert.ok(texts.some((text) => text.includes('restart: 6')), texts.join('; '));
    assert.match(await page.textContent('#faults'), /restart: 6 servers down/);
  },

  async 'tables sort'({ page }) {
    const table = page.locator('#results table').first();
    const heads = await table.locator('th').allTextContents();
    const column = heads.findIndex((head) => head.startsWith('hops mean'));
    assert.ok(column > 0, heads.join(', '));
    const values = async () => {
      const cells = await table.locator(`tbody td:nth-child(${column + 1})`).allTextContents();
      return cells.map(Number);
    };
    const button = table.locator('th button').nth(column);
    await button.click();
    const up = await values();
    assert.ok(up.length > 1 && up[0] < up.at(-1));
    assert.deepEqual(up, [...up].sort((a, b) => a - b));
    await button.click();
    assert.deepEqual(await values(), [...up].reverse());
    assert.equal(await table.locator('th').nth(column).getAttribute('aria-sort'), 'descending');
  },

  async 'a node shows what it knows'({ page }) {
    const ring = page.locator('#ring');
    await ring.scrollIntoViewIfNeeded();
    const mark = ring.locator('[data-node]').nth(3);
    const node = Number(await mark.getAttribute('data-node'));
    await mark.click();
    const known = await page.evaluate((number) => {
      const film = JSON.parse(document.getElementById('data').textContent).ring;
      let state;
      for (const [, changed] of film.frames) for (const one of changed) if (one[0] === number) state = one;
      return { id: film.nodes[number][1], before: film.nodes[state[2]][1], next: film.nodes[state[3][0]][1], keys: state[5] };
    }, node);
    const text = await ring.locator('#ring-node').textContent();
    for (const part of ['predecessor', 'successors', 'fingers', known.id, known.before.slice(0, 8), known.next.slice(0, 8), `owns ${known.keys}`]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.ok(await ring.locator('.pointer.finger').count() > 0);
    assert.ok(await ring.locator('.pointer.next').count() > 0);
    await picture(page, 'node');
    // To its successor, by the link.
    await ring.locator('#ring-node dd .link').nth(1).click();
    assert.ok((await ring.locator('#ring-node h3').textContent()).includes(known.next));
    // Round the ring by keys.
    await ring.locator('[data-node][tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const third = await ring.locator('#ring-node h3').textContent();
    assert.ok(!third.includes(known.next) && third.startsWith('Node '), third);
  },

  async 'a lookup is stepped through'({ page }) {
    const ring = page.locator('#ring');
    const route = await page.evaluate(() => {
      const film = JSON.parse(document.getElementById('data').textContent).ring;
      const [key, owner, ...path] = film.routes.reduce((a, b) => (b.length > a.length ? b : a));
      return { key, path, owner: film.nodes[owner][1], ids: path.map((node) => film.nodes[node][1]) };
    });
    assert.ok(route.path.length > 2, 'some lookup takes two hops');
    await ring.locator('#ring-key').selectOption(String(route.key));
    await ring.locator('#ring-start').selectOption(String(route.path[0]));
    const hops = ring.locator('#ring-way li');
    assert.equal(await hops.count(), 1);
    for (let hop = 1; hop < route.path.length; hop += 1) {
      await ring.locator('#ring-step').click();
      assert.equal(await hops.count(), hop + 1);
      assert.ok((await hops.last().textContent()).startsWith(route.ids[hop].slice(0, 8)));
      assert.equal(await ring.locator('path.pointer.way').count(), hop);
    }
    await picture(page, 'lookup');
    const said = await ring.locator('#ring-way').textContent();
    assert.ok(said.includes(`Answered after ${route.path.length - 1} hops`) && said.includes(route.owner.slice(0, 8)), said);
    assert.equal(await ring.locator('path.pointer.answer').count(), 1);
    assert.ok(await ring.locator('#ring-step').isDisabled());
    await ring.locator('#ring-back').click();
    assert.equal(await hops.count(), route.path.length - 1);
    await ring.locator('#ring-all').click();
    assert.equal(await hops.count(), route.path.length);
    // A key of the ring begins anew.
    await ring.locator('.key').nth(1).click();
    assert.equal(await hops.count(), 1);
    assert.equal(await ring.locator('#ring-key').inputValue(), '1');
  },

  async 'time is scrubbed through'({ page }) {
    const ring = page.locator('#ring');
    const now = () => ring.locator('#ring-now').textContent();
    const slider = ring.locator('input[type=range]');
    await slider.focus();
    await page.keyboard.press('Home');
    assert.match(await now(), /^0 s: 24 up, every successor right/);
    assert.equal(await ring.locator('[data-node]').count(), 24);
    await ring.locator('.events button', { hasText: 'servers down' }).click();
    assert.match(await now(), /^20 s: 18 up, .*6 gone .*wrong successor/);
    assert.equal(await ring.locator('[data-node]').count(), 18);
    assert.equal(await ring.locator('path.gone').count(), 6);
    const lost = ring.locator('.spin.lost').first();
    await lost.click();
    assert.match(await ring.locator('#ring-node').textContent(), /✗ not up/);
    assert.ok(await ring.locator('.pointer.stale').count() > 0);
    await picture(page, 'crash');
    await ring.locator('#ring-later').click();
    assert.equal(await ring.locator('path.gone').count(), 0);
    await ring.locator('#ring-earlier').click();
    assert.match(await now(), /^20 s/);
    await slider.focus();
    await page.keyboard.press('End');
    assert.match(await now(), /^60 s: 24 up, .*every successor right/);
    await ring.locator('#ring-play').click();
    assert.match(await now(), /^0 s/);
    await page.waitForFunction(() => !document.getElementById('ring-now').textContent.startsWith('0 s'));
    await ring.locator('#ring-play').click();
    assert.match(await ring.locator('#ring-play').textContent(), /Play/);
  },

  async 'it is light and dark'({ page }) {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await ground();
    await page.click('#theme');
    const after = await ground();
    assert.notEqual(before, after);
    await picture(page, 'dark');
    await page.click('#theme');
    assert.equal(await ground(), before);
  },

  async 'the scenario can be saved'({ page }) {
    await page.locator('#again summary').first().click();
    const waiting = page.waitForEvent('download');
    await page.click('#save');
    const saved = await waiting;
    assert.equal(saved.suggestedFilename(), 'scenario.json');
  },

  async 'it fits a narrow window'({ page }) {
    await page.setViewportSize({ width: 390, height: 800 });
    const [inside, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(inside <= window, `${inside} in ${window}`);
    await picture(page, 'narrow');
    await page.setViewportSize({ width: 1200, height: 900 });
  },

  async 'it prints'({ page }) {
    await page.setViewportSize({ width: 720, height: 1000 });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
    assert.equal(await page.locator('nav').isVisible(), false);
    assert.equal(await page.locator('#messages details').isVisible(), false);
    const [inside, sheet] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(inside <= sheet, `${inside} in ${sheet}`);
    await picture(page, 'print');
    await page.emulateMedia({ media: 'screen', colorScheme: 'light' });
    await page.setViewportSize({ width: 1200, height: 900 });
  },
};

async function main() {
  const browser = await chromium.launch({ executablePath: browserPath(), headless: true, args: FLAGS });
  try {
    const opened = await open(browser, { colorScheme: 'light' });
    await picture(opened.page, 'light');
    for (const [name, test] of Object.entries(tests)) {
      try {
        await test(opened);
        assert.deepEqual(opened.wrong, []);
      } catch (error) {
        error.message = `${name}: ${error.message}`;
        throw error;
      }
    }

    // The policy holds, whatever may get in. That it complains about it is right.
    const asked = await opened.page.evaluate(() => fetch('https://example.org/').then(() => 'got it', () => 'refused'));
    assert.equal(asked, 'refused');
    assert.match(opened.wrong.join(), /Content Security Policy/);

    const still = await open(browser, { javaScriptEnabled: false });
    assert.equal(await still.page.locator('#ring-still .node').count(), 24);
    assert.ok(await still.page.locator('.plot svg').first().isVisible());
    assert.ok(await still.page.locator('#results table').first().isVisible());
    assert.equal(await still.page.locator('#theme').isVisible(), false);
    assert.deepEqual(still.wrong, []);
    await picture(still.page, 'still');
  } finally {
    await browser.close();
  }
}

main().then(() => console.log(`${Object.keys(tests).length} tests in the browser passed`), (error) => {
  console.error(error);
  process.exit(1);
});
