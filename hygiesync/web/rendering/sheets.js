// Mouth pictures in sheets, opened by the browser when one of them is wanted.

export class Sheets {
  /**
   * @param {Uint8Array} content all sheets, one after another
   * @param {object} described `rows`, `columns`, `picture_width`, `picture_height`, `type`, and of each sheet the `bytes`
   *   and `n_pictures`
   */
  constructor(content, described) {
    this.content = content;
    this.described = described;
    this.sheetOf = [];
    this.starts = [];
    let start = 0;
    described.n_pictures.forEach((n, sheet) => {
      this.starts.push(start);
      start += described.bytes[sheet];
      for (let place = 0; place < n; place++) this.sheetOf.push({ sheet, place });
    });
  }

  /** Which sheet an atlas picture is in, and where there: left, top, width and height in pixels. */
  find(picture) {
    const { sheet, place } = this.sheetOf[picture], { columns, picture_width: width, picture_height: height } = this.described;
    return { sheet, tile: [(place % columns) * width, Math.floor(place / columns) * height, width, height] };
  }

  /** A sheet as the browser's picture, its colours as they are. */
  open(sheet) {
    const start = this.starts[sheet];
    const blob = new Blob([this.content.subarray(start, start + this.described.bytes[sheet])], { type: this.described.type });
    return createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  }
}
