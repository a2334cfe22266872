// Keeps the whole folder, so that it works without a network. A new version is fetched beside the old one, each file
// checked, and shown once the old one's pages are closed: whole or not at all.
const VERSION = "{version}";
const CACHE = `hygiesync ${self.registration.scope} ${VERSION}`;

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A file as it is listed. What the browser keeps may be out of date though the server says otherwise: then anew. */
async function fetched(name, sha256) {
  for (const cache of ["no-cache", "reload"]) {
    const file = await fetch(name, { cache });
    if (!file.ok) throw new Error(`${name}: the server answered ${file.status}`);
    const content = await file.arrayBuffer();
    if (hex(await crypto.subtle.digest("SHA-256", content)) === sha256) return new Response(content, { headers: { "Content-Type": file.headers.get("Content-Type") } });
  }
  throw new Error(`${name}: is not the file that was exported`);
}

async function install() {
  const answer = await fetch("files.json", { cache: "no-store" });
  const { version, files } = await answer.json();
  if (version !== VERSION) throw new Error("the folder is being replaced; this is tried again at the next visit");
  const cache = await caches.open(CACHE);
  try {
    // one after another: together they would take several times their size
    for (const [name, { sha256 }] of Object.entries(files)) await cache.put(name, await fetched(name, sha256));
    await cache.put("./", await cache.match("index.html"));
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

async function forgetOthers() {
  const ours = `hygiesync ${self.registration.scope} `;
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(ours) && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
self.addEventListener("fetch", (event) => {
  const isOurs = event.request.method === "GET" && event.request.url.startsWith(self.registration.scope);
  // the list itself says whether there is something new
  if (isOurs && !event.request.url.endsWith("/files.json")) event.respondWith(answer(event.request));
});
