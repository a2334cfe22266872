// Sheets of mouths on the graphics card: those that were wanted last.
import { texture } from "./gl.js";

/** Memory that they may take, bytes. */
const MAX_BYTES = 16e6;

export class SheetTextures {
  /** @param {import("./sheets.js").Sheets} sheets */
  constructor(gl, sheets) {
    this.gl = gl;
    this.sheets = sheets;
    this.opened = new Map(); // number of the sheet to its texture, the one that was wanted last at the end
  }

  /** Have the sheet of an atlas picture on the graphics card. */
  async open(picture) {
    const { gl, opened } = this, { sheet } = this.sheets.find(picture), known = opened.get(sheet);
    if (known) {
      opened.delete(sheet);
      opened.set(sheet, known);
      return;
    }
    const image = await this.sheets.open(sheet), nBytes = 4 * image.width * image.height;
    opened.set(sheet, texture(gl, { image, isLinear: true }));
    image.close();
    if (opened.size * nBytes > MAX_BYTES) {
      const [oldest, itsTexture] = opened.entries().next().value;
      gl.deleteTexture(itsTexture);
      opened.delete(oldest);
    }
  }

  /** Texture and tile of an atlas picture whose sheet is open. */
  find(picture) {
    const { sheet, tile } = this.sheets.find(picture);
    return { texture: this.opened.get(sheet), tile };
  }
}
