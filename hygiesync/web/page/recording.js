// A recording of the avatar's picture and sound, as WebM.

const TYPES = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];

export class Recording {
  constructor(stream, name) {
    this.stream = stream;
    this.name = name;
    this.pieces = [];
    this.recorder = new MediaRecorder(stream, { mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)) });
    this.recorder.ondataavailable = ({ data }) => this.pieces.push(data);
    this.recorder.start(1000);
  }

  /** End it; returns a list's item that shows it and offers it for download. */
  async finish(download) {
    await new Promise((resolve) => { this.recorder.onstop = resolve; this.recorder.stop(); });
    this.stream.getVideoTracks().forEach((track) => track.stop());
    const url = URL.createObjectURL(new Blob(this.pieces, { type: this.recorder.mimeType }));
    const item = document.createElement("li"), line = document.createElement("p");
    line.append(Object.assign(document.createElement("a"), { href: url, download: this.name, textContent: download }));
    item.append(Object.assign(document.createElement("video"), { src: url, controls: true }), line);
    return item;
  }
}
