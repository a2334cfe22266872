// What the browser hears is what Python hears: every stage against the reference that the export holds.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { blocks, load, openStep, readAvatar, readNetwork, worst } from "./exported.js";

const { AvatarData, readFiles, readReference } = await load("data.js");
const { Fraction } = await load("fraction.js");
const { MelSpectrogram } = await load("speech/mel.js");
const { Network } = await load("speech/network.js");
const { Resampler } = await load("speech/resampler.js");
const { SpeechStream } = await load("speech/stream.js");
const { VoiceActivity } = await load("speech/activity.js");
const { Speaker } = await load("speaker.js");
const { readPack } = await load("packs.js");
const { pictureTime, sampleTime } = await load("timing.js");

const MEL_TOLERANCE = 1e-3, COEFFICIENT_TOLERANCE = 2e-3;

const data = new AvatarData(await readFiles(readAvatar));
const reference = await readReference(readAvatar);
const fps = Fraction.parse(reference.fps);
const streamOf = async (options = {}) => new SpeechStream(await openStep(data), {
  rest: data.rest, background: data.index.background, lookahead: data.index.lookahead, ...options,
});

/** Coefficients at times n / fps of a sound that comes in blocks. */
async function heard(stream, samples, n) {
  stream.reset();
  for (const block of blocks(samples)) await stream.push(block);
  await stream.finish(sampleTime(samples.length));
  return Array.from({ length: n }, (_, index) => stream.at(pictureTime(index, fps)));
}

test("mel frames are Python's, whatever the blocks", () => {
  const spectrogram = new MelSpectrogram();
  const mel = [...blocks(reference.samples.data)].flatMap((block) => spectrogram.push(block));
  assert.ok(worst(mel, reference.mel.data) < MEL_TOLERANCE);
});

test("sound of 48 and 44.1 kHz is resampled as Python resamples it", () => {
  for (const rate of [48000, 44100]) {
    const resampler = new Resampler(rate), wanted = reference[`from_${rate}`].data;
    const found = [...blocks(reference.samples_48000.data)].flatMap((block) => Array.from(resampler.push(block)));
    // FFmpeg reflects the sound at its beginning; there is silence before it here
    const start = 60;
    assert.ok(worst(found.slice(start), wanted.slice(start)) < 1e-5, `${rate}`);
  }
  assert.throws(() => new Resampler(1000), /4000 to 384000/);
});

test("what a sound thread loses is silence, and later sound keeps its time", async () => {
  const sent = [], begin = 5 * 128;
  Object.assign(globalThis, {
    AudioWorkletProcessor: class { port = { postMessage: (message) => sent.push(message) }; },
    registerProcessor: (_, made) => { globalThis.Listener = made; },
    sampleRate: 16000,
  });
  await load("worklet.js");
  const listener = new globalThis.Listener(), samples = reference.samples.data.slice(0, 128 * 100);
  const isLost = (block) => block > 20 && block < 30;
  for (let block = 0; block < 100; block++) {
    if (isLost(block)) { samples.fill(0, 128 * block, 128 * (block + 1)); continue; }
    Object.assign(globalThis, { currentFrame: begin + 128 * block, currentTime: (begin + 128 * block) / 16000 });
    // of a device that is gone there are no samples
    const isGone = block > 60 && block < 70;
    if (isGone) samples.fill(0, 128 * block, 128 * (block + 1));
    listener.process([isGone ? [] : [samples.slice(128 * block, 128 * (block + 1))]]);
  }
  const wanted = new MelSpectrogram().push(samples), found = sent.flatMap(({ frames }) => frames);
  assert.equal(found.length, wanted.length);
  assert.ok(worst(found, wanted.flatMap((frame) => Array.from(frame))) < MEL_TOLERANCE);
  assert.equal(sent[0].startedAt, begin / 16000);
});

test("voice and pauses are told as Python tells them", () => {
  const activity = new VoiceActivity(data.index.background), n = 80;
  const told = Array.from({ length: reference.mel.shape[0] }, (_, frame) => activity.listen(reference.mel.data.subarray(n * frame, n * (frame + 1))));
  assert.equal(worst(told.map(({ isVoice }) => Number(isVoice)), reference.is_voice.data), 0);
  assert.equal(worst(told.map(({ isFamiliar }) => Number(isFamiliar)), reference.is_familiar.data), 0);
});

