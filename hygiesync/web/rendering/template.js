// A frame of the idle loop as a texture. Its planes are turned into colours here, as Python does it: browsers differ in
// how, and some spoil the last row.
import { drawInto, target, texture, use } from "./gl.js";

/** Shares of red and blue in the luma of the colour matrices that videos have (ITU-T H.273). */
const MATRICES = { bt709: [0.2126, 0.0722], smpte170m: [0.299, 0.114], bt470bg: [0.299, 0.114] };

/** Columns of the matrix (3, 3) from studio-range luma and colour differences to RGB, 0 to 1. */
function toRgb([red, blue]) {
  const green = 1 - red - blue, luma = 255 / 219, chroma = 255 / 224;
  return [
    luma, luma, luma,
    0, -2 * (1 - blue) * blue / green * chroma, 2 * (1 - blue) * chroma,
    2 * (1 - red) * chroma, -2 * (1 - red) * red / green * chroma, 0,
  ];
}

export class TemplatePicture {
  /** @param {object} planesProgram turns a video's planes into colours */
  constructor(gl, planesProgram, width, height) {
    this.gl = gl;
    this.program = planesProgram;
    this.size = { width, height };
    this.target = target(gl, { width, height, isLinear: true });
    const [wide, high] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    this.luma = texture(gl, { width, height, format: gl.R8 });
    this.chroma = texture(gl, { width: wide, height: high, format: gl.RG8, isLinear: true });
    this.pairs = new Uint8Array(2 * wide * high);
    this.shown = null;
    this.isPlain = true;
  }

  /** Its colours, lower row first; of a frame of planes only those that `colour` was asked for. */
  get texture() { return this.target.texture; }

  /** Show a frame from now on. @param {VideoFrame} frame */
  async show(frame) {
    if (this.shown === frame) return;
    this.isPlain = ["I420", "NV12"].includes(frame.format) && !frame.colorSpace.fullRange;
    if (this.isPlain) await this.#showPlanes(frame);
    else {
      const { gl } = this;
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, frame);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    }
    this.shown = frame;
  }

  async #showPlanes(frame) {
    const { gl, size: { width, height } } = this, nBytes = frame.allocationSize();
    if (this.content?.length !== nBytes) this.content = new Uint8Array(nBytes);
    const [luma, ...chroma] = await frame.copyTo(this.content), isPacked = frame.format === "NV12";
    this.toRgb = toRgb(MATRICES[frame.colorSpace.matrix] ?? MATRICES.bt709);
    gl.bindTexture(gl.TEXTURE_2D, this.luma);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, luma.stride);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED, gl.UNSIGNED_BYTE, this.content.subarray(luma.offset));
    gl.bindTexture(gl.TEXTURE_2D, this.chroma);
    // side by side both are read at once, which is half of what a pixel costs without a graphics card
    const pairs = isPacked ? this.content.subarray(chroma[0].offset) : this.#paired(...chroma);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, isPacked ? chroma[0].stride / 2 : 0);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, Math.ceil(width / 2), Math.ceil(height / 2), gl.RG, gl.UNSIGNED_BYTE, pairs);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
  }

  /** Two planes of chroma side by side. */
  #paired(blue, red) {
    const { content, pairs, size } = this, [wide, high] = [Math.ceil(size.width / 2), Math.ceil(size.height / 2)];
    for (let row = 0, at = 0; row < high; row++) {
      const ofBlue = blue.offset + row * blue.stride, ofRed = red.offset + row * red.stride;
      for (let column = 0; column < wide; column++, at += 2) {
        pairs[at] = content[ofBlue + column];
        pairs[at + 1] = content[ofRed + column];
      }
    }
    return pairs;
  }

  /** Have the colours of a part of it in `texture`: left, top, width and height, pixels. */
  colour([left, top, width, height]) {
    if (!this.isPlain) return;
    const { gl } = this;
    drawInto(gl, this.target);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(left, this.size.height - top - height, width, height);
    this.#convert();
    gl.disable(gl.SCISSOR_TEST);
  }

  /** Draw it onto the canvas as it is. */
  draw() {
    const { gl, size: { width, height } } = this;
    drawInto(gl, null);
    if (this.isPlain) this.#convert();
    else {
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.target.buffer);
      gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    }
  }

  #convert() {
    const { gl, program: made } = this;
    use(gl, made, [this.luma, this.chroma]);
    gl.uniformMatrix3fv(made.uniforms.toRgb, false, this.toRgb);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
