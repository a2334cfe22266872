// Pictures and sound by WebSocket, where WebRTC can't pass: both wait for one clock, the sound card's.
import { openSocket } from "/page/server.js";

const BUFFER_S = 0.08; // what sound may be late by
const PICTURE = 1, SOUND = 2;

export class SocketMedia {
  constructor(session, canvas, context) {
    this.canvas = canvas;
    this.context = context;
    this.gain = context.createGain();
    this.gain.connect(context.destination);
    this.offset = null;
    this.pictures = [];
    this.onpicture = () => {};
    this.socket = openSocket({ session, pictures: "jpeg", sound: "pcm", feed: "live", sample_rate: context.sampleRate });
    this.socket.onmessage = (event) => { if (event.data instanceof ArrayBuffer) this.take(event.data); };
    this.isDrawing = true;
    requestAnimationFrame(() => this.draw());
  }

  set muted(value) { this.gain.gain.value = value ? 0 : 1; }

  send(samples) { if (this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount < 100000) this.socket.send(samples); }

  take(message) {
    const view = new DataView(message);
    const time = Number(view.getBigInt64(1)) / 1e6;
    if (view.getUint8(0) === PICTURE) {
      createImageBitmap(new Blob([message.slice(9)], { type: "image/jpeg" })).then((picture) => {
        this.pictures.push({ time, picture });
        while (this.pictures.length > 12) this.pictures.shift().picture.close();
      });
    } else if (view.getUint8(0) === SOUND) {
      this.play(new Int16Array(message.slice(9)), time);
    }
  }

  play(samples, time) {
    const now = this.context.currentTime;
    const late = this.offset === null ? Infinity : now - (time + this.offset);
    if (late > 0 || late < -4 * BUFFER_S) this.offset = now + BUFFER_S - time;
    const buffer = this.context.createBuffer(1, samples.length, 48000);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.gain);
    source.start(time + this.offset);
  }

  draw() {
    if (!this.isDrawing) return;
    requestAnimationFrame(() => this.draw());
    const delay = (this.context.outputLatency || 0);
    const isDue = (one) => this.offset === null || this.context.state !== "running" || one.time + this.offset + delay <= this.context.currentTime;
    let shown = null;
    while (this.pictures.length && isDue(this.pictures[0])) {
      if (shown) shown.picture.close();
      shown = this.pictures.shift();
    }
    if (!shown) return;
    const { picture } = shown;
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
    }
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.onpicture(shown.time);
  }

  close() {
    this.isDrawing = false;
    this.socket.close();
    this.gain.disconnect();
  }
}
