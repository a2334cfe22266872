// Packs: arrays of numbers in one gzip file, as hygiesync/exporting/web/packs.py writes them.

const TYPES = {
  float64: Float64Array, float32: Float32Array, float16: Uint16Array, int32: Int32Array, int16: Int16Array, uint8: Uint8Array,
};

/** Content of a gzip file as a stream; what is none (a server opened it on the way) comes as it is. */
export function unpack(content) {
  const packed = new Response(content).body;
  return content[0] === 0x1f && content[1] === 0x8b ? packed.pipeThrough(new DecompressionStream("gzip")) : packed;
}

/**
 * @param {Uint8Array} packed a pack's content
 * @param {object} described its `arrays` in the index: name to dtype, shape and offset
 * @returns {Promise<Record<string, { data: ArrayLike<number>, shape: number[] }>>} half precision widened to float32
 */
export async function readPack(packed, described) {
  const content = new Uint8Array(await new Response(unpack(packed)).arrayBuffer());
  return Object.fromEntries(Object.entries(described).map(([name, one]) => [name, { data: read(content, one), shape: one.shape }]));
}

function read(content, { dtype, shape, offset, by_difference: isDifferent }) {
  const length = shape.reduce((product, size) => product * size, 1), Type = TYPES[dtype];
  // a copy of its own: it is aligned, and the pack can be forgotten
  const bytes = content.slice(offset, offset + length * Type.BYTES_PER_ELEMENT);
  if (isDifferent) return summed(bytes, length, length / shape[0]);
  const values = new Type(bytes.buffer);
  return dtype === "float16" ? widened(values) : values;
}

/** Rows of int16 out of the differences between them: low bytes of all, then high bytes. */
function summed(bytes, length, width) {
  const values = new Int16Array(length);
  for (let index = 0; index < length; index++) {
    values[index] = (index < width ? 0 : values[index - width]) + (bytes[index] | (bytes[length + index] << 8));
  }
  return values;
}

/** float32 of half precision numbers (IEEE 754 binary16). */
function widened(halves) {
  const table = tableOfHalves(), wide = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) wide[index] = table[halves[index]];
  return wide;
}

let halfTable = null;

/** The value of each of the 65,536 half precision numbers: looking one up is far faster than taking it apart. */
function tableOfHalves() {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1, exponent = (half >> 10) & 0x1f, fraction = half & 0x3ff;
    if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
  return halfTable;
}
