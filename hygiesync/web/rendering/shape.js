// What mouth the coefficients mean, and where it lies in a picture: hygiesync/face/shape.py and rendering/lips.py.

/** Canonical units between lips that a viewer takes for closed, nearly. */
const NEARLY_CLOSED = 0.016;

const smoothstep = (share) => {
  const s = Math.min(Math.max(share, 0), 1);
  return s * s * (3 - 2 * s);
};

/** Points (n * 2) moved by a similarity (6,), row by row. */
export function applySimilarity([a, b, c, d, e, f], points) {
  const moved = new Float64Array(points.length);
  for (let at = 0; at < points.length; at += 2) {
    moved[at] = a * points[at] + b * points[at + 1] + c;
    moved[at + 1] = d * points[at] + e * points[at + 1] + f;
  }
  return moved;
}

export class Shape {
  /** @param {Record<string, { data: ArrayLike<number>, shape: number[] }>} face the arrays of `face.pack` */
  constructor(face) {
    this.mean = face.mean.data;
    this.turnBasis = face.turn_basis.data;
    this.components = face.components.data;
    this.nComponents = face.components.shape[0];
    this.innerLips = face.inner_lips.data;
    this.lipMiddles = face.lip_middles.data;
    this.reach = Float64Array.from({ length: this.nComponents }, (_, row) => {
      const component = this.components.subarray(row * this.mean.length, (row + 1) * this.mean.length);
      return Math.sqrt(component.reduce((sum, value) => sum + value * value, 0) / this.mean.length * 2);
    });
  }

  /** Canonical lower face (n * 2) of coefficients, on a head turned by `turn`. */
  lowerFace(coefficients, turn = [0, 0]) {
    const points = Float64Array.from(this.mean);
    this.#add(points, coefficients, this.components);
    this.#add(points, turn, this.turnBasis);
    return points;
  }

  #add(points, amounts, directions) {
    for (let row = 0; row < amounts.length; row++) {
      const amount = amounts[row], start = row * points.length;
      if (amount) for (let at = 0; at < points.length; at++) points[at] += amount * directions[start + at];
    }
  }

  /** Distance between the inner lips' middles, canonical units. */
  opening(lower) {
    const [top, bottom] = this.lipMiddles;
    return Math.hypot(lower[2 * top] - lower[2 * bottom], lower[2 * top + 1] - lower[2 * bottom + 1]);
  }

  /**
   * Where the lower face (n * 2), pixels, goes on a template's face; while the mouth fades in, between the template's
   * own and that.
   * @param {ArrayLike<number>} coefficients
   * @param {{ toPicture: ArrayLike<number>, turn: ArrayLike<number>, lower: ArrayLike<number>, strength: number }} face
   */
  place(coefficients, { toPicture, turn, lower, strength }) {
    const wanted = applySimilarity(toPicture, this.#pressed(this.lowerFace(coefficients, turn)));
    return strength === 1 ? wanted : wanted.map((value, at) => lower[at] + strength * (value - lower[at]));
  }

  /** Lips that nearly meet do meet: a detector leaves them a little apart. */
  #pressed(lower) {
    const lips = this.innerLips;
    for (let place = 1; place < 10; place++) {
      const below = 2 * lips[place], above = 2 * lips[lips.length - place];
      const x = lower[below] - lower[above], y = lower[below + 1] - lower[above + 1];
      const takenOff = (1 - smoothstep(Math.hypot(x, y) * Math.sign(y) / NEARLY_CLOSED)) / 2;
      lower[above] += takenOff * x;
      lower[above + 1] += takenOff * y;
      lower[below] -= takenOff * x;
      lower[below + 1] -= takenOff * y;
    }
    return lower;
  }
}
