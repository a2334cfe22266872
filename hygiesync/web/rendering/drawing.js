// Drawing one known mouth into one frame, on the graphics card. Both the template's skin and the mouth are brought to
// the same target landmarks before they meet (hygiesync/rendering/mouth_drawing.py):
//
//   template frame --- SKIN ----------------------------------.
//                                                    `-- RIM   >-- BLEND --> canvas
//   atlas picture ---- MOUTH ------------------------'  |     '
//   expected look - picture's look ---- SMOOTH <--------'-----'
import { drawInto, openGl, program, target, texture, use } from "./gl.js";
import * as shaders from "./shaders.js";
import { FaceMesh } from "./mesh.js";
import { TemplatePicture } from "./template.js";

/** Samples along the rim, and places that each is the mean of. */
const N_RIM = 96, POINTS_PER_SAMPLE = 3;

/** On faces with fewer pixels than this to a canonical unit a mouth is worth cubic sampling. */
const CUBIC_BELOW_PX = 165;

/** Memory that opened sheets may take, bytes. */
const MAX_OPEN_BYTES = 48e6;

/** Cells of the canvas in a row of the spread's texture: 8 x 24 texels are narrow enough for every device. */
const CELLS_PER_ROW = 8;

/** Height of the mark's letters, as a part of the picture's. */
const MARK_SHARE = 0.035;

export class Drawing {
  /**
   * @param {HTMLCanvasElement | OffscreenCanvas} canvas
   * @param {import("../data.js").AvatarData} data
   */
  constructor(canvas, data) {
    const gl = openGl(canvas);
    this.gl = gl;
    this.data = data;
    this.mesh = new FaceMesh(data.face);
    [canvas.width, canvas.height] = [data.width, data.height];
    this.#makePrograms();
    this.#makeTargets();
    this.#makeLook();
    this.#makeMesh();
    this.sheets = new Map();
    this.markTexture = null;
  }

