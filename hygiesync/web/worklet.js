// In the sound thread: what the microphone hears becomes mel frames, as the network wants them.
import { MelSpectrogram } from "./speech/mel.js";
import { Resampler } from "./speech/resampler.js";

class Listener extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate);
    this.spectrogram = new MelSpectrogram();
  }

  process(inputs) {
    const [samples] = inputs[0];
    if (!samples) return true;
    this.startedAt ??= currentTime;
    const frames = this.spectrogram.push(this.resampler.push(samples));
    if (frames.length) this.port.postMessage({ frames, startedAt: this.startedAt }, frames.map((frame) => frame.buffer));
    return true;
  }
}

registerProcessor("hygiesync-listener", Listener);
