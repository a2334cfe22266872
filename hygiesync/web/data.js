// An avatar's files, read and checked.
import { readPack } from "./packs.js";
import { IdleLoop } from "./rendering/loop.js";
import { Shape } from "./rendering/shape.js";
import { Sheets } from "./rendering/sheets.js";

const FORMAT = "hygiesync web avatar", SCHEMA_VERSION = 1;

/** A file by its address; an error that says which one is missing. */
export async function fetchFile(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: the server answered ${answer.status}; expected a file of the exported folder`);
  return new Uint8Array(await answer.arrayBuffer());
}

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function checked(name, content, { sha256, bytes }) {
  const isWhole = content.length === bytes && (!globalThis.crypto?.subtle || hex(await crypto.subtle.digest("SHA-256", content)) === sha256);
  if (!isWhole) throw new Error(`${name}: is not the file that was exported; export the avatar again, and copy the whole folder`);
  return content;
}

/** What `avatar.json` says; an error where it is no avatar, or one for a newer runtime. */
export function readIndex(content) {
  const index = JSON.parse(new TextDecoder().decode(content));
  if (index.format !== FORMAT) throw new Error("avatar.json: expected an avatar that `hygiesync export --web` wrote");
  if (index.schema_version !== SCHEMA_VERSION) {
    throw new Error(`avatar.json: has schema version ${index.schema_version}, and this runtime reads version ${SCHEMA_VERSION}; export the avatar again`);
  }
  return index;
}

/** What drawing doesn't need: the network, which is read apart, and what only tests read. */
const NOT_DRAWN = ["speech.pack", "reference.pack"];

/**
 * All files that drawing needs.
 * @param {(name: string) => Promise<Uint8Array>} read gives a file of the folder `avatar/`
 * @param {(share: number) => void} tell how much is there, 0 to 1
 * @returns {Promise<{ index: object, packs: object, contents: Record<string, Uint8Array> }>}
 */
export async function readFiles(read, tell = () => {}) {
  const index = readIndex(await read("avatar.json"));
  const names = Object.keys(index.files).filter((name) => !NOT_DRAWN.includes(name));
  const total = names.reduce((sum, name) => sum + index.files[name].bytes, 0);
  let done = 0;
  const contents = {}, packs = {};
  await Promise.all(names.map(async (name) => {
    if (index.files[name].arrays) packs[name] = await readOne(read, index, name);
    else contents[name] = await checked(name, await read(name), index.files[name]);
    tell((done += index.files[name].bytes) / total);
  }));
  return { index, packs, contents };
}

/** Arrays of one pack. */
async function readOne(read, { files }, name) {
  return readPack(await checked(name, await read(name), files[name]), files[name].arrays);
}

/** The network's step, an ONNX model. */
export async function readStep(read, index) { return (await readOne(read, index, "speech.pack")).step.data; }

/** The reference that the export holds; only tests read it. */
export async function readReference(read) {
  const index = readIndex(await read("avatar.json"));
  return { ...(await readOne(read, index, "reference.pack")), fps: index.reference.fps };
}

/** What drawing goes by. */
export class AvatarData {
  constructor({ index, packs, contents }) {
    this.index = index;
    [this.width, this.height] = [index.width, index.height];
    this.face = packs["face.pack"];
    this.look = packs["look.pack"];
    this.rest = this.face.rest.data;
    this.shape = new Shape(this.face);
    this.atlas = new Atlas(packs["atlas.pack"], index.atlas, this.look.canvas_vertices.data.length);
    this.sheets = new Sheets(contents["mouths.bin"], index.atlas.sheets);
    this.packets = contents["loop.bin"];
    this.places = packs["idle.pack"];
  }

  /** The shape's coefficients of an answer of the network; a photo's answers are curves: opening, width and tuck. */
  shapeOf(answer) {
    if (this.index.answers !== "curves") return answer;
    const [opening, width, tuck] = answer;
    return [opening, width, -width, tuck].map((amount) => Math.max(amount, 0));
  }

  /** The idle loop from its beginning, for one canvas. */
  openLoop() { return new IdleLoop(this.packets, this.index.loop, this.places); }

  /** The answer with the longest lookahead within so many milliseconds: its mel frames, and its number if it is early. */
  answerWithin(lookaheadMs) {
    const { lookahead, early_lookaheads: early } = this.index;
    if (lookaheadMs === undefined || lookaheadMs >= 10 * lookahead) return { lookahead };
    const within = early.map((frames, number) => ({ lookahead: frames, early: number })).filter((one) => 10 * one.lookahead <= lookaheadMs);
    if (!within.length) {
      throw new RangeError(`lookaheadMs: this avatar answers after ${10 * Math.min(lookahead, ...early)} ms or more, and ${lookaheadMs} ms were asked for`);
    }
    return within.reduce((best, one) => (one.lookahead > best.lookahead ? one : best));
  }
}

/** What is known of the atlas's pictures. */
class Atlas {
  constructor(pack, described, nCoordinates) {
    Object.assign(this, pack);
    this.described = described;
    this.lipsBox = described.lips_box;
    this.scales = { appearanceScale: described.appearance_scale, kernelWidth: described.kernel_width };
    this.all = new Float32Array(nCoordinates);
  }

  /** Mesh vertices in a picture, pixels; those that the mouth isn't drawn with are 0. The array is the atlas's own. */
  verticesOf(picture) {
    const { vertices, vertex_fraction: fraction } = this.described, start = 2 * picture * vertices.length;
    vertices.forEach((vertex, place) => {
      for (const axis of [0, 1]) this.all[2 * vertex + axis] = this.vertices.data[start + 2 * place + axis] / fraction;
    });
    return this.all;
  }

  /** Code of a picture's look. */
  codeOf(picture) {
    const [, n] = this.codes.shape;
    return this.codes.data.subarray(picture * n, (picture + 1) * n);
  }
}
