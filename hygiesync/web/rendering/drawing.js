// Drawing one known mouth into one frame, on the graphics card. Both the template's skin and the mouth are brought to
// the same target landmarks, where they meet (hygiesync/rendering/mouth_drawing.py):
//
//   template frame -- PLANES --.----------------------------------------.
//                              |-- RIM --.                 .-- FACE ----->-- canvas
//   atlas picture -------------'         |-- SMOOTH ------'
//   expected look - picture's look ------'
//
// Where there is no graphics card each pixel that a pass touches costs the same, whatever is done to it: the canvas is
// covered once, and only the face is drawn a second time.
import { ExpectedLook } from "./expected_look.js";
import { drawInto, openGl, programs, target, texture, use } from "./gl.js";
import { Mark } from "./mark.js";
import { FaceMesh } from "./mesh.js";
import * as shaders from "./shaders.js";
import { SheetTextures } from "./sheet_textures.js";
import { TemplatePicture } from "./template.js";

/** Samples along the rim, and places that each is the mean of. */
const N_RIM = 96, POINTS_PER_SAMPLE = 3;

/** On faces with fewer pixels than this to a canonical unit a mouth is worth cubic sampling. */
const CUBIC_BELOW_PX = 165;

/** Cells of the canvas in a row of the spread's texture: 8 x 24 texels are narrow enough for every device. */
const CELLS_PER_ROW = 8;

export class Drawing {
  /**
   * @param {HTMLCanvasElement | OffscreenCanvas} canvas
   * @param {import("../data.js").AvatarData} data
   */
  constructor(canvas, data) {
    const gl = openGl(canvas);
    this.gl = gl;
    this.data = data;
    [canvas.width, canvas.height] = [data.width, data.height];
    this.mesh = new FaceMesh(data.face, data.look.canvas_vertices.data, N_RIM * POINTS_PER_SAMPLE);
    const { EVERYWHERE, MESH } = shaders;
    this.programs = programs(gl, {
      planes: [EVERYWHERE, shaders.PLANES, ["luma", "chroma"]],
      rim: [EVERYWHERE, shaders.RIM, ["video", "sheet", "places"]],
      smooth: [EVERYWHERE, shaders.SMOOTH, ["spread", "rim", "look", "feather"]],
      face: [MESH, shaders.FACE, ["video", "sheet", "smoothly"]],
      mark: [EVERYWHERE, shaders.MARK, ["image"]],
    });
    this.template = new TemplatePicture(gl, this.programs.planes, data.width, data.height);
    this.sheets = new SheetTextures(gl, data.sheets);
    this.mark = new Mark(gl, this.programs.mark, data.height);
    this.#makeSmooth();
    this.#makeVertices();
  }

