// Looks at a report in a real browser, as tests/report.rs asks it to:
//
//   node report.js REPORT.html SEVERAL.html [FOLDER FOR PICTURES]
//
// The reports must be of the scenario of that test, the second one with two rings. Ends with an error at the first thing that
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

const [file, several, pictures] = process.argv.slice(2);

function browserPath() {
  return execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
}

/** A page that keeps count of everything that it must not do. */
async function open(browser, name, options = {}) {
  const url = pathToFileURL(path.resolve(name)).href;
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
      for (const cell of cells) assert.match(cell, /^[\d.]+ ± [\d.]+$/);
      return cells.map((cell) => Number(cell.split(' ')[0]));
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
      const film = JSON.parse(document.getElementById('data').textContent).rings[0];
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
      const film = JSON.parse(document.getElementById('data').textContent).rings[0];
      const [key, [, owner, path]] = film.asked.at(-1)[1].reduce((a, b) => (b[1][2].length > a[1][2].length ? b : a));
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

  async 'a lookup is asked at the moment that is shown'({ page }) {
    const ring = page.locator('#ring');
    const way = ring.locator('#ring-way');
    await ring.locator('.events button', { hasText: 'servers down' }).click();
    assert.match(await way.textContent(), /asked at this moment, 20 s/);
    const troubled = await page.evaluate(() => {
      const film = JSON.parse(document.getElementById('data').textContent).rings[0];
      const frame = film.frames.findIndex(([, , gone]) => gone.length > 0);
      const [, routes] = film.asked.find(([place]) => place === frame);
      const [key, [, , path, timeouts]] = routes.find(([, route]) => route.length > 3);
      return { key, path, timeouts, starts: new Set(routes.map(([, route]) => route[2][0])).size };
    });
    assert.equal(troubled.starts, 18);
    assert.equal(await ring.locator('#ring-start option').count(), 18);
    await ring.locator('#ring-key').selectOption(String(troubled.key));
    await ring.locator('#ring-start').selectOption(String(troubled.path[0]));
    assert.match(await ring.locator('#ring-now').textContent(), /^20 s/);
    await ring.locator('#ring-all').click();
    assert.equal(await way.locator('li').count(), troubled.path.length);
    const said = await way.textContent();
    assert.ok(said.includes('asked at 20 s') && said.includes('that it asked did not answer'), said);
    assert.ok(said.includes(`${troubled.timeouts.length} time-out`), said);
    await picture(page, 'lookup-in-trouble');
  },

  async 'lookups of the run are stepped through'({ page }) {
    const ring = page.locator('#ring');
    const way = ring.locator('#ring-way');
    await ring.locator('.events button', { hasText: 'servers down' }).click();
    const texts = await ring.locator('#ring-run option').allTextContents();
    assert.ok(texts.length > 2, texts.join('; '));
    const place = texts.findIndex((text) => text.includes('time-out'));
    assert.match(texts[place], /^(✓|✗|open) .*2\d[\d.]* s, key \S+ from \S+: \d+ hops?, \d+ time-outs?$/);
    assert.match(await ring.locator('#ring-run-text').textContent(), /^\d+ of the \d+ that the run asked/);
    await ring.locator('#ring-run').selectOption(String(place - 1));
    assert.equal(await way.locator('li').count(), 1);
    await ring.locator('#ring-all').click();
    const said = await way.textContent();
    assert.match(said, /asked at 2\d[\d.]* s in the run/);
    assert.match(said, /did not answer/);
    assert.match(await ring.locator('#ring-now').textContent(), /^20 s/);
    assert.ok(await ring.locator('.key.chosen').count() === 1);
    await picture(page, 'lookup-of-the-run');
    await ring.locator('#ring-later').click();
    assert.equal(await ring.locator('#ring-run').inputValue(), '');
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
    // What is closed or idle is not on the sheet, and no control.
    assert.equal(await page.locator('#messages').isVisible(), false);
    assert.equal(await page.locator('#ring fieldset').filter({ hasText: 'Time' }).first().isVisible(), true);
    for (const control of await page.locator('#ring select, #ring input, #ring .bar').all()) {
      assert.equal(await control.isVisible(), false);
    }
    const [inside, sheet] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(inside <= sheet, `${inside} in ${sheet}`);
    await picture(page, 'print');
    await page.emulateMedia({ media: 'screen', colorScheme: 'light' });
    await page.setViewportSize({ width: 1200, height: 900 });
  },
};

/** Where there are several rings, one is chosen. */
async function severalRings({ page, wrong }) {
  const ring = page.locator('#ring');
  const title = () => ring.locator('#ring-which').textContent();
  assert.match(await title(), /nodes = 24, repeat 1 of 0 to 1$/);
  await ring.locator('#ring-play').click();
  await ring.locator('#ring-choice').selectOption({ index: 1 });
  assert.match(await title(), /nodes = 12, repeat 1 of 0 to 1$/);
  assert.equal(await ring.locator('[data-node]').count(), 12);
  assert.equal(await ring.locator('fieldset').count(), 3);
  // The time of the first one stands still.
  await page.waitForTimeout(1500);
  assert.match(await ring.locator('#ring-now').textContent(), /^60 s/);
  await ring.locator('#ring-step').click();
  assert.equal(await ring.locator('path.pointer.way').count(), 1);
  await picture(page, 'several');
  await ring.locator('#ring-choice').selectOption({ index: 0 });
  assert.equal(await ring.locator('[data-node]').count(), 24);
  assert.deepEqual(wrong, []);
}

async function main() {
  const browser = await chromium.launch({ executablePath: browserPath(), headless: true, args: FLAGS });
  try {
    const opened = await open(browser, file, { colorScheme: 'light' });
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

    await severalRings(await open(browser, several));

    const still = await open(browser, file, { javaScriptEnabled: false });
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
