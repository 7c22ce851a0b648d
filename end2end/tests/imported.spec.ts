import { writeFile } from 'node:fs/promises';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';
import { run } from '../helpers/server.ts';

const DAY = 24 * 60 * 60_000;

/** The date so many days before today, as in a file of bars. */
const day = (ago: number) => new Date(Date.now() - ago * DAY).toISOString().slice(0, 10);

/** A file with daily bars of so many days before today. */
function days(count: number): string {
  const lines = Array.from({ length: count }, (_, n) => {
    const ago = count - n;
    const close = (10 + 5 * Math.sin(ago / 20)).toFixed(2);
    return ago === 1 ? `${day(1)},12,13,11,12.34,500` : `${day(ago)},${close},16,4,${close},100`;
  });
  return ['date,open,high,low,close,volume', ...lines].join('\n');
}

/** The arguments of a server that has imported days of OLDCO, which no feed quotes. */
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
  // On the first visit and on a later one.
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

test('a symbol that has only days does not change the range of others', async ({
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
  // It can be added to the watchlist, although no feed quotes it.
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
