// New avatars: from a picture, and from a video that goes up in pieces.
import { ask, json } from "/page/server.js";
import { offerReport, showJob } from "/page/jobs.js";

export async function makeFromPhoto(list, file, name) {
  const query = new URLSearchParams({ consent: "true", ...(name && { name }) });
  const job = await (await ask("POST", `/photo?${query}`, file)).json();
  return showJob(list, job, name || file.name);
}

export async function makeFromVideo(list, file, name, preset, tellProgress) {
  const upload = await sendInPieces(file, tellProgress);
  const job = await json("POST", "/train", { upload: upload.id, consent: true, preset, ...(name && { name }) });
  const ended = await showJob(list, job, name || file.name);
  if (ended.state === "done") await offerReport(list, ended, ended.result.avatar);
  return ended;
}

// A lost connection costs a piece at most: the server is asked where to go on.
async function sendInPieces(file, tellProgress) {
  let upload = await json("POST", "/uploads", { size: file.size });
  for (let failures = 0; upload.received < upload.size;) {
    tellProgress(upload.received / upload.size);
    const piece = file.slice(upload.received, upload.received + upload.piece_bytes);
    try {
      upload = await (await ask("PUT", `/uploads/${upload.id}?offset=${upload.received}`, piece)).json();
      failures = 0;
    } catch (error) {
      if (++failures > 8 || [401, 404, 413].includes(error.status)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * failures));
      upload = await json("GET", `/uploads/${upload.id}`).catch(() => upload);
    }
  }
  tellProgress(1);
  return upload;
}
