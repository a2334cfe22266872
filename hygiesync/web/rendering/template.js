// A frame of the idle loop as a texture. Its planes are turned into colours here, as Python does it: browsers differ in
// how, and some spoil the last row.
import { drawInto, program, target, texture, use } from "./gl.js";
import { EVERYWHERE, PLANES } from "./shaders.js";

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
  constructor(gl, width, height) {
    this.gl = gl;
    this.size = { width, height };
    this.target = target(gl, { width, height, isLinear: true });
    this.program = program(gl, EVERYWHERE, PLANES, ["luma", "blue", "red"]);
    this.planes = [0, 1, 2].map(() => texture(gl, { width: 1, height: 1, isLinear: true }));
    this.shown = null;
  }

  get texture() { return this.target.texture; }

  /** Show a frame from now on. @param {VideoFrame} frame */
  async show(frame) {
    if (this.shown === frame) return;
    const isPlain = ["I420", "NV12"].includes(frame.format) && !frame.colorSpace.fullRange;
    if (isPlain) await this.#showPlanes(frame);
    else {
      const { gl } = this;
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, frame);
    }
    this.shown = frame;
  }

  async #showPlanes(frame) {
    const { gl, size: { width, height } } = this, isPacked = frame.format === "NV12";
    const content = new Uint8Array(frame.allocationSize()), layout = await frame.copyTo(content);
    const halves = [Math.ceil(width / 2), Math.ceil(height / 2)];
    layout.forEach(({ offset, stride }, plane) => {
      const isPair = isPacked && plane > 0, [w, h] = plane ? halves : [width, height];
      const [format, internal] = isPair ? [gl.RG, gl.RG8] : [gl.RED, gl.R8];
      gl.bindTexture(gl.TEXTURE_2D, this.planes[plane]);
      gl.pixelStorei(gl.UNPACK_ROW_LENGTH, isPair ? stride / 2 : stride);
      gl.texImage2D(gl.TEXTURE_2D, 0, internal, w, h, 0, format, gl.UNSIGNED_BYTE, content.subarray(offset));
    });
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
    drawInto(gl, this.target);
    const [luma, blue, red] = this.planes;
    use(gl, this.program, [luma, blue, isPacked ? blue : red]);
    gl.uniform1i(this.program.uniforms.isPacked, isPacked ? 1 : 0);
    gl.uniformMatrix3fv(this.program.uniforms.toRgb, false, toRgb(MATRICES[frame.colorSpace.matrix] ?? MATRICES.bt709));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
