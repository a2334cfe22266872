// Requests with the token. It comes in the address's fragment, which is never sent, and is kept for this tab only.
const given = new URLSearchParams(location.hash.slice(1));
if (given.get("token")) sessionStorage.setItem("token", given.get("token"));
export const token = sessionStorage.getItem("token");
export const wishes = given;

export class ServerError extends Error {
  constructor(status, message, retryAfter) { super(message); this.status = status; this.retryAfter = retryAfter; }
}

export async function ask(method, path, body, options = {}) {
  const headers = { Authorization: `Bearer ${token}` };
  let content = body;
  if (body !== undefined && !(body instanceof Blob)) {
    headers["Content-Type"] = "application/json";
    content = JSON.stringify(body);
  }
  const response = await fetch(path, { method, headers, body: content, ...options });
  if (!response.ok) {
    const told = await response.json().catch(() => ({ error: response.statusText }));
    throw new ServerError(response.status, told.error, Number(response.headers.get("Retry-After")) || 0);
  }
  return response;
}

export async function json(method, path, body) { return (await ask(method, path, body)).json(); }

export async function blobUrl(path) { return URL.createObjectURL(await (await ask("GET", path)).blob()); }

// A job each time that it changes. EventSource can send no header, so the stream is read by hand.
export async function* jobEvents(id) {
  const response = await ask("GET", `/jobs/${id}/events`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

export function openSocket(query) {
  const address = new URL(`/speak?${new URLSearchParams(query)}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.hash = "";
  const socket = new WebSocket(address, ["hygiesync", `token.${token}`]);
  socket.binaryType = "arraybuffer";
  return socket;
}