  #makePrograms() {
    const { gl } = this, { EVERYWHERE, MESH } = shaders;
    this.copy = program(gl, EVERYWHERE, shaders.COPY, ["image"]);
    this.skin = program(gl, MESH, shaders.SKIN, ["image"]);
    this.mouth = program(gl, MESH, shaders.MOUTH, ["sheet"]);
    this.rim = program(gl, EVERYWHERE, shaders.RIM, ["skin", "mouth", "places"]);
    this.smooth = program(gl, EVERYWHERE, shaders.SMOOTH, ["spread", "rim", "look"]);
    this.blend = program(gl, MESH, shaders.BLEND, ["skin", "mouth", "smoothly", "feather"]);
    this.mark = program(gl, EVERYWHERE, shaders.MARK, ["image"]);
  }

  #makeTargets() {
    const { gl, data: { width, height, look } } = this;
    const [rows, columns] = look.feather.shape;
    this.template = new TemplatePicture(gl, width, height);
    this.skinTarget = target(gl, { width, height, isLinear: true });
    this.mouthTarget = target(gl, { width, height, isLinear: true });
    this.rimTarget = target(gl, { width: N_RIM, height: 1, format: gl.RGBA16F });
    this.smoothTarget = target(gl, { width: columns, height: rows, format: gl.RGBA16F, isLinear: true });
    this.places = texture(gl, { width: N_RIM * POINTS_PER_SAMPLE, height: 1, format: gl.RG32F });
  }

  #makeLook() {
    const { gl, data: { look, atlas } } = this, { left, top, right, bottom } = atlas.lipsBox;
    const [rows, columns] = look.feather.shape, nCells = rows * columns;
    this.box = [left, top, right - left, bottom - top];
    const nRows = Math.ceil(nCells / CELLS_PER_ROW), spread = new Float32Array(nRows * CELLS_PER_ROW * N_RIM);
    spread.set(look.spread.data);
    this.spread = texture(gl, { width: CELLS_PER_ROW * N_RIM / 4, height: nRows, format: gl.RGBA16F, data: spread });
    this.feather = texture(gl, { width: columns, height: rows, format: gl.R16F, data: Float32Array.from(look.feather.data), isLinear: true });
    this.look = texture(gl, { width: this.box[2], height: this.box[3], format: gl.RGBA16F });
    this.lookPixels = new Float32Array(4 * this.box[2] * this.box[3]);
    this.lookSum = new Float32Array(3 * this.box[2] * this.box[3]);
  }

  #makeMesh() {
    const { gl, data: { look } } = this, n = look.canvas_vertices.data.length;
    this.vertexArray = gl.createVertexArray();
    gl.bindVertexArray(this.vertexArray);
    const attribute = (location, data) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 0, 0);
      return buffer;
    };
    this.placeBuffer = attribute(0, new Float32Array(n));
    this.sourceBuffer = attribute(1, new Float32Array(n));
    attribute(2, Float32Array.from(look.canvas_vertices.data));
    this.indexBuffer = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indexBuffer);
    gl.bindVertexArray(null);
  }

  /**
   * Make sure that a frame of the template and an atlas picture are on the graphics card.
   * @param {VideoFrame} frame
   * @param {number} picture
   */
  async prepare(frame, picture) { await Promise.all([this.template.show(frame), this.#openSheet(picture)]); }

  async #openSheet(picture) {
    const { sheet } = this.data.sheets.find(picture);
    const opened = this.sheets.get(sheet);
    if (opened) {
      this.sheets.delete(sheet);
      this.sheets.set(sheet, opened);
      return;
    }
    const { gl } = this, image = await this.data.sheets.open(sheet);
    this.sheetBytes = 4 * image.width * image.height;
    this.sheets.set(sheet, texture(gl, { image }));
    image.close();
    if (this.sheets.size * this.sheetBytes > MAX_OPEN_BYTES) {
      const [oldest, itsTexture] = this.sheets.entries().next().value;
      gl.deleteTexture(itsTexture);
      this.sheets.delete(oldest);
    }
  }

  /**
   * Draw a picture onto the canvas: the template's frame that was prepared last, with another mouth.
   * @param {object} face where its face is, as `IdleLoop.face` says
   * @param {ArrayLike<number>} coefficients
   * @param {number} picture of the atlas; `prepare` was waited for
   * @param {Float32Array} appearance code of the look that the mouth is expected to have
   */
  draw(face, coefficients, picture, appearance) {
    const { gl, mesh, data } = this;
    const vertices = mesh.place(data.shape.place(coefficients, face), face.toPicture);
    const { all, mouth } = mesh.ordered(vertices);
    gl.bindVertexArray(this.vertexArray);
    this.#fill(this.placeBuffer, vertices);
    const box = this.#boxAround(vertices);
    this.#drawSkin(mesh.place(face.lower, face.toPicture), all, box);
    this.#drawMouth(picture, mouth, face);
    this.#drawSmooth(vertices, picture, appearance);
    this.#drawResult(mouth, face.strength, box);
    gl.bindVertexArray(null);
    this.#drawMark();
  }

  #fill(buffer, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, values);
  }

  #drawMesh({ uniforms }, indices, up) {
    const { gl, data } = this;
    gl.uniform2f(uniforms.size, data.width, data.height);
    gl.uniform1f(uniforms.up, up);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STREAM_DRAW);
    gl.drawElements(gl.TRIANGLES, indices.length, gl.UNSIGNED_SHORT, 0);
  }

  #copy(image, up) {
    const { gl } = this;
    use(gl, this.copy, [image]);
    gl.uniform1f(this.copy.uniforms.up, up);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Left, top, width and height of the pixels that a mesh covers: beyond them the template stays as it is. */
  #boxAround(vertices) {
    const { data: { width, height } } = this;
    const [x, y] = [0, 1].map((axis) => vertices.filter((_, at) => at % 2 === axis));
    const [left, top] = [x, y].map((values) => Math.max(0, Math.floor(Math.min(...values)) - 1));
    return [left, top, Math.min(width, Math.ceil(Math.max(...x)) + 2) - left, Math.min(height, Math.ceil(Math.max(...y)) + 2) - top];
  }

  /** Let what is drawn next change these pixels alone. */
  #within([left, top, width, height], up) {
    const { gl } = this;
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(left, up > 0 ? top : this.data.height - top - height, Math.max(width, 0), Math.max(height, 0));
  }

  #drawSkin(source, indices, box) {
    const { gl } = this;
    drawInto(gl, this.skinTarget);
    this.#within(box, 1);
    this.#copy(this.template.texture, 1);
    this.#fill(this.sourceBuffer, source);
    use(gl, this.skin, [this.template.texture]);
    this.#drawMesh(this.skin, indices, 1);
    gl.disable(gl.SCISSOR_TEST);
  }

  #drawMouth(picture, indices, { toPicture }) {
    const { gl, data } = this, { sheet, tile } = data.sheets.find(picture);
    drawInto(gl, this.mouthTarget);
    this.#fill(this.sourceBuffer, data.atlas.verticesOf(picture));
    use(gl, this.mouth, [this.sheets.get(sheet)]);
    gl.uniform4i(this.mouth.uniforms.tile, ...tile);
    gl.uniform1i(this.mouth.uniforms.isCubic, Math.hypot(toPicture[0], toPicture[3]) < CUBIC_BELOW_PX ? 1 : 0);
    this.#drawMesh(this.mouth, indices, 1);
  }

  #drawSmooth(vertices, picture, appearance) {
    const { gl, mesh, data: { look } } = this, nPoints = N_RIM * POINTS_PER_SAMPLE;
    gl.bindTexture(gl.TEXTURE_2D, this.places);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, nPoints, 1, gl.RG, gl.FLOAT, mesh.rimPoints(vertices, nPoints));
    gl.bindTexture(gl.TEXTURE_2D, this.look);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, this.box[2], this.box[3], gl.RGBA, gl.FLOAT, this.#lookOf(picture, appearance));
    drawInto(gl, this.rimTarget);
    use(gl, this.rim, [this.skinTarget.texture, this.mouthTarget.texture, this.places]);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    drawInto(gl, this.smoothTarget);
    use(gl, this.smooth, [this.spread, this.rimTarget.texture, this.look]);
    const { uniforms } = this.smooth;
    gl.uniform4i(uniforms.box, ...this.box);
    gl.uniform1i(uniforms.cellsPerRow, CELLS_PER_ROW);
    gl.uniform1i(uniforms.canvasWidth, look.feather.shape[1]);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** What the expected look has and the picture's own has not, RGBA on the canvas's box around the lips, 0 to 1. */
  #lookOf(picture, appearance) {
    const { data: { look, atlas }, lookSum, lookPixels } = this, basis = look.basis.data, [nCodes, width] = look.basis.shape;
    const own = atlas.codeOf(picture);
    lookSum.fill(0);
    for (let code = 0; code < nCodes; code++) {
      const amount = (appearance[code] - own[code]) / 255, start = code * width;
      for (let at = 0; at < width; at++) lookSum[at] += amount * basis[start + at];
    }
    for (let cell = 0, at = 0; at < width; cell++, at += 3) {
      lookPixels[4 * cell] = lookSum[at];
      lookPixels[4 * cell + 1] = lookSum[at + 1];
      lookPixels[4 * cell + 2] = lookSum[at + 2];
    }
    return lookPixels;
  }

  #drawResult(indices, strength, box) {
    const { gl } = this;
    drawInto(gl, null);
    this.#copy(this.template.texture, -1);
    this.#within(box, -1);
    this.#copy(this.skinTarget.texture, -1);
    gl.disable(gl.SCISSOR_TEST);
    use(gl, this.blend, [this.skinTarget.texture, this.mouthTarget.texture, this.smoothTarget.texture, this.feather]);
    gl.uniform1f(this.blend.uniforms.strength, strength);
    this.#drawMesh(this.blend, indices, -1);
  }

  /** Show a label such as `SYNTHETIC` from the next picture on, or none where `text` is empty. */
  setMark(text) {
    const { gl, data } = this;
    if (this.markTexture) gl.deleteTexture(this.markTexture);
    this.markTexture = null;
    if (!text) return;
    const size = Math.max(9, Math.round(MARK_SHARE * data.height)), rim = Math.max(2, size >> 2);
    const label = new OffscreenCanvas(1, 1), pen = label.getContext("2d");
    pen.font = `${size}px sans-serif`;
    [label.width, label.height] = [Math.ceil(pen.measureText(text).width) + 2 * rim, size + 2 * rim];
    pen.fillRect(0, 0, label.width, label.height);
    Object.assign(pen, { font: `${size}px sans-serif`, fillStyle: "#fff", textBaseline: "middle" });
    pen.fillText(text, rim, label.height / 2);
    this.markTexture = texture(gl, { image: label });
    const margin = Math.round(0.015 * data.height);
    this.markBox = [margin, margin, label.width, label.height];
  }

  #drawMark() {
    if (!this.markTexture) return;
    const { gl } = this;
    gl.viewport(...this.markBox);
    use(gl, this.mark, [this.markTexture]);
    gl.uniform4i(this.mark.uniforms.box, ...this.markBox);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Colours (height * width * 4) of what was drawn last, upper row first; only right after it was drawn. */
  pixels() {
    const { gl, data: { width, height } } = this, flipped = new Uint8Array(4 * width * height), upright = new Uint8Array(flipped.length);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, flipped);
    for (let row = 0; row < height; row++) upright.set(flipped.subarray(4 * width * row, 4 * width * (row + 1)), 4 * width * (height - 1 - row));
    return upright;
  }
}
