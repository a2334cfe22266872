// A page's sound: one context that all of it goes through, what a recording takes of it, and what a stream brings.

export class Sound {
  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.recorded = this.context.createMediaStreamDestination();
    // silence is sound, too: without any, a recording waits for its first sample for ever
    const silence = new ConstantSourceNode(this.context, { offset: 0 });
    silence.connect(this.recorded);
    silence.start();
  }

  /**
   * Listen to a stream in the sound thread.
   * @param {MediaStream} stream
   * @param {string} worklet address of worklet.js
   * @param {(frames: Float32Array[], startedAt: number) => void} heard told the mel frames that became complete, and when
   *   the sound began, seconds of the context
   * @returns {Promise<{ stop: () => void }>}
   */
  async listen(stream, worklet, heard) {
    const { context } = this;
    await context.audioWorklet.addModule(worklet);
    await context.resume();
    const source = context.createMediaStreamSource(stream);
    const listener = new AudioWorkletNode(context, "hygiesync-listener", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    listener.port.onmessage = ({ data: { frames, startedAt } }) => heard(frames, startedAt);
    source.connect(listener);
    source.connect(this.recorded);
    return {
      stop() {
        source.disconnect();
        listener.port.onmessage = null;
        listener.port.close();
      },
    };
  }
}
