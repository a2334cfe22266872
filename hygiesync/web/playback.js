// Sound that is heard while the avatar says it, and where in it the loudspeaker is.

/** The first sample is played so much later than it came, seconds: the network hears ahead before it answers. */
const LEAD_S = 0.15;

export class Playback {
  /**
   * @param {AudioContext} context
   * @param {AudioNode[]} outputs where the sound goes
   */
  constructor(context, outputs) {
    this.context = context;
    this.outputs = outputs;
    this.stop();
  }

  /** Stop at once, and forget where the sound was. */
  stop() {
    for (const source of this.sources ?? []) source.stop();
    this.sources = new Set();
    this.pieces = [];
    this.length = 0;
  }

  /** Play samples after those before; where those are over already, after a moment. */
  push(samples, sampleRate) {
    if (!samples.length) return;
    const buffer = this.context.createBuffer(1, samples.length, sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    for (const output of this.outputs) source.connect(output);
    const last = this.pieces.at(-1), earliest = this.context.currentTime + (last ? 0.01 : LEAD_S);
    const end = last ? last.at + (this.length - last.from) : -Infinity;
    const at = Math.max(end, earliest);
    if (at > end) this.pieces.push({ at, from: this.length });
    source.start(at);
    this.sources.add(source);
    source.onended = () => this.sources.delete(source);
    this.length += samples.length / sampleRate;
  }

  /** Seconds of the sound that came out of the loudspeaker so far; negative before it begins. */
  get position() {
    const heard = this.context.currentTime - (this.context.outputLatency || 0);
    const piece = this.pieces.findLast(({ at }) => at <= heard) ?? this.pieces[0];
    if (!piece) return -LEAD_S;
    const next = this.pieces[this.pieces.indexOf(piece) + 1];
    return Math.min(piece.from + heard - piece.at, next ? next.from : this.length + 1);
  }
}
