// Says since when the server cannot be reached, and goes back to the page as soon as it can.
'use strict';

const SLOWEST = 30_000;
const opened = Date.now();
let wait = 2_000;
let timer;

/** When a page of this browser heard the server last; none where it never did, or may not say so. */
function heard() {
  try {
    const [version, time] = (localStorage.getItem('tickertape:heard') ?? '').split(' ');
    return version === '1' && Number(time) > 0 ? Number(time) : undefined;
  } catch {
    return undefined;
  }
}

function moment(time) {
  const day = new Date(time).toDateString() === new Date().toDateString() ? undefined : 'medium';
  return new Intl.DateTimeFormat(undefined, { dateStyle: day, timeStyle: 'medium' }).format(time);
}

function say(id, text) {
  document.getElementById(id).textContent = text;
}

async function ask() {
  clearTimeout(timer);
  try {
    const answer = await fetch('/health/live', { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
    if (answer.ok) return location.reload();
  } catch {
    // It still cannot be reached.
  }
  say('tries', `Tried at ${moment(Date.now())}; the next try is in ${Math.round(wait / 1000)} s.`);
  timer = setTimeout(ask, wait);
  wait = Math.min(wait * 1.5, SLOWEST);
}

const last = heard();
const since = last === undefined ? `It was not reached at ${moment(opened)}.` : `It was last heard at ${moment(last)}.`;
say('since', `${since} There are no prices to show: old ones would look like those of now.`);
document.getElementById('again').addEventListener('click', (event) => {
  event.preventDefault();
  ask();
});
addEventListener('online', ask);
timer = setTimeout(ask, wait);
