// Keeps the page's hashed files and one page that says that the server cannot be reached. Pages, numbers and
// streams always come from the server: nothing old is ever shown as if it were of now.
'use strict';

const CACHE = 'tickertape VERSION';
const OFFLINE = '/offline';
const KEPT = [OFFLINE, '/offline.css', '/offline.js'];
// A name that changes with its content.
const HASHED = /^\/pkg\/[\w-]+\.[\w-]{16,}\.(?:css|js|wasm)$/;

self.addEventListener('install', (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(KEPT.map((path) => new Request(path, { cache: 'reload' })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener('activate', (event) => {
  const begin = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('tickertape ') && name !== CACHE) await caches.delete(name);
    }
    // The server is asked while this worker starts.
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  };
  event.waitUntil(begin());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate') event.respondWith(page(event));
  else if (HASHED.test(pathname)) event.respondWith(file(request));
  else if (KEPT.includes(pathname)) event.respondWith(kept(request));
});

async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch (error) {
    const offline = await caches.match(OFFLINE, { cacheName: CACHE });
    if (offline) return offline;
    throw error;
  }
}

async function file(request) {
  const held = await caches.match(request, { cacheName: CACHE });
  if (held) return held;
  const answer = await fetch(request);
  // Only a complete one: a part or a failure is no file.
  if (answer.status === 200) {
    const copy = answer.clone();
    // A browser that has no room does without.
    keep(request, copy).catch(() => {});
  }
  return answer;
}

// A newer worker may have deleted this version's cache while a request was under way. To open it again would
// create it anew, and nothing would delete it until the version after that.
async function keep(request, answer) {
  if (!(await caches.has(CACHE))) return;
  const cache = await caches.open(CACHE);
  await cache.put(request, answer);
}

async function kept(request) {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}
