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
    // once it has begun, what a device loses is silence, so that later sound keeps its time
    const samples = inputs[0][0] ?? (this.startedAt === undefined ? null : SILENCE);
    if (!samples) return true;
    this.startedAt ??= currentTime;
    const frames = this.spectrogram.push(this.resampler.push(samples));
    if (frames.length) this.port.postMessage({ frames, startedAt: this.startedAt }, frames.map((frame) => frame.buffer));
    return true;
  }
}

registerProcessor("hygiesync-listener", Listener);
