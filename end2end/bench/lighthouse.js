// Lighthouse's figures of the page, with its default phone: slow 4G and a processor four times
// slower.
import lighthouse from 'lighthouse';

const FIGURES = {
  fcp: 'first-contentful-paint',
  lcp: 'largest-contentful-paint',
  tbt: 'total-blocking-time',
  cls: 'cumulative-layout-shift',
  speed: 'speed-index',
};

/** One run in its own browser. */
export async function judge(port, url) {
  const { lhr } = await lighthouse(url, {
    port,
    output: 'json',
    logLevel: 'error',
    onlyCategories: ['performance', 'accessibility'],
  });
  if (lhr.runtimeError) {
    throw new Error(`Lighthouse: ${lhr.runtimeError.message}`);
  }
  const scores = Object.values(lhr.categories).map(({ id, score }) => [id, score * 100]);
  const figures = Object.entries(FIGURES).map(([name, audit]) => [name, lhr.audits[audit].numericValue]);
  return { version: lhr.lighthouseVersion, ...Object.fromEntries([...scores, ...figures]) };
}
