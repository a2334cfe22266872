// The page put together: what buttons do, and what is shown when.
import { Connection } from "/page/connection.js";
import { showJob } from "/page/jobs.js";
import { makeFromPhoto, makeFromVideo } from "/page/making.js";
import { Microphone, listMicrophones } from "/page/microphone.js";
import { ask, blobUrl, json, token } from "/page/server.js";
import { currentLanguage, setLanguage, translate, word } from "/page/words.js";

const LANGUAGES = ["en", "fr", "de", "es", "it", "pt", "nl", "pl", "sv", "tr", "ru", "cmn", "ja"];
const VOICES = ["", "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7"];
const PCM_RATE = 48000;
const ALARMS = ["busy", "lost", "noToken"];

const $ = (id) => document.getElementById(id);
const context = new AudioContext({ sampleRate: PCM_RATE, latencyHint: "interactive" });
const microphone = new Microphone(context, (level) => { $("level").value = level; });
let state = ["connecting"];
let numbers = { server: 0, network: 0 };
let avatar = null;

function showState(name, ...values) {
  state = [name, ...values];
  $("state").textContent = word(name, ...values);
  $("state").className = ALARMS.includes(name) ? "alarm" : "";
  document.body.dataset.state = name;
  const isOn = !["connecting", ...ALARMS].includes(name);
  $("overlay").textContent = isOn ? "" : word(name, ...values);
  $("interrupt").disabled = $("mute").disabled = !isOn;
}

function quietState() { showState(connection.isMuted ? "muted" : microphone.isOpen ? "listening" : "ready"); }

function report(error) {
  $("state").textContent = word("failed", error.message);
  $("state").className = "alarm";
}

function hear(message) {
  if (message.type === "speaking") showState("speaking");
  else if (message.type === "resting") quietState();
  else if (message.type === "error") report(message);
  else if (message.type === "pong") {
    numbers.network = Math.round(performance.now() - message.number);
    numbers.server = message.latency_ms.p50;
  }
}

const connection = new Connection({ video: $("video"), canvas: $("canvas"), context }, (name, ...values) => {
  if (name === "ready") { $("still").hidden = true; quietState(); if (microphone.isOpen) connection.hear(microphone); }
  else showState(name, ...values);
}, hear);
connection.playSound($("sound").checked);
addEventListener("pagehide", () => connection.leave());

async function choose(name) {
  avatar = name;
  localStorage.setItem("avatar", name);
  for (const button of $("avatars").querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.name === name);
  connection.connect(name, $("mark").checked);
}

