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
    this.planes = [];
    this.layout = "";
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
    const { gl } = this, nBytes = frame.allocationSize();
    if (this.content?.length !== nBytes) this.content = new Uint8Array(nBytes);
    const layout = await frame.copyTo(this.content);
    if (this.layout !== frame.format) this.#makePlanes(frame.format);
    this.toRgb = toRgb(MATRICES[frame.colorSpace.matrix] ?? MATRICES.bt709);
    layout.forEach(({ offset, stride }, number) => {
      const { made, width, height, format, bytes } = this.planes[number];
      gl.bindTexture(gl.TEXTURE_2D, made);
      gl.pixelStorei(gl.UNPACK_ROW_LENGTH, stride / bytes);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, format, gl.UNSIGNED_BYTE, this.content.subarray(offset));
    });
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
  }

  #makePlanes(layout) {
    const { gl, size: { width, height } } = this, isPacked = layout === "NV12", halves = [Math.ceil(width / 2), Math.ceil(height / 2)];
    for (const { made } of this.planes) gl.deleteTexture(made);
    const plane = (w, h, isPair) => ({
      made: texture(gl, { width: w, height: h, format: isPair ? gl.RG8 : gl.R8, isLinear: true }),
      width: w, height: h, format: isPair ? gl.RG : gl.RED, bytes: isPair ? 2 : 1,
    });
    this.planes = [plane(width, height, false), plane(...halves, isPacked), ...(isPacked ? [] : [plane(...halves, false)])];
    this.layout = layout;
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
    const { gl, program: made } = this, [luma, blue, red = blue] = this.planes;
    use(gl, made, [luma.made, blue.made, red.made]);
    gl.uniform1i(made.uniforms.isPacked, red === blue ? 1 : 0);
    gl.uniformMatrix3fv(made.uniforms.toRgb, false, this.toRgb);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
