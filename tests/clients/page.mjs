// What a person does on the mock's page, in Chromium: one line per scenario, as judge.py reads it.
//
// Without Chromium (CHROMIUM, /usr/bin/chromium or /usr/bin/chromium-browser) or playwright-core it is skipped. With
// SCREENSHOTS=DIR it also saves the page at two widths, light and dark.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { MOCK, SEEDREAM, SCREENSHOTS } = process.env;
const client = 'chromium';
const paths = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const executablePath = paths.find(path => path && existsSync(path));
const { chromium } = await import('playwright-core').catch(() => ({}));
if (!chromium || !executablePath) {
  console.log(`skip\t${client}\t-\t-\t-\t-\t-\t${chromium ? 'no Chromium' : 'no playwright-core'}`);
  process.exit();
}

const port = new URL(MOCK).port;
const model = 'doubao-seedream-4-0-250828';
const create = 'ark/api/v3/images/generations';
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const quiet = ['--disable-background-networking', '--disable-component-update'];
// Names of other sites that lead to this machine.
const names = '--host-resolver-rules=MAP *.example 127.0.0.1';
const browser = await chromium.launch({ executablePath, args: [...flags, ...quiet, names] });
const version = browser.version();

const json = { 'content-type': 'application/json', authorization: 'Bearer sk-anything' };
async function post(session, path, members, url = MOCK) {
  return fetch(`${url}/s/${session}/${path}`, { method: 'POST', headers: json, body: JSON.stringify(members) });
}
async function admin(route, session, url = MOCK) {
  return (await fetch(`${url}/__mock/v1/${route}?session=${session}`)).json();
}

// The page, once it is live, with the session selected.
async function opened(session, { url = MOCK, options } = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(15000);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', error => page.problems.push(error.message));
  page.on('console', message => message.type() === 'error' && page.problems.push(message.text()));
  page.hosts = new Set();
  page.on('request', request => page.hosts.add(new URL(request.url()).host));
  await page.goto(url);
  await page.getByText('live', { exact: true }).waitFor();
  if (session) {
    await page.getByLabel('Session', { exact: true }).selectOption(session);
    await page.getByText('live', { exact: true }).waitFor();
  }
  return page;
}
const rows = page => page.locator('#requests tbody tr');
async function closed(page) {
  assert.deepEqual(page.problems, []);
  assert.deepEqual([...page.hosts].filter(host => host && host !== new URL(page.url()).host), []);
  await page.context().close();
}

async function scenario(name, posts, billed, run) {
  try {
    console.log(`ok\t${client}\t${version}\t${name}\t${posts}\t${billed}\t0\t${await run(`${client}-${name}`)}`);
  } catch (error) {
    console.log(`FAIL\t${client}\t${version}\t${name}\t${posts}\t${billed}\t0\t${String(error.message).split('\n').join(' ')}`);
  }
}

