// An avatar in a page: sound goes in, pictures appear on a canvas, and all of it is computed here.
import { AvatarData, fetchFile, readFiles, readStep } from "./data.js";
import { Fraction } from "./fraction.js";
import { Playback } from "./playback.js";
import { Sound } from "./sound.js";
import { Speaker } from "./speaker.js";
import { Network, openOnnxRuntime } from "./speech/network.js";
import { Step } from "./speech/step.js";
import { SpeechStream } from "./speech/stream.js";
import { Stage } from "./stage.js";
import { SAMPLE_RATE, nearestSample, pictureTime, sampleTime } from "./timing.js";

const RUNTIME = new URL("./", import.meta.url);
const ONNXRUNTIME = new URL("onnxruntime-web/", RUNTIME).href;

/** Frames that a picture of a whole recording may wait, so that the path through the atlas is as smooth as can be. */
const WHOLE_PATH_LAG = 16;

/** See index.d.ts for what each call is for. */
export class Avatar extends EventTarget {
  /** @param {string | URL} url folder with `avatar.json` */
  static async load(url, { lookaheadMs, expressiveness = 1, onProgress } = {}) {
    if (!(expressiveness >= 0 && expressiveness <= 2)) throw new RangeError(`expressiveness: expected 0 to 2, got ${expressiveness}`);
    const folder = new URL(String(url).replace(/\/?$/, "/"), globalThis.document?.baseURI ?? RUNTIME);
    const read = (name) => fetchFile(new URL(name, folder)), data = new AvatarData(await readFiles(read, onProgress));
    const { lookahead, early } = data.answerWithin(lookaheadMs);
    const network = new Network(async () => {
      const [ort, model] = await Promise.all([
        openOnnxRuntime((name) => fetchFile(new URL(name, ONNXRUNTIME)), ONNXRUNTIME),
        readStep(read, data.index),
      ]);
      return { ort, model };
    });
    const openStream = () => new SpeechStream(
      new Step(network, { early, inputs: data.index.step.inputs }),
      { rest: data.rest, background: data.index.background, lookahead, expressiveness },
    );
    return new Avatar(data, network, openStream);
  }

  #speaker;
  #network;
  #openStream;
  #stage;
  #clock = null;
  #microphone = null;

