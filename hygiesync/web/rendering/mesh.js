// The face's mesh in a picture, and the order in which its triangles are drawn: where two meet the larger one is seen.
import { applySimilarity } from "./shape.js";

export class FaceMesh {
  /** @param {Record<string, { data: ArrayLike<number> }>} face the arrays of `face.pack` */
  constructor(face) {
    this.still = face.still.data;
    this.triangles = face.triangles.data;
    this.mouthTriangles = new Set(face.mouth_triangles.data);
    this.region = face.mouth_region.data;
    this.nTriangles = this.triangles.length / 3;
    this.areas = new Float64Array(this.nTriangles);
    this.order = Array.from({ length: this.nTriangles }, (_, number) => number);
  }

  /** All vertices (n * 2), pixels, of a lower face that is already in the picture. */
  place(lower, toPicture) {
    const still = applySimilarity(toPicture, this.still);
    const vertices = new Float32Array(lower.length + still.length);
    vertices.set(lower);
    vertices.set(still, lower.length);
    return vertices;
  }

  /** Vertex numbers of all triangles and of the mouth's alone, smaller triangles first. */
  ordered(vertices) {
    const { triangles, areas } = this;
    for (let number = 0; number < this.nTriangles; number++) {
      const [a, b, c] = [0, 1, 2].map((corner) => 2 * triangles[3 * number + corner]);
      const x1 = vertices[b] - vertices[a], y1 = vertices[b + 1] - vertices[a + 1];
      areas[number] = Math.abs(x1 * (vertices[c + 1] - vertices[a + 1]) - y1 * (vertices[c] - vertices[a]));
    }
    this.order.sort((one, other) => areas[one] - areas[other]);
    const corners = (number) => [triangles[3 * number], triangles[3 * number + 1], triangles[3 * number + 2]];
    return {
      all: Uint16Array.from(this.order.flatMap(corners)),
      mouth: Uint16Array.from(this.order.filter((number) => this.mouthTriangles.has(number)).flatMap(corners)),
    };
  }

  /** Points (n * 2) along the rim of the mouth, evenly many on each side. */
  rimPoints(vertices, nPoints) {
    const { region } = this, points = new Float32Array(2 * nPoints);
    for (let point = 0; point < nPoints; point++) {
      const place = point * region.length / nPoints, corner = Math.floor(place), share = place - corner;
      const from = 2 * region[corner], to = 2 * region[(corner + 1) % region.length];
      for (const axis of [0, 1]) points[2 * point + axis] = (1 - share) * vertices[from + axis] + share * vertices[to + axis];
    }
    return points;
  }
}
