// The microphone: which one, how loud, and its sound for a connection.
import { word } from "/page/words.js";

export class Microphone {
  constructor(context, showLevel) {
    this.context = context;
    this.showLevel = showLevel;
    this.stream = null;
  }

  get isOpen() { return this.stream !== null; }
  get track() { return this.stream ? this.stream.getAudioTracks()[0] : null; }

  async open(deviceId, hasHeadphones) {
    if (!navigator.mediaDevices) throw new Error(word("needsTls"));
    const processing = !hasHeadphones;
    const audio = { echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing, channelCount: 1 };
    if (deviceId) audio.deviceId = { exact: deviceId };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    await this.context.resume();
    this.source = this.context.createMediaStreamSource(this.stream);
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.source.connect(this.analyser);
    const samples = new Float32Array(this.analyser.fftSize);
    this.timer = setInterval(() => {
      this.analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      this.showLevel(Math.min(1, 3 * Math.sqrt(power)));
    }, 60);
  }

  async record(send) {
    await this.context.audioWorklet.addModule("/page/recorder.js");
    this.recorder = new AudioWorkletNode(this.context, "recorder", { numberOfOutputs: 0 });
    this.recorder.port.onmessage = (event) => send(event.data);
    this.source.connect(this.recorder);
  }

  close() {
    clearInterval(this.timer);
    if (this.recorder) { this.recorder.disconnect(); this.recorder = null; }
    if (this.source) this.source.disconnect();
    if (this.stream) for (const track of this.stream.getTracks()) track.stop();
    this.stream = null;
    this.showLevel(0);
  }
}

export async function listMicrophones(select) {
  if (!navigator.mediaDevices) return;
  const chosen = select.value;
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "audioinput" && device.deviceId);
  select.replaceChildren(new Option(word("defaultDevice"), ""), ...devices.map((device, index) => new Option(device.label || `${index + 1}`, device.deviceId)));
  if (devices.some((device) => device.deviceId === chosen)) select.value = chosen;
}
