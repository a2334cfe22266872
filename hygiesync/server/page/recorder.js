// In the sound thread: hands on what the microphone hears, 10 ms at a time.
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.length = Math.round(sampleRate / 100);
    this.block = new Int16Array(this.length);
    this.n = 0;
  }

  process(inputs) {
    const samples = inputs[0][0];
    if (!samples) return true;
    for (const sample of samples) {
      this.block[this.n++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.n === this.length) {
        this.port.postMessage(this.block.buffer, [this.block.buffer]);
        this.block = new Int16Array(this.length);
        this.n = 0;
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