await scenario('page', 1, 1, async session => {
  const page = await opened();
  await post(session, create, { model, prompt: 'a kite on a page' });
  const row = rows(page).filter({ hasText: 'a kite on a page' });
  await row.waitFor();
  await page.waitForFunction(it => it.naturalWidth === 256, await row.locator('img').elementHandle());
  await row.getByRole('button', { name: /Open image 1/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2048×2048 jpeg').waitFor();
  await page.waitForFunction(() => document.querySelector('dialog img').naturalWidth === 2048);
  assert.match(await dialog.textContent(), /derived: made by the rules.*Request body.*"prompt": "a kite on a page"/s);
  await page.keyboard.press('Escape');
  assert.equal(await dialog.count(), 0);
  assert.equal((await admin('journal', session)).count, 1, 'a look leaves no trace');
  await closed(page);
  return 'a request appears by itself, and its image opens';
});

await scenario('page-text', 1, 1, async session => {
  const prompt = '<script>document.title="canary"</script><img src=x onerror=\'document.title="canary"\'>';
  await post(session, create, { model, prompt });
  const page = await opened(session);
  await rows(page).getByText(prompt).waitFor();
  await rows(page).locator('button.link').click();
  await page.getByRole('dialog').getByText('onerror').first().waitFor();
  assert.equal(await page.title(), 'Seedream mock');
  assert.equal(await page.locator('main script, main img[onerror], dialog script, dialog img[onerror]').count(), 0);
  await closed(page);
  return 'a prompt with a script stays text';
});

await scenario('page-controls', 3, 5, async session => {
  await post(session, 'evolink/v1/images/generations', { model: 'doubao-seedream-4.5', prompt: 'two views of a kite', n: 2 });
  const page = await opened(session);
  const [{ id }] = (await admin('tasks', session)).tasks;
  await page.getByText(id).waitFor();
  await page.getByRole('button', { name: 'Complete', exact: true }).click();
  await page.locator('#tasks').getByText('completed', { exact: true }).waitFor();
  assert.equal((await admin('tasks', session)).tasks[0].status, 'completed');

  const before = Date.parse((await admin('clock', session)).now);
  await page.getByRole('button', { name: '+1 h' }).click();
  await page.getByText('The clock moved by 1h').waitFor();
  const ahead = Date.parse((await admin('clock', session)).now) - before;
  assert.ok(ahead >= 3600e3 && ahead < 3700e3, `${ahead} ms`);
  assert.ok(Math.abs(Date.parse((await admin('clock', 'another')).now) - Date.now()) < 60e3, 'another session has its own');

  await page.getByLabel('Fault to add').fill('status=503');
  await page.keyboard.press('Enter');
  await page.locator('#faults').getByText('status=503').waitFor();
  assert.equal((await post(session, create, { model, prompt: 'a kite' })).status, 503);
  await rows(page).getByText('503').first().waitFor();
  await page.getByRole('button', { name: 'Remove the fault status=503' }).click();
  await page.locator('#faults').getByText('None').waitFor();
  const group = { model, prompt: '3 images of a kite', sequential_image_generation: 'auto' };
  assert.equal((await post(session, create, group)).status, 200);
  await page.locator('#bill').getByText('5 images').first().waitFor();
  assert.match(await page.locator('#bill').textContent(), /sha256:[0-9a-f]+ · 5 images/);
  await closed(page);
  return 'ends a task, moves the clock of a session, sets and removes a fault, reads the bill';
});

await scenario('page-fixture', 1, 1, async session => {
  await post(session, create, { model, prompt: `a kite that's saved` });
  const page = await opened(session);
  await rows(page).locator('button.link').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as fixture' }).click()]);
  const folder = mkdtempSync(join(tmpdir(), 'seedream-page-'));
  mkdirSync(join(folder, 'ark/generate'), { recursive: true });
  await download.saveAs(join(folder, 'ark/generate', download.suggestedFilename()));
  assert.match(execFileSync(SEEDREAM, ['mock', 'check', folder], { encoding: 'utf8' }), /1 exchanges.*no problems/);

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByText('Copied the curl command').waitFor();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  const replay = curl.replace(`/s/${session}/`, `/s/${session}-curl/`);
  assert.equal(JSON.parse(execFileSync('sh', ['-c', `${replay} -s`], { encoding: 'utf8' })).data.length, 1);
  await closed(page);
  return 'saves a fixture that mock check accepts, and copies a curl command that works';
});

await scenario('page-origins', 2, 2, async session => {
  // Pages of two sites: one of this machine, one of another.
  const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>site</title>'));
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const at = host => `http://${host}:${site.address().port}`;
  const page = await browser.newPage();
  const ask = (url, init) => page.evaluate(([url, init]) => fetch(url, init).then(response => response.status, error => error.name), [url, init]);
  const generate = { method: 'POST', headers: json, body: JSON.stringify({ model, prompt: 'a kite' }) };
  const simple = { method: 'POST', body: '{"validate":"off"}' };
  await page.goto(at('localhost'));
  assert.equal(await ask(`${MOCK}/s/${session}/${create}`, generate), 200);
  await page.goto(at('app.example'));
  assert.equal(await ask(`${MOCK}/s/${session}/${create}`, generate), 'TypeError', 'the preflight is refused');
  assert.equal(await ask(`${MOCK}/__mock/v1/settings`, simple), 'TypeError');
  // A name of the other site that leads to the mock: the page has the mock's own origin there.
  await page.goto(`http://app.example:${port}/`);
  assert.equal(await ask(`/__mock/v1/settings`, simple), 403);
  assert.equal(await ask(`/__mock/v1/journal`), 403);
  assert.equal((await admin('settings', session)).settings.validate, 'strict');
  await page.close();
  site.close();
  await post(session, create, { model, prompt: 'a second kite' });
  return 'a page of this machine generates; pages of other sites neither read nor change the mock, under no name';
});

await scenario('page-token', 0, 0, async () => {
  const mock = spawn(SEEDREAM, ['mock', 'serve', '--admin-token', 'tok']);
  const [line] = await once(mock.stdout.setEncoding('utf8'), 'data');
  const { url } = JSON.parse(line);
  try {
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    for (const token of ['wrong', 'tok']) {
      await page.getByLabel('Token', { exact: true }).fill(token);
      await page.getByRole('button', { name: 'Open', exact: true }).click();
      if (token === 'wrong') await page.getByText('The mock has another token.').waitFor();
    }
    await page.getByText('live', { exact: true }).waitFor();
    await post('blue', create, { model, prompt: 'a kite behind a token' }, url);
    await rows(page).getByText('a kite behind a token').waitFor();
    await page.waitForFunction(() => document.querySelector('#requests img').naturalWidth > 0);
    assert.equal(page.url(), `${url}/`);
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    await page.context().close();
  } finally {
    mock.kill();
  }
  return 'asks for the token, and keeps it neither in the URL nor in the browser';
});

await scenario('page-many', 0, 0, async session => {
  const mock = spawn(SEEDREAM, ['mock', 'serve', '--journal', '10000']);
  const [line] = await once(mock.stdout.setEncoding('utf8'), 'data');
  const { url } = JSON.parse(line);
  try {
    const send = async from => {
      for (let number = from; number < 10000; number += 20) await (await fetch(`${url}/s/${session}/nowhere/${number}`)).text();
    };
    const page = await opened(undefined, { url });
    await Promise.all(Array.from({ length: 20 }, (_, from) => send(from)));
    await fetch(`${url}/s/${session}/last`);
    await rows(page).getByText('/last').waitFor();
    assert.equal(await rows(page).count(), 100);
    assert.ok((await page.locator('*').count()) < 3000);
    const oldest = Number(await rows(page).last().getAttribute('data-ordinal'));
    await page.getByRole('button', { name: 'Older requests' }).click();
    await page.waitForFunction(oldest => Number(document.querySelector('#requests tbody tr').dataset.ordinal) < oldest, oldest);
    assert.equal(await rows(page).count(), 50);
    await page.getByRole('button', { name: 'Newest requests' }).click();
    await rows(page).getByText('/last').waitFor();
    await page.context().close();
  } finally {
    mock.kill();
  }
  return '10,000 requests: 100 rows, in pages';
});

await scenario('page-small', 1, 3, async session => {
  const group = { model, prompt: '3 images of a kite over the sea', sequential_image_generation: 'auto' };
  await post(session, create, group);
  for (const width of [360, 1280]) {
    const page = await opened(session, { options: { viewport: { width, height: 800 } } });
    await rows(page).locator('button.link').waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    // Without scrolling: a base URL to set, and a request with its images and its bill.
    const first = await page.locator('#requests img').first().boundingBox();
    assert.ok(first.y + first.height < 800 && (await page.locator('#bases code:visible').first().boundingBox()).y < first.y, `${width}: ${first.y}`);
    await page.locator(width === 360 ? '#summary' : '#bill').getByText('3 images').first().waitFor();
    // By keyboard alone: to the request, into its dialog and back.
    await page.getByLabel('Status', { exact: true }).focus();
    for (let step = 0; step < 10 && !(await page.evaluate(() => document.activeElement.matches('#requests button.link'))); step++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('2048×2048 jpeg').first().waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Close');
    await page.keyboard.press('Enter');
    assert.ok(await page.evaluate(() => document.activeElement.matches('#requests button.link')), 'the focus comes back');
    // Everything that can be used has a name, and nothing hides its text.
    const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input, select')].filter(it => !(it.textContent.trim() || it.getAttribute('aria-label') || it.labels?.length)).map(it => it.outerHTML));
    assert.deepEqual(unnamed, []);
    await closed(page);
  }
  return 'at 360 and at 1280 pixels, by keyboard, with names for screen readers';
});

if (SCREENSHOTS) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await opened(undefined, { options: { viewport: { width, height: 800 }, colorScheme } });
      await page.waitForLoadState('networkidle').catch(() => {});
      await page.screenshot({ path: join(SCREENSHOTS, `page-${width}-${colorScheme}.png`) });
      await page.context().close();
    }
  }
}
await browser.close();