  #makeSmooth() {
    const { gl, data: { look, atlas } } = this, { left, top, right, bottom } = atlas.lipsBox;
    const [rows, columns] = look.feather.shape, nRows = Math.ceil(rows * columns / CELLS_PER_ROW);
    this.box = [left, top, right - left, bottom - top];
    this.look = new ExpectedLook(look.basis);
    this.lookTexture = texture(gl, { width: this.box[2], height: this.box[3], format: gl.RGBA16F });
    this.places = texture(gl, { width: N_RIM * POINTS_PER_SAMPLE, height: 1, format: gl.RGBA32F });
    this.rimTarget = target(gl, { width: N_RIM, height: 1, format: gl.RGBA16F });
    this.smoothTarget = target(gl, { width: columns, height: rows, format: gl.RGBA16F, isLinear: true });
    const spread = new Float32Array(nRows * CELLS_PER_ROW * N_RIM);
    spread.set(look.spread.data);
    this.spread = texture(gl, { width: CELLS_PER_ROW * N_RIM / 4, height: nRows, format: gl.RGBA16F, data: spread });
    this.feather = texture(gl, { width: columns, height: rows, format: gl.RG16F, data: withNearness(look.feather.data, columns) });
  }

  #makeVertices() {
    const { gl, data: { look } } = this, cells = Float32Array.from(look.canvas_vertices.data);
    this.vertexArray = gl.createVertexArray();
    gl.bindVertexArray(this.vertexArray);
    [this.placeBuffer, this.templateBuffer, this.mouthBuffer] = [0, 1, 2, 3].map((location) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, cells, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 0, 0);
      return buffer;
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bindVertexArray(null);
  }

  /** Have a frame of the template on the graphics card. @param {VideoFrame} frame */
  showTemplate(frame) { return this.template.show(frame); }

  /** Have an atlas picture on the graphics card. */
  openMouth(picture) { return this.sheets.open(picture); }

  /**
   * Draw a picture onto the canvas: the template's frame that was shown last, with another mouth.
   * @param {object} face where its face is, as `IdleLoop.face` says
   * @param {ArrayLike<number>} coefficients
   * @param {number} picture of the atlas; `openMouth` was waited for
   * @param {Float32Array} appearance code of the look that the mouth is expected to have
   */
  draw(face, coefficients, picture, appearance) {
    const { mesh, data } = this;
    const inTemplate = mesh.place(face.lower, face.toPicture), inMouth = data.atlas.verticesOf(picture);
    const sheet = { ...this.sheets.find(picture), isCubic: Math.hypot(face.toPicture[0], face.toPicture[3]) < CUBIC_BELOW_PX };
    this.template.colour(this.#boxAround(inTemplate));
    this.#drawSmooth(mesh.onRim(inTemplate, inMouth), sheet, this.look.difference(appearance, data.atlas.codeOf(picture)));
    this.template.draw();
    this.#drawFace(mesh.place(data.shape.place(coefficients, face), face.toPicture), inTemplate, inMouth, sheet, face.strength);
    this.mark.draw();
  }

  /** Left, top, width and height of the pixels that interpolation between some vertices can need. */
  #boxAround(vertices) {
    const { width, height } = this.data;
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let at = 0; at < vertices.length; at += 2) {
      left = Math.min(left, vertices[at]);
      right = Math.max(right, vertices[at]);
      top = Math.min(top, vertices[at + 1]);
      bottom = Math.max(bottom, vertices[at + 1]);
    }
    [left, top] = [left, top].map((least) => Math.max(Math.floor(least) - 1, 0));
    return [left, top, Math.max(Math.min(Math.ceil(right) + 2, width) - left, 0), Math.max(Math.min(Math.ceil(bottom) + 2, height) - top, 0)];
  }

  #useSheet({ uniforms }, { tile, isCubic }) {
    this.gl.uniform4i(uniforms.tile, ...tile);
    this.gl.uniform1i(uniforms.isCubic, isCubic ? 1 : 0);
  }

  #drawSmooth(places, sheet, lookPixels) {
    const { gl, programs: { rim, smooth } } = this, { uniforms } = smooth;
    gl.bindTexture(gl.TEXTURE_2D, this.places);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, places.length / 4, 1, gl.RGBA, gl.FLOAT, places);
    gl.bindTexture(gl.TEXTURE_2D, this.lookTexture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, this.box[2], this.box[3], gl.RGBA, gl.FLOAT, lookPixels);
    drawInto(gl, this.rimTarget);
    use(gl, rim, [this.template.texture, sheet.texture, this.places]);
    this.#useSheet(rim, sheet);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    drawInto(gl, this.smoothTarget);
    use(gl, smooth, [this.spread, this.rimTarget.texture, this.lookTexture, this.feather]);
    gl.uniform4i(uniforms.box, ...this.box);
    gl.uniform1i(uniforms.cellsPerRow, CELLS_PER_ROW);
    gl.uniform1i(uniforms.canvasWidth, this.smoothTarget.width);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #drawFace(vertices, inTemplate, inMouth, sheet, strength) {
    const { gl, data, mesh, programs: { face } } = this, { uniforms } = face, indices = mesh.ordered(vertices);
    gl.bindVertexArray(this.vertexArray);
    [[this.placeBuffer, vertices], [this.templateBuffer, inTemplate], [this.mouthBuffer, inMouth]].forEach(([buffer, values]) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, values);
    });
    drawInto(gl, null);
    use(gl, face, [this.template.texture, sheet.texture, this.smoothTarget.texture]);
    this.#useSheet(face, sheet);
    gl.uniform2f(uniforms.size, data.width, data.height);
    gl.uniform1f(uniforms.strength, strength);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STREAM_DRAW);
    gl.drawElements(gl.TRIANGLES, indices.length, gl.UNSIGNED_SHORT, 0);
    gl.bindVertexArray(null);
  }

  /** Show a label such as `SYNTHETIC` from the next picture on, or none where `text` is empty. */
  setMark(text) { this.mark.set(text); }

  /** Colours (height * width * 4) of what was drawn last, upper row first; only right after it was drawn. */
  pixels() {
    const { gl, data: { width, height } } = this, flipped = new Uint8Array(4 * width * height), upright = new Uint8Array(flipped.length);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, flipped);
    for (let row = 0; row < height; row++) upright.set(flipped.subarray(4 * width * row, 4 * width * (row + 1)), 4 * width * (height - 1 - row));
    return upright;
  }
}

/** The feather (rows * columns), and beside each cell of it 1 where it or a neighbour is above 0. */
function withNearness(feather, columns) {
  const rows = feather.length / columns, pairs = new Float32Array(2 * feather.length);
  for (let cell = 0; cell < feather.length; cell++) {
    const row = Math.floor(cell / columns), column = cell % columns;
    let most = 0;
    for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, rows - 1); y++) {
      for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, columns - 1); x++) most = Math.max(most, feather[columns * y + x]);
    }
    pairs[2 * cell] = feather[cell];
    pairs[2 * cell + 1] = most > 0 ? 1 : 0;
  }
  return pairs;
}
