// The label that says that a picture is synthetic, in its lower left corner.
import { texture, use } from "./gl.js";

/** Height of its letters, as a part of the picture's. */
const SHARE = 0.035;

export class Mark {
  constructor(gl, labelProgram, height) {
    this.gl = gl;
    this.program = labelProgram;
    this.height = height;
    this.texture = null;
  }

  /** Show a text from the next picture on, or none where it is empty. */
  set(text) {
    const { gl, height } = this;
    if (this.texture) gl.deleteTexture(this.texture);
    this.texture = null;
    if (!text) return;
    const size = Math.max(9, Math.round(SHARE * height)), rim = Math.max(2, size >> 2);
    const label = new OffscreenCanvas(1, 1), pen = label.getContext("2d");
    pen.font = `${size}px sans-serif`;
    [label.width, label.height] = [Math.ceil(pen.measureText(text).width) + 2 * rim, size + 2 * rim];
    pen.fillRect(0, 0, label.width, label.height);
    Object.assign(pen, { font: `${size}px sans-serif`, fillStyle: "#fff", textBaseline: "middle" });
    pen.fillText(text, rim, label.height / 2);
    this.texture = texture(gl, { image: label });
    const margin = Math.round(0.015 * height);
    this.box = [margin, margin, label.width, label.height];
  }

  /** Draw it over what is there. */
  draw() {
    if (!this.texture) return;
    const { gl } = this;
    gl.viewport(...this.box);
    use(gl, this.program, [this.texture]);
    gl.uniform4i(this.program.uniforms.box, ...this.box);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