test("a network that can't be read is read again when it is next needed, and opened once for all", async () => {
  let nReads = 0;
  const network = new Network(async () => {
    if (++nReads === 1) throw new Error("no answer");
    return readNetwork(data);
  });
  await assert.rejects(network.open(), /no answer/);
  const [one, other] = await Promise.all([network.open(), network.open()]);
  assert.equal(one, other);
  assert.equal(nReads, 2);
  await network.close();
});

test("coefficients are Python's, whatever the blocks, and again after a reset", async () => {
  const stream = await streamOf(), { data: wanted, shape } = reference.coefficients;
  for (const _ of [1, 2]) assert.ok(worst(await heard(stream, reference.samples.data, shape[0]), wanted) < COEFFICIENT_TOLERANCE);
});

test("real voices give Python's coefficients", { skip: !process.env.HYGIESYNC_WEB_SOUNDS }, async () => {
  const folder = process.env.HYGIESYNC_WEB_SOUNDS, sounds = JSON.parse(await readFile(`${folder}/sounds.json`, "utf8"));
  const stream = await streamOf();
  for (const [name, { arrays, sample_rate: rate }] of Object.entries(sounds)) {
    const { sound, coefficients } = await readPack(new Uint8Array(await readFile(`${folder}/${name}`)), arrays);
    const resampler = new Resampler(rate), at16k = [resampler.push(sound.data), resampler.flush()].map((one) => Array.from(one)).flat();
    const found = await heard(stream, Float32Array.from(at16k), coefficients.shape[0]);
    const off = worst(found, coefficients.data);
    console.log(`${name}: coefficients differ by ${off.toExponential(1)}`);
    assert.ok(off < COEFFICIENT_TOLERANCE, name);
  }
});

test("without expressiveness the mouth rests", async () => {
  const found = await heard(await streamOf({ expressiveness: 0 }), reference.samples.data, 20);
  for (const mouth of found) assert.deepEqual(mouth, data.rest);
});

test("an early answer is the one with the longest lookahead within what is asked for", () => {
  const { lookahead, early_lookaheads: early } = data.index;
  assert.deepEqual(data.answerWithin(undefined), { lookahead });
  assert.deepEqual(data.answerWithin(10 * lookahead + 5), { lookahead });
  assert.deepEqual(data.answerWithin(0), { lookahead: 0, early: early.indexOf(0) });
  assert.throws(() => data.answerWithin(-10), RangeError);
});

test("after an interruption the mouth goes to rest within a tenth of a second, and hears again", async () => {
  const speaker = new Speaker(await streamOf()), { samples } = reference;
  await speaker.push(samples.data);
  const mouth = speaker.mouthAt(sampleTime(4000), 1);
  assert.notDeepEqual(mouth, data.rest);
  speaker.push(samples.data); // its answers are forgotten, too
  speaker.interrupt(1);
  assert.ok(worst([speaker.mouthAt(null, 1)], mouth) < 1e-9);
  const halfway = speaker.mouthAt(null, 1.05);
  assert.ok(worst([halfway.map((value, index) => 2 * value - mouth[index] - data.rest[index])], new Float64Array(mouth.length)) < 1e-9);
  assert.deepEqual(speaker.mouthAt(null, 1.1), data.rest);
  await speaker.push(samples.data);
  assert.deepEqual(speaker.mouthAt(sampleTime(4000), 5), mouth);
});

test("samples that are no sound are refused", async () => {
  const speaker = new Speaker(await streamOf());
  assert.throws(() => speaker.push(new Int16Array(10)), /Float32Array/);
  assert.throws(() => speaker.push(Float32Array.of(0, NaN)), /finite/);
  await speaker.push(new Float32Array(100));
  speaker.finish();
  assert.throws(() => speaker.push(new Float32Array(100)), /interrupt/);
  await speaker.work;
});
