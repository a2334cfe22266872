// The face's mesh in a picture, and the order in which its triangles are drawn: where two meet the larger one is seen.
import { applySimilarity } from "./shape.js";

/** Share of a triangle's corner below which a point still counts as inside: rounding puts it beyond an edge. */
const ROUNDING = 1e-4;

export class FaceMesh {
  /**
   * @param {Record<string, { data: ArrayLike<number> }>} face the arrays of `face.pack`
   * @param {ArrayLike<number>} canvasVertices where the vertices (n * 2) are on the canvas, cells
   * @param {number} nRimPoints points along the rim of the mouth, evenly many on each side
   */
  constructor(face, canvasVertices, nRimPoints) {
    this.still = face.still.data;
    this.triangles = face.triangles.data;
    this.nTriangles = this.triangles.length / 3;
    this.areas = new Float64Array(this.nTriangles);
    this.order = Array.from({ length: this.nTriangles }, (_, number) => number);
    this.rim = rimPoints(face.mouth_region.data, canvasVertices, nRimPoints)
      .map((point) => cornersAround(point, canvasVertices, this.triangles, face.mouth_triangles.data));
  }

  /** All vertices (n * 2), pixels, of a lower face that is already in the picture. */
  place(lower, toPicture) {
    const still = applySimilarity(toPicture, this.still);
    const vertices = new Float32Array(lower.length + still.length);
    vertices.set(lower);
    vertices.set(still, lower.length);
    return vertices;
  }

  /** Vertex numbers of all triangles, smaller triangles first. */
  ordered(vertices) {
    const { triangles, areas, order } = this, sorted = new Uint16Array(triangles.length);
    for (let number = 0; number < this.nTriangles; number++) {
      const a = 2 * triangles[3 * number], b = 2 * triangles[3 * number + 1], c = 2 * triangles[3 * number + 2];
      const x1 = vertices[b] - vertices[a], y1 = vertices[b + 1] - vertices[a + 1];
      areas[number] = Math.abs(x1 * (vertices[c + 1] - vertices[a + 1]) - y1 * (vertices[c] - vertices[a]));
    }
    order.sort((one, other) => areas[one] - areas[other]);
    order.forEach((number, place) => {
      for (let corner = 0; corner < 3; corner++) sorted[3 * place + corner] = triangles[3 * number + corner];
    });
    return sorted;
  }

  /** Where the rim's points are when the vertices are in two places at once: x, y, other x, other y of each. */
  onRim(vertices, others) {
    const points = new Float32Array(4 * this.rim.length);
    this.rim.forEach(({ corners, weights }, point) => {
      for (let corner = 0; corner < 3; corner++) {
        const vertex = 2 * corners[corner], weight = weights[corner], at = 4 * point;
        points[at] += weight * vertices[vertex];
        points[at + 1] += weight * vertices[vertex + 1];
        points[at + 2] += weight * others[vertex];
        points[at + 3] += weight * others[vertex + 1];
      }
    });
    return points;
  }
}

/** Points [x, y] along the polygon of the vertices `region`. */
function rimPoints(region, vertices, nPoints) {
  return Array.from({ length: nPoints }, (_, point) => {
    const place = point * region.length / nPoints, corner = Math.floor(place), share = place - corner;
    const from = 2 * region[corner], to = 2 * region[(corner + 1) % region.length];
    return [0, 1].map((axis) => (1 - share) * vertices[from + axis] + share * vertices[to + axis]);
  });
}

/** The corners of the triangle that a point [x, y] is in, and how much of each it is; of those listed in `among`. */
function cornersAround([x, y], vertices, triangles, among) {
  for (const number of among) {
    const corners = [0, 1, 2].map((corner) => triangles[3 * number + corner]);
    const [[ax, ay], [bx, by], [cx, cy]] = corners.map((vertex) => [vertices[2 * vertex], vertices[2 * vertex + 1]]);
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    const b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area, c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area;
    const weights = [1 - b - c, b, c];
    if (weights.every((weight) => weight > -ROUNDING)) return { corners, weights };
  }
  throw new Error("face.pack: a part of the mouth's rim is in none of its triangles; export the avatar again");
}