  constructor(data, network, openStream) {
    super();
    this.data = data;
    this.#network = network;
    this.#openStream = openStream;
    this.#speaker = new Speaker(openStream());
    this.#stage = new Stage(data, {
      mouthAt: (now) => this.#mouthAt(now), drawn: (picture) => this.#drawn(picture), failed: (error) => this.#fail(error),
    });
    this.sound = null;
    this.mark = true;
    this.nFrames = 0;
  }

  get name() { return this.data.index.name; }

  get consent() { return this.data.index.consent; }

  get size() { return { width: this.data.width, height: this.data.height }; }

  /** Seconds that a picture is behind the sound of its moment at least. */
  get latency() { return (this.#speaker.stream.lookahead + 1) * 0.01; }

  /** Seconds of the samples that were pushed and have not been said yet. */
  get ahead() { return this.#clock && !this.#microphone ? Math.max(0, Number(sampleTime(this.#speaker.nSamples)) - Number(this.#clock())) : 0; }

  get isSpeaking() { return this.#clock !== null; }

  /** Kept once the network is open as well: after the first picture, or when a sound first needs it. */
  async ready() {
    const isWaiting = this.canvas && !this.nFrames && !document.hidden;
    if (isWaiting) await new Promise((resolve) => { this.addEventListener("frame", resolve, { once: true }); });
    await this.#network.open();
  }

  get canvas() { return this.#stage.canvas; }

  /** Draw onto a canvas from now on. */
  attach(canvas) { this.#stage.attach(canvas); }

  detach() { this.#stage.detach(); }

  /** Whether the pictures are marked as synthetic. */
  set mark(isMarked) { this.#stage.mark = isMarked ? "SYNTHETIC" : ""; }

  /** Say what a stream hears, until `interrupt` or another sound: a microphone's, or any other with sound. */
  async listen(stream) {
    this.interrupt();
    const microphone = { startedAt: undefined, stop() {} };
    this.#microphone = microphone;
    const heard = (frames, startedAt) => {
      if (this.#microphone !== microphone) return;
      microphone.startedAt = startedAt;
      this.#heard(this.#speaker.pushMel(frames)).catch(() => {});
      // a page that nobody sees draws nothing, and must not keep the answers of hours
      if (document.hidden) this.#speaker.mouthAt(this.#speaker.knownUntil, Infinity);
    };
    const listening = await this.#openSound().listen(stream, new URL("worklet.js", RUNTIME), heard);
    if (this.#microphone !== microphone) { listening.stop(); return; }
    microphone.stop = listening.stop;
    this.#clock = () => this.#speaker.knownUntil;
  }

  /** Say some samples after those before, and play them unless told not to. */
  push(samples, { sampleRate = SAMPLE_RATE, isPlayed = true } = {}) {
    if (this.#microphone) this.interrupt();
    const heard = this.#heard(this.#speaker.push(samples, sampleRate));
    if (isPlayed) {
      const { context, recorded } = this.#openSound();
      this.playback ??= new Playback(context, [context.destination, recorded]);
      this.playback.push(samples, sampleRate);
      this.#clock ??= () => sampleTime(nearestSample(this.playback.position));
    } else {
      const from = this.#stage.now + this.latency;
      this.#clock ??= () => sampleTime(nearestSample(this.#stage.now - from));
    }
    return heard;
  }

  /** The sound ends here: the mouth goes to rest after it, and the promise is kept when it has. */
  flush() {
    if (!this.#speaker.isHearing || this.#microphone) return Promise.resolve();
    this.end = this.#speaker.finish();
    return new Promise((resolve) => { this.addEventListener("end", resolve, { once: true }); });
  }

  /** Fall silent: what was heard and has no picture yet is forgotten, and the mouth goes to rest. */
  interrupt() {
    this.#microphone?.stop();
    this.#microphone = null;
    this.playback?.stop();
    this.#speaker.interrupt(this.#stage.now);
    const wasEnding = this.end;
    this.#rest();
    if (wasEnding) this.dispatchEvent(new Event("end"));
  }

  on(name, listener) { this.addEventListener(name, listener); return this; }

  /** The avatar's picture, mark and sound as a stream, to be recorded or sent. */
  captureStream(fps = 30) {
    return new MediaStream([...this.canvas.captureStream(fps).getVideoTracks(), ...this.#openSound().recorded.stream.getAudioTracks()]);
  }

  /**
   * Every picture of a whole sound, each at its exact time and none left out, drawn onto the canvas one by one.
   * @param {Float32Array} samples
   */
  async *render(samples, { sampleRate = SAMPLE_RATE, fps = this.data.index.fps, lag = WHOLE_PATH_LAG } = {}) {
    const stage = this.#stage, rate = Fraction.parse(fps), speaker = new Speaker(this.#openStream()), choice = stage.openChoice(lag);
    const loop = this.data.openLoop(), wasLive = stage.pause(), waiting = [];
    const draw = async function* (decided) {
      for (const picture of decided) {
        const wanted = waiting.shift();
        await stage.drawOne(loop, wanted, picture);
        yield { time: Number(wanted.time), picture, mouth: wanted.mouth, pixels: () => stage.drawing.pixels() };
      }
    };
    try {
      await speaker.push(samples, sampleRate);
      const end = speaker.finish();
      await speaker.work;
      for (let index = 0; pictureTime(index, rate).compare(end) < 0; index++) {
        const time = pictureTime(index, rate), number = loop.numberAt(Number(time)), face = loop.face(number);
        const mouth = speaker.mouthAt(time, Infinity), shape = this.data.shapeOf(mouth);
        const { appearance, decided } = choice.push(shape, face.turn);
        waiting.push({ time, number, face, mouth, shape, appearance });
        yield* draw(decided);
      }
      yield* draw(choice.flush());
    } finally {
      loop.close();
      if (wasLive) stage.goOn();
    }
  }

  /** Let go of all that is held. */
  async close() {
    this.detach();
    this.interrupt();
    await this.sound?.context.close();
    await this.#network.close();
  }

  #openSound() {
    this.sound ??= new Sound();
    this.sound.context.resume();
    return this.sound;
  }

  #heard(work) {
    return work.catch((error) => { this.#fail(error); throw error; });
  }

  #fail(error) { this.dispatchEvent(Object.assign(new Event("error"), { error })); }

  #rest() { this.#clock = this.end = null; }

  /** Time of the sound that is shown now; null where nothing is said. */
  #soundTime() {
    if (!this.#clock) return null;
    const time = this.#clock(), known = this.#speaker.knownUntil;
    if (this.end && time.compare(this.end) >= 0) {
      this.#speaker.interrupt(this.#stage.now);
      this.#rest();
      this.dispatchEvent(new Event("end"));
      return null;
    }
    return time.compare(known) < 0 ? time : known;
  }

  #mouthAt(now) {
    const time = this.#soundTime();
    return { time, mouth: this.#speaker.mouthAt(time, now) };
  }

  #drawn({ now, time, ...picture }) {
    this.nFrames++;
    // compiling takes all of a small machine: a picture is there first
    if (this.nFrames === 1) this.#network.open().catch((error) => this.#fail(error));
    const startedAt = this.#microphone?.startedAt, soundTime = time ? Number(time) : null;
    const behind = time && startedAt !== undefined ? this.sound.context.currentTime - startedAt - soundTime : null;
    this.dispatchEvent(Object.assign(new Event("frame"), { time: now, soundTime, behind, ...picture }));
  }
}
