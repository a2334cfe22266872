// A recording of the avatar's picture and sound, as WebM.

const TYPES = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];

/** How often encoded pieces come, and how long the first is waited for, ms. */
const PIECE_MS = 500, PATIENCE_MS = 10000;

export class Recording {
  constructor(stream, name) {
    this.stream = stream;
    this.name = name;
    this.pieces = [];
    this.recorder = new MediaRecorder(stream, { mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)) });
    this.begun = new Promise((resolve) => {
      this.recorder.ondataavailable = ({ data }) => {
        this.pieces.push(data);
        if (data.size) resolve();
      };
    });
    this.recorder.start(PIECE_MS);
  }

  /** End it; returns a list's item that shows it and offers it for download. */
  async finish(download) {
    // encoders take a moment before the first picture is out; without any the file would be empty
    await Promise.race([this.begun, new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); })]);
    await new Promise((resolve) => { this.recorder.onstop = resolve; this.recorder.stop(); });
    this.stream.getVideoTracks().forEach((track) => track.stop());
    const url = URL.createObjectURL(new Blob(this.pieces, { type: this.recorder.mimeType }));
    const item = document.createElement("li"), line = document.createElement("p");
    line.append(Object.assign(document.createElement("a"), { href: url, download: this.name, textContent: download }));
    item.append(Object.assign(document.createElement("video"), { src: url, controls: true }), line);
    return item;
  }
}