async function showAvatars(wanted) {
  const { avatars } = await json("GET", "/avatars");
  const tiles = await Promise.all(avatars.filter((one) => !one.error).map(async (one) => {
    const image = Object.assign(document.createElement("img"), { alt: "", src: await blobUrl(one.picture) });
    const button = Object.assign(document.createElement("button"), { type: "button", onclick: () => choose(one.name) });
    button.append(image, one.name);
    button.dataset.name = one.name;
    button.setAttribute("aria-pressed", one.name === avatar);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  $("avatars").replaceChildren(...tiles);
  const names = avatars.map((one) => one.name);
  if (wanted) await choose(wanted);
  else if (!avatar && names.length) await choose(names.includes(localStorage.getItem("avatar")) ? localStorage.getItem("avatar") : names[0]);
}

async function talk() {
  try {
    if (microphone.isOpen) {
      await connection.hear(null);
      microphone.close();
    } else {
      await microphone.open($("microphones").value, $("headphones").checked);
      await connection.hear(microphone);
      listMicrophones($("microphones"));
    }
  } catch (error) {
    $("state").textContent = word("noMicrophone", error.message);
    $("state").className = "alarm";
    return;
  }
  $("talk").setAttribute("aria-pressed", microphone.isOpen);
  $("talk").dataset.word = microphone.isOpen ? "stopTalking" : "talk";
  $("talk").textContent = word($("talk").dataset.word);
  quietState();
}

async function sayFileNow(file) {
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const offline = new OfflineAudioContext(1, Math.ceil(sound.duration * PCM_RATE), PCM_RATE);
  const source = offline.createBufferSource();
  source.buffer = sound;
  source.connect(offline.destination);
  source.start();
  const samples = Int16Array.from((await offline.startRendering()).getChannelData(0), (sample) => Math.max(-1, Math.min(1, sample)) * 32767);
  for (let begin = 0; begin < samples.length; begin += PCM_RATE) connection.push(samples.slice(begin, begin + PCM_RATE));
  connection.send({ type: "flush" });
}

function onSubmit(id, work) {
  $(id).onsubmit = async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    try { await work(button.value); } catch (error) { report(error); } finally { button.disabled = false; }
  };
}

onSubmit("say", async (how) => {
  const said = { text: $("text").value, language: $("language").value, ...($("voice").value && { voice: $("voice").value }) };
  if (how === "live") await json("POST", `/sessions/${connection.session.id}/say`, said);
  else showJob($("jobs"), await json("POST", "/say", { avatar, ...said }), said.text.slice(0, 60));
});

onSubmit("sound-file", async (how) => {
  const [file] = $("sound-input").files;
  if (how === "live") await sayFileNow(file);
  else showJob($("jobs"), await (await ask("POST", `/render?avatar=${encodeURIComponent(avatar)}`, file)).json(), file.name);
});

onSubmit("photo", async () => {
  const job = await makeFromPhoto($("photo-jobs"), $("photo-input").files[0], $("photo-name").value.trim());
  if (job.state === "done") await showAvatars(job.result.avatar);
});

onSubmit("train", async () => {
  $("upload").hidden = false;
  const tell = (share) => { $("upload-progress").value = share; $("upload").hidden = share === 1; };
  const job = await makeFromVideo($("train-jobs"), $("train-input").files[0], $("train-name").value.trim(), $("train-preset").value, tell);
  if (job.state === "done") await showAvatars(job.result.avatar);
});

for (const form of document.querySelectorAll(".drop")) {
  const input = form.querySelector("input[type=file]");
  form.ondragover = (event) => { event.preventDefault(); form.classList.add("over"); };
  form.ondragleave = () => form.classList.remove("over");
  form.ondrop = (event) => { event.preventDefault(); form.classList.remove("over"); input.files = event.dataTransfer.files; };
}

$("talk").onclick = talk;
$("interrupt").onclick = () => { connection.send({ type: "interrupt" }); quietState(); };
$("mute").onclick = () => {
  connection.mute(!connection.isMuted);
  $("mute").setAttribute("aria-pressed", connection.isMuted);
  quietState();
};
$("full-screen").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : $("frame").requestFullscreen()).catch(report);
$("sound").onchange = () => connection.playSound($("sound").checked);
$("mark").onchange = () => { connection.mark = $("mark").checked; connection.send({ type: "mark", value: connection.mark }); };
$("microphones").onchange = async () => { if (microphone.isOpen) { await talk(); await talk(); } };
$("show-numbers").onchange = () => { $("numbers").hidden = !$("show-numbers").checked; };
$("page-language").onchange = () => {
  setLanguage($("page-language").value);
  $("voice").options[0].text = word("plainVoice");
  listMicrophones($("microphones"));
  showState(...state);
};
for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => { context.resume(); connection.applySound(); }, { once: true });

let counted = 0;
setInterval(() => {
  const pictures = connection.pictures - counted;
  counted = connection.pictures;
  if ($("numbers").hidden) return;
  connection.send({ type: "ping", number: performance.now() });
  $("numbers").textContent = word("numbers", pictures, numbers.server, numbers.network, connection.way || "");
}, 1000);

translate();
$("page-language").value = currentLanguage();
$("language").append(...LANGUAGES.map((name) => new Option(name, name, false, name === currentLanguage())));
$("voice").append(...VOICES.map((name) => new Option(name || word("plainVoice"), name)));
listMicrophones($("microphones"));
window.hygiesync = { connection, microphone }; // for whoever looks on from the browser's console
if (token) showAvatars().catch((error) => (error.status === 401 ? showState("noToken") : report(error)));
else showState("noToken");
