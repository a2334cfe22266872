// In the sound thread: what the microphone hears becomes mel frames, as the network wants them.
import { MelSpectrogram } from "./speech/mel.js";
import { Resampler } from "./speech/resampler.js";

/** Samples that the sound thread is given at a time. */
const SILENCE = new Float32Array(128);

class Listener extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate);
    this.spectrogram = new MelSpectrogram();
  }

  process(inputs) {
    const heard = inputs[0][0] ?? (this.startedAt === undefined ? null : SILENCE);
    if (!heard) return true;
    this.startedAt ??= currentTime;
    // once it has begun, what a device or a busy browser loses is silence, so that later sound keeps its time
    const nLost = currentFrame - (this.nextFrame ?? currentFrame);
    this.nextFrame = currentFrame + heard.length;
    const samples = nLost > 0 ? new Float32Array(nLost + heard.length) : heard;
    if (nLost > 0) samples.set(heard, nLost);
    const frames = this.spectrogram.push(this.resampler.push(samples));
    if (frames.length) this.port.postMessage({ frames, startedAt: this.startedAt }, frames.map((frame) => frame.buffer));
    return true;
  }
}

registerProcessor("hygiesync-listener", Listener);
