// The idle loop: its packets go to the browser's decoder, again and again, and each frame comes out with its number.

/** Frames that are decoded ahead of the one that is shown; a phone's decoder has few to lend. */
const N_AHEAD = 2;

/** Packets that may wait in the decoder. */
const MAX_QUEUE = 3;

/** Least difference of times that is no rounding, seconds. */
const INSTANT_S = 1e-9;

export class IdleLoop {
  /**
   * @param {Uint8Array} packets one after another, in the order of decoding
   * @param {object} described `codec`, `description`, `width`, `height` and `packets`
   * @param {Record<string, { data: ArrayLike<number>, shape: number[] }>} places the arrays of `idle.pack`
   */
  constructor(packets, described, places) {
    if (!globalThis.VideoDecoder) {
      throw new Error("This browser has no VideoDecoder (WebCodecs), which plays the avatar's idle loop; use a newer browser, and open the page by https or from this machine");
    }
    this.described = described;
    this.times = places.times_s.data;
    this.nFrames = this.times.length;
    this.places = places;
    const meanStep = this.nFrames > 1 ? (this.times.at(-1) - this.times[0]) / (this.nFrames - 1) : 0.04;
    this.length = this.times.at(-1) + meanStep;
    let start = 0;
    this.chunks = described.packets.map(({ bytes, shown, is_key: isKey }) => {
      start += bytes;
      return { shown, isKey, data: packets.subarray(start - bytes, start) };
    });
    this.configuration = {
      codec: described.codec, codedWidth: described.width, codedHeight: described.height,
      description: Uint8Array.from(atob(described.description), (letter) => letter.charCodeAt(0)),
    };
    this.ready = new Map();
  }

  /** Number of the frame whose own time is nearest to `time`, seconds, counted on through all repetitions. */
  numberAt(time) {
    const cycle = Math.floor(time / this.length), within = time - cycle * this.length;
    let index = 0;
    while (index + 1 < this.nFrames && this.times[index + 1] - within <= within - this.times[index] + INSTANT_S) index++;
    const isNext = index + 1 === this.nFrames && this.length - within <= within - this.times[index] + INSTANT_S;
    return cycle * this.nFrames + index + (isNext ? 1 : 0);
  }

  /** Where the face is in a frame. */
  face(number) {
    const index = number % this.nFrames, { to_picture: toPicture, turns, lower, strengths } = this.places;
    const row = ({ data, shape }) => {
      const width = shape.slice(1).reduce((product, size) => product * size, 1);
      return data.subarray(index * width, (index + 1) * width);
    };
    return { toPicture: row(toPicture), turn: row(turns), lower: row(lower), strength: strengths.data[index] };
  }

  /**
   * Frame `number`; frames before it are given back to the decoder. It stays the loop's: don't close it.
   * @returns {Promise<VideoFrame | null>} null where the loop was closed meanwhile
   */
  async frame(number) {
    const isNear = this.decoder && number >= this.oldest && number < this.nextToFeed + 2 * this.nFrames;
    if (!isNear) this.#begin(Math.floor(number / this.nFrames) * this.nFrames);
    this.oldest = this.wanted = number;
    for (const [other, frame] of this.ready) if (other < number) { frame.close(); this.ready.delete(other); }
    this.#feed();
    return this.ready.get(number) ?? new Promise((resolve, reject) => { this.waiting = { number, resolve, reject }; });
  }

  close() {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    for (const frame of this.ready.values()) frame.close();
    this.ready.clear();
    this.decoder = null;
    this.waiting?.resolve(null);
    this.waiting = null;
  }

  #begin(number) {
    this.close();
    const decoder = new VideoDecoder({
      output: (frame) => this.#take(decoder, frame),
      error: (error) => {
        const said = new Error(`This browser can't decode the avatar's idle loop (${this.described.codec}): ${error.message}`);
        this.failed = said;
        this.waiting?.reject(said);
      },
    });
    decoder.ondequeue = () => this.#feed();
    decoder.configure(this.configuration);
    this.decoder = decoder;
    this.oldest = this.nextToFeed = number;
  }

  #feed() {
    const { decoder } = this;
    if (!decoder || decoder.state !== "configured") return;
    const isEnough = () => [...this.ready.keys()].filter((number) => number >= this.wanted).length > N_AHEAD;
    while (!isEnough() && decoder.decodeQueueSize < MAX_QUEUE) {
      const index = this.nextToFeed % this.nFrames, first = this.nextToFeed - index, { shown, isKey, data } = this.chunks[index];
      // the frame's number stands for its time
      decoder.decode(new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp: 1000 * (first + shown), data }));
      this.nextToFeed++;
    }
  }

  #take(decoder, frame) {
    const number = Math.round(frame.timestamp / 1000);
    if (decoder !== this.decoder || number < this.oldest) frame.close();
    else {
      this.ready.set(number, frame);
      if (this.waiting?.number === number) {
        const { resolve } = this.waiting;
        this.waiting = null;
        resolve(frame);
      }
    }
    this.#feed();
  }
}
