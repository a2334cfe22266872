// The canvas that an avatar is on: which picture is drawn when. Pictures follow each other as the screen asks for them,
// or, while a whole sound is drawn, as that does.
import { MouthChoice } from "./rendering/choice.js";
import { Drawing } from "./rendering/drawing.js";

const seconds = () => performance.now() / 1000;

export class Stage {
  #canvas = null;
  #isLive = false;
  #wanted = null;
  #last = Promise.resolve();
  #mark = "";

  /**
   * @param {import("./data.js").AvatarData} data
   * @param {object} avatar who is on it
   * @param {(now: number) => { time: object | null, mouth: Float64Array }} avatar.mouthAt what mouth is to be seen `now`,
   *   seconds, and what time of the sound it belongs to
   * @param {(picture: object) => void} avatar.drawn told of each picture
   * @param {(error: Error) => void} avatar.failed told when drawing ends by an error
   */
  constructor(data, avatar) {
    this.data = data;
    this.avatar = avatar;
    this.startedAt = seconds();
    this.drawing = this.loop = this.shown = null;
  }

  /** Seconds since the stage was made. */
  get now() { return seconds() - this.startedAt; }

  get canvas() { return this.#canvas; }

  /** Draw onto a canvas from now on, as often as the screen shows a picture. */
  attach(canvas) {
    this.detach();
    this.#canvas = canvas;
    this.#open();
    canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); if (this.#canvas === canvas) this.drawing = null; });
    canvas.addEventListener("webglcontextrestored", () => { if (this.#canvas === canvas) this.#open(); });
    this.goOn();
  }

  detach() {
    this.pause();
    this.loop?.close();
    this.loop = this.drawing = this.#canvas = null;
  }

  /** Draw no picture by itself; whether it did. */
  pause() {
    const wasLive = this.#isLive;
    cancelAnimationFrame(this.#wanted);
    this.#isLive = false;
    return wasLive;
  }

  /** Draw pictures by itself again. */
  goOn() {
    if (!this.#canvas) return;
    this.#isLive = true;
    this.shown = null;
    this.#wanted = requestAnimationFrame(() => this.#tick());
  }

  /** Show a label, or none where it is empty. */
  set mark(text) {
    this.#mark = text;
    this.drawing?.setMark(text);
    this.shown = null;
  }

  #open() {
    this.loop?.close();
    this.loop = this.data.openLoop();
    this.drawing = new Drawing(this.#canvas, this.data);
    this.drawing.setMark(this.#mark);
    this.shown = null;
    this.choice = this.openChoice(0);
  }

  /** A choice of mouths, each of which may wait for `lag` pictures after it. */
  openChoice(lag) { return new MouthChoice(this.data.shape, this.data.atlas, this.data.look, this.data.atlas.scales, lag); }

  async #tick() {
    const canvas = this.#canvas;
    try {
      if (this.drawing && !document.hidden) await this.#inTurn(() => this.#drawNow());
    } catch (error) {
      if (this.#canvas === canvas && this.#isLive) this.avatar.failed(error);
      return;
    }
    if (this.#isLive && this.#canvas === canvas) this.#wanted = requestAnimationFrame(() => this.#tick());
  }

  /** Draw what is to be seen now: the template first, so that the mouth is as new as can be when it is its turn. */
  async #drawNow() {
    const { drawing, loop, choice, now } = this;
    if (!drawing) return;
    const number = loop.numberAt(now), face = loop.face(number), frame = await loop.frame(number);
    if (!frame) return;
    await drawing.showTemplate(frame);
    const begun = performance.now(), { time, mouth } = this.avatar.mouthAt(now), shape = this.data.shapeOf(mouth);
    const isShown = this.shown?.number === number && this.shown.mouth.every((value, index) => value === mouth[index]);
    if (isShown || drawing !== this.drawing) return;
    this.shown = { number, mouth };
    const { appearance, decided: [picture] } = choice.push(shape, face.turn), chosen = performance.now();
    await drawing.openMouth(picture);
    if (drawing !== this.drawing) return;
    const drawn = performance.now();
    drawing.draw(face, shape, picture, appearance);
    const choosingMs = chosen - begun;
    this.avatar.drawn({ now, time, picture, mouth, choosingMs, computingMs: choosingMs + performance.now() - drawn });
  }

  /** Draw one certain picture. @param {import("./rendering/loop.js").IdleLoop} loop */
  drawOne(loop, { number, face, shape, appearance }, picture) {
    return this.#inTurn(async () => {
      const { drawing } = this;
      await drawing.showTemplate(await loop.frame(number));
      await drawing.openMouth(picture);
      drawing.draw(face, shape, picture, appearance);
    });
  }

  /** Do a piece of drawing once those before are done. */
  #inTurn(job) {
    const done = this.#last.then(job);
    this.#last = done.catch(() => {});
    return done;
  }
}
