// The page of an exported avatar: what buttons do, and what is shown when.
import { Avatar } from "./hygiesync/avatar.js";
import { listMicrophones, openMicrophone } from "./microphone.js";
import { Recording } from "./recording.js";
import { currentLanguage, setLanguage, translate, word } from "./words.js";

const $ = (id) => document.getElementById(id);
let state = ["loading", 0];
let avatar = null, microphone = null, recording = null, saying = null;

function showState(name, ...values) {
  state = [name, ...values];
  $("state").textContent = word(name, ...values);
  $("state").className = name === "failed" ? "alarm" : "";
  $("overlay").textContent = ["loading", "failed"].includes(name) ? word(name, ...values) : "";
  document.body.dataset.state = name;
}

const quietState = () => showState(microphone ? "listening" : "ready");

function report(error) {
  $("state").textContent = word("failed", error.message);
  $("state").className = "alarm";
}

function press(button, isPressed, name) {
  button.setAttribute("aria-pressed", isPressed);
  button.dataset.word = name;
  button.textContent = word(name);
}

function hush() {
  saying = null;
  microphone?.close();
  microphone = null;
  $("level").value = 0;
  press($("talk"), false, "talk");
  avatar.interrupt();
  quietState();
}

async function talk() {
  if (microphone) { hush(); return; }
  saying = null;
  try {
    microphone = await openMicrophone($("microphones").value, $("headphones").checked, (level) => { $("level").value = level; });
    await avatar.listen(microphone.stream);
    listMicrophones($("microphones"));
  } catch (error) {
    hush();
    $("state").textContent = word("noMicrophone", error.message);
    $("state").className = "alarm";
    return;
  }
  press($("talk"), true, "stopTalking");
  quietState();
}

/** Seconds of a file that are heard at a time, and how far ahead of what is played. */
const PIECE_S = 0.2, AHEAD_S = 2;

const pause = (duration) => new Promise((resolve) => { setTimeout(resolve, duration); });

async function sayFile(file) {
  hush();
  const context = new OfflineAudioContext(1, 1, 48000), sound = await context.decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: sound.numberOfChannels }, (_, index) => sound.getChannelData(index));
  const length = Math.round(PIECE_S * sound.sampleRate), said = {};
  saying = said;
  showState("speaking");
  for (let begin = 0; begin < sound.length && saying === said; begin += length) {
    const pieces = channels.map((channel) => channel.subarray(begin, begin + length));
    const mixed = pieces[0].map((_, at) => pieces.reduce((sum, piece) => sum + piece[at], 0) / pieces.length);
    await avatar.push(mixed, { sampleRate: sound.sampleRate });
    while (saying === said && avatar.ahead > AHEAD_S) await pause(1000 * PIECE_S);
  }
  if (saying !== said) return;
  await avatar.flush();
  if (saying === said) quietState();
}

async function record() {
  if (recording) {
    const made = recording;
    recording = null;
    press($("record"), false, "record");
    $("recordings").append(await made.finish(word("download")));
    return;
  }
  recording = new Recording(avatar.captureStream(), `${avatar.name}.webm`);
  press($("record"), true, "stopRecording");
}

async function keepOffline() {
  if ("serviceWorker" in navigator && isSecureContext) await navigator.serviceWorker.register("service-worker.js");
}

const form = $("sound-file"), input = $("sound-input");
form.onsubmit = (event) => { event.preventDefault(); sayFile(input.files[0]).catch(report); };
form.ondragover = (event) => { event.preventDefault(); form.classList.add("over"); };
form.ondragleave = () => form.classList.remove("over");
form.ondrop = (event) => { event.preventDefault(); form.classList.remove("over"); input.files = event.dataTransfer.files; };

$("talk").onclick = talk;
$("interrupt").onclick = hush;
$("record").onclick = () => record().catch(report);
$("full-screen").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : $("frame").requestFullscreen()).catch(report);
$("mark").onchange = () => { avatar.mark = $("mark").checked; };
$("microphones").onchange = async () => { if (microphone) { await talk(); await talk(); } };
$("show-numbers").onchange = () => { $("numbers").hidden = !$("show-numbers").checked; };
$("page-language").onchange = () => {
  setLanguage($("page-language").value);
  listMicrophones($("microphones"));
  showState(...state);
};

let pictures = [];
setInterval(() => {
  const mean = (values) => (values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : 0);
  const behind = pictures.map((one) => one.behind).filter((one) => one !== null);
  $("numbers").textContent = word("webNumbers", pictures.length, mean(pictures.map((one) => one.computingMs)).toFixed(1), Math.round(1000 * mean(behind)));
  pictures = [];
}, 1000);

translate();
$("page-language").value = currentLanguage();
listMicrophones($("microphones"));
showState("loading", 0);
try {
  avatar = await Avatar.load("avatar/", { onProgress: (share) => showState("loading", Math.round(100 * share)) });
  avatar.on("error", ({ error }) => showState("failed", error.message));
  avatar.on("frame", ({ computingMs, behind }) => pictures.push({ computingMs, behind }));
  avatar.attach($("canvas"));
  $("frame").style.aspectRatio = `${avatar.size.width} / ${avatar.size.height}`;
  $("name").textContent = document.title = avatar.name;
  window.hygiesync = { avatar }; // for whoever looks on from the browser's console
  $("overlay").textContent = "";
  await avatar.ready();
  for (const id of ["talk", "interrupt", "record"]) $(id).disabled = false;
  quietState();
  keepOffline().catch(report);
} catch (error) {
  showState("failed", error.message);
}
