import { writeFile } from 'node:fs/promises';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';
import { run } from '../helpers/server.ts';

const DAY = 24 * 60 * 60_000;

/** The day so many days before today, as a file of bars has it. */
const day = (ago: number) => new Date(Date.now() - ago * DAY).toISOString().slice(0, 10);

/** A file with a bar of each of so many days before today. */
function days(count: number): string {
  const lines = Array.from({ length: count }, (_, n) => {
    const ago = count - n;
    const close = (10 + 5 * Math.sin(ago / 20)).toFixed(2);
    return ago === 1 ? `${day(1)},12,13,11,12.34,500` : `${day(ago)},${close},16,4,${close},100`;
  });
  return ['date,open,high,low,close,volume', ...lines].join('\n');
}

/** What a server is started with that has imported the days of OLDCO, which nothing quotes. */
async function imported(path: (name: string) => string, count = 400): Promise<string[]> {
  const [file, data] = [path('days.csv'), path('data')];
  await writeFile(file, days(count));
  await run('import', file, '--symbol', 'OLDCO', '--zone', 'UTC', '--data', data);
  return ['--feed', 'none', '--publish-token', grant, '--data', data];
}

test('a symbol that was only imported opens with a year of days and its last close', async ({
  page,
  serve,
  dashboard,
}, testInfo) => {
  const server = await serve(...(await imported((name) => testInfo.outputPath(name))));
  const pressed = page.getByRole('group', { name: 'Range' }).getByRole('button', { pressed: true });
  // Once as somebody comes, and once as they come back.
  for (const open of [() => page.goto(`${server.url}/stocks/OLDCO`), () => page.reload()]) {
    await open();
    await dashboard.isLive();
    await dashboard.isDrawn(360);
    expect(await dashboard.points()).toBeLessThan(370);
    await expect(pressed).toHaveText('1Y');
    await expect(dashboard.heading).toContainText('OLDCO');
    expect(await dashboard.value('price')).toBe('12.34');
    await expect(dashboard.quote).toContainText(`Close of ${day(1)}: no feed quotes this symbol`);
    await expect(dashboard.link('OLDCO')).toContainText(`Close of ${day(1)}`);
  }

  // A range shows the bars of its own length; zooming out loads the older ones.
  await page.keyboard.press('6');
  await expect(pressed).toHaveText('1W');
  await expect.poll(async () => await dashboard.points()).toBeLessThan(10);
  await page.keyboard.press('8');
  await expect.poll(async () => await dashboard.points()).toBeGreaterThan(360);
  await dashboard.chart.getByRole('application').focus();
  await expect
    .poll(async () => {
      await page.keyboard.press('-');
      return await dashboard.points();
    })
    .toBe(400);

  await publish(server, quote('OLDCO', '20.50'));
  await expect(dashboard.field('price')).toHaveAttribute('data-value', '20.50');
  await expect(dashboard.quote).not.toContainText('no feed quotes this symbol');
});

test('the range of a symbol that has days alone is not that of the others', async ({
  page,
  serve,
  dashboard,
}, testInfo) => {
  const server = await serve(...(await imported((name) => testInfo.outputPath(name))));
  await publish(server, quote('NEWCO', '5.00'));
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  const pressed = page.getByRole('group', { name: 'Range' }).getByRole('button', { pressed: true });
  await expect(pressed).toHaveText('1D');
  // It can be added to the watchlist, although nothing quotes it.
  await page.getByRole('button', { name: '+ Add' }).click();
  const field = page.getByRole('combobox', { name: 'Add a symbol' });
  await field.fill('oldco');
  await field.press('Enter');
  await expect(dashboard.link('OLDCO')).toBeVisible();
  await dashboard.link('OLDCO').click();
  await expect(dashboard.heading).toContainText('OLDCO');
  await expect(pressed).toHaveText('1Y');
  await dashboard.isDrawn(360);
  await dashboard.link('NEWCO').click();
  await expect(pressed).toHaveText('1D');
});
