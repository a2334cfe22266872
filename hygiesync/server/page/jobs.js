// Jobs as a list: how far each is, what came of it.
import { ask, blobUrl, jobEvents } from "/page/server.js";
import { word } from "/page/words.js";

const STATES = { queued: "queued", running: "running", done: "done", failed: "failedJob", lost: "lostJob" };

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Shows a job until it has ended; gives it back as it ended.
export async function showJob(list, job, title) {
  const label = element("p", { textContent: title });
  const state = element("p", {});
  const progress = element("progress", { max: 1, value: 0 });
  progress.setAttribute("aria-label", title);
  const notes = element("p", { className: "hint" });
  const remove = element("button", { type: "button", textContent: word("remove") });
  const item = element("li", {}, label, state, progress, notes, remove);
  item.dataset.job = job.id;
  remove.onclick = () => { ask("DELETE", `/jobs/${job.id}`).catch(() => {}); item.remove(); };
  list.prepend(item);
  const show = (now) => {
    job = now;
    item.dataset.state = job.state;
    state.textContent = word(STATES[job.state]) + (job.state === "running" && job.stage ? `: ${job.stage}` : "");
    if (job.total) { progress.max = job.total; progress.value = job.done; } else progress.removeAttribute("value");
    notes.textContent = job.notes.join("\n");
  };
  show(job);
  while (!["done", "failed", "lost"].includes(job.state) && item.isConnected) {
    try {
      for await (const now of jobEvents(job.id)) show(now);
    } catch (error) {
      if (error.status === 404) break;
    }
    if (!["done", "failed", "lost"].includes(job.state)) await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  progress.remove();
  if (job.state !== "done") { state.className = "alarm"; state.textContent = word("failed", job.error || word(STATES[job.state])); }
  else if (job.file) await offer(item, job);
  return job;
}

async function offer(item, job) {
  const address = await blobUrl(job.file);
  const preview = element("video", { src: address, controls: true, preload: "auto", playsInline: true });
  const link = element("a", { href: address, download: `${job.avatar}.mp4`, textContent: word("download") });
  item.append(preview, link);
}

export async function offerReport(list, job, name) {
  try {
    const address = await blobUrl(`/avatars/${name}/report`);
    const item = list.querySelector(`[data-job="${job.id}"]`);
    if (item) item.append(element("a", { href: address, download: `${name}.html`, textContent: word("report") }));
  } catch (error) {
    if (error.status !== 404) throw error;
  }
}
