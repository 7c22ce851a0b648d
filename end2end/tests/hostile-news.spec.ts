import { createHash } from 'node:crypto';
import { quote } from '../helpers/desk.ts';
import { expect, test } from '../helpers/journey.ts';
import type { Server } from '../helpers/server.ts';

const token = 'a token of the journeys alone';
const grant = `journeys:${createHash('sha256').update(token).digest('hex')}`;

/**
 * A server that has only what the journey publishes, so that no simulated story is mistaken for one
 * of these.
 */
const deskAlone = ['--feed', 'none', '--publish-token', grant];

/** Publishes a quote, so that the symbol is known, and then stories. */
async function publish(server: Server, ...stories: object[]): Promise<Response> {
  return await fetch(`${server.url}/publish`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: [quote('GOOG', '600'), ...stories.map((data) => ({ event: 'news', data }))]
      .map((event) => JSON.stringify(event))
      .join('\n'),
  });
}

const story = (id: string, rest: object) => ({
  id: `test:${id}`,
  type: 'headline',
  basis: 'native',
  symbols: ['GOOG'],
  source: 'Test',
  published: Date.now(),
  ...rest,
});

/** Stories that try everything that a valid story may contain. */
const hostile = [
  story('html', {
    headline: '<img src=x onerror="window.owned=1"><b>bold</b> &amp; &lt;i&gt;',
    summary: '</p></article><script>window.owned=2</script><style>body{display:none}</style>',
    source: '"><svg onload="window.owned=3">',
  }),
  story('json', { headline: '</script><script>window.owned=4</script><!--' }),
  story('template', { headline: '{{constructor.constructor("window.owned=5")()}} ${window.owned=6}' }),
  story('override', {
    headline: 'Profit \u202e%09 nwod\u202c after \u2067report\u2069',
    source: 'SE\u202eC',
    type: 'filing',
    form: '8\u2066-K',
  }),
  story('hidden', { headline: 'GO\u200bOG\u0000 \u0007beats\u001b[31m\ufeff\u2028estimates' }),
  story('rtl', { headline: '\u05d2\u05d5\u05d2\u05dc (GOOG) \u05e2\u05d5\u05dc\u05d4 5%' }),
  story('long', { headline: 'W'.repeat(500), summary: 'M'.repeat(4000), source: 'Q'.repeat(100) }),
  story('tower', { headline: `Z${'\u0301\u0489'.repeat(200)}algo` }),
  story('link', {
    headline: 'A link that leads out',
    url: 'https://example.org/"onmouseover="window.owned=7"/?a=<b>&c=\'d',
  }),
];

test('hostile news is shown as text, live and after a reload', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve(...deskAlone);
  await publish(server);
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const response = await publish(server, ...hostile);
  expect(response.status, await response.text()).toBe(200);

  const named = (name: string | RegExp) => dashboard.stories.filter({ hasText: name }).first();
  const check = async () => {
    // With the words that were sent, without invisible characters.
    await expect(named('onerror').getByRole('heading')).toHaveText(
      '<img src=x onerror="window.owned=1"><b>bold</b> &amp; &lt;i&gt;',
    );
    await expect(named('onerror')).toContainText('<script>window.owned=2</script>');
    await expect(named('onerror')).toContainText('"><svg onload="window.owned=3">');
    await expect(named('owned=4').getByRole('heading')).toHaveText(
      '</script><script>window.owned=4</script><!--',
    );
    await expect(named('owned=5').getByRole('heading')).toContainText('${window.owned=6}');
    await expect(named('nwod').getByRole('heading')).toHaveText('Profit %09 nwod after report');
    await expect(named('nwod')).toContainText('filing 8-K');
    await expect(named('estimates').getByRole('heading')).toHaveText('GOOG beats[31m estimates');
    await expect(dashboard.stories.locator('img, script, style, svg, iframe, b, i')).toHaveCount(0);
    expect(await page.evaluate('window.owned')).toBeUndefined();

    // Each story keeps its own place and direction.
    const left = await dashboard.stories.evaluateAll((stories) =>
      stories.map((story) => {
        const box = story.getBoundingClientRect();
        const foot = story.querySelector('time')!.getBoundingClientRect();
        return [story.scrollWidth - story.clientWidth, foot.right - box.right, foot.left - box.left];
      }),
    );
    for (const [wider, right, from] of left) {
      expect(wider).toBeLessThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(0);
      expect(from).toBeGreaterThan(0);
    }
    expect(await dashboard.overflow()).toBeLessThanOrEqual(0);
    const long = await named(/^\D*W{100}/).boundingBox();
    expect(long?.height).toBeLessThan(300);
    const heading = named('GOOG)').getByRole('heading');
    expect(await heading.evaluate((heading) => getComputedStyle(heading).unicodeBidi)).toBe(
      'plaintext',
    );

    const link = named('A link that leads out').getByRole('heading').getByRole('link');
    await expect(link).toHaveAttribute('href', /^https:\/\/example\.org\/"onmouseover=/);
    await expect(link).toHaveAttribute('rel', 'noopener noreferrer nofollow');
    await link.hover();
    expect(await page.evaluate('window.owned')).toBeUndefined();
  };
  await check();
  await page.reload();
  await dashboard.isLive();
  await check();
});

test('a publication with a link that is not http or https is refused', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve(...deskAlone);
  await publish(server);
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  for (const url of [
    'javascript:window.owned=1',
    ' javascript:window.owned=1',
    'JAVASCRIPT:window.owned=1',
    'java\nscript:window.owned=1',
    'data:text/html,<script>window.owned=1</script>',
    'vbscript:x',
    '//example.org/',
    'https://example.org/\u202egpj.exe',
    'https://exa\u200bmple.org/',
  ]) {
    const response = await publish(
      server,
      story('good', { headline: 'A good story' }),
      story('bad', { headline: 'A bad link', url }),
    );
    expect(response.status, url).toBe(422);
    expect(await response.text(), url).toContain('is not a link');
  }
  const last = await publish(server, story('last', { headline: 'The last story' }));
  expect(last.status, await last.text()).toBe(200);
  await expect(dashboard.stories.filter({ hasText: 'The last story' })).toBeVisible();
  await expect(dashboard.stories.filter({ hasText: /A good story|A bad link/ })).toHaveCount(0);
  expect(await page.evaluate('window.owned')).toBeUndefined();
});
