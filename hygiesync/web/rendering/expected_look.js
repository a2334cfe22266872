// What the expected look of a mouth has and an atlas picture has not, on the canvas's box around the lips.

export class ExpectedLook {
  /** @param {{ data: Float32Array, shape: number[] }} basis colours (n_codes, n_cells * 3) of each code, 0 to 255 */
  constructor({ data, shape: [nCodes, width] }) {
    this.basis = data;
    this.nCodes = nCodes;
    this.width = width;
    this.sum = new Float32Array(width);
    this.pixels = new Float32Array(4 * (width / 3));
  }

  /** RGBA (n_cells * 4), 0 to 1, that a picture with the code `own` lacks; the array is the object's own. */
  difference(wanted, own) {
    const { sum, pixels, nCodes, width } = this;
    sum.fill(0);
    // four codes at a time, so that the sum is read and written a quarter as often
    for (let code = 0; code < nCodes; code += 4) this.#add(code, wanted, own);
    for (let cell = 0, at = 0; at < width; cell++, at += 3) {
      pixels[4 * cell] = sum[at];
      pixels[4 * cell + 1] = sum[at + 1];
      pixels[4 * cell + 2] = sum[at + 2];
    }
    return pixels;
  }

  #add(code, wanted, own) {
    const { basis, sum, nCodes, width } = this;
    const [a, b, c, d] = [0, 1, 2, 3].map((off) => (code + off < nCodes ? (wanted[code + off] - own[code + off]) / 255 : 0));
    const [first, second, third, fourth] = [0, 1, 2, 3].map((off) => Math.min(code + off, nCodes - 1) * width);
    for (let at = 0; at < width; at++) {
      sum[at] += a * basis[first + at] + b * basis[second + at] + c * basis[third + at] + d * basis[fourth + at];
    }
  }
}
