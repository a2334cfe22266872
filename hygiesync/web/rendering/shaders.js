// The shaders of a picture, pass by pass (see drawing.js). Places are pixels, whose middles are whole numbers, and the
// first row is a picture's upper one; the template and the canvas hold the lower one first, as screens do.

const HEAD = `#version 300 es
precision highp float;
precision highp int;
`;

/** A triangle that covers all. */
export const EVERYWHERE = `${HEAD}
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

/** The mesh at its place in the picture; where each pixel comes from in the template, the mouth and the canvas. */
export const MESH = `${HEAD}
layout(location = 0) in vec2 place;
layout(location = 1) in vec2 inTemplate;
layout(location = 2) in vec2 inMouth;
layout(location = 3) in vec2 cell;
uniform vec2 size;
out vec2 ofSkin;
out vec2 ofMouth;
out vec2 onCanvas;
void main() {
  ofSkin = inTemplate;
  ofMouth = inMouth;
  onCanvas = cell;
  gl_Position = vec4((2.0 * (place + 0.5) / size - 1.0) * vec2(1.0, -1.0), 0.0, 1.0);
}`;

/** Colours of a video's planes, whose chroma lies on every second column, and halfway between two rows. */
export const PLANES = `${HEAD}
uniform sampler2D luma;
uniform sampler2D chroma;
uniform mat3 toRgb;
out vec4 colour;
void main() {
  vec2 pixel = floor(gl_FragCoord.xy);
  pixel.y = float(textureSize(luma, 0).y - 1) - pixel.y;
  vec2 atHalf = (vec2(pixel.x / 2.0, (pixel.y - 0.5) / 2.0) + 0.5) / vec2(textureSize(chroma, 0));
  vec3 planes = vec3(texelFetch(luma, ivec2(pixel), 0).r, texture(chroma, atHalf).rg);
  colour = vec4(toRgb * (planes - vec3(16.0, 128.0, 128.0) / 255.0), 1.0);
}`;

/** The template at a place. */
const SKIN = `
uniform sampler2D video;
vec3 skinAt(vec2 at) {
  vec2 size = vec2(textureSize(video, 0));
  return texture(video, vec2(at.x + 0.5, size.y - 0.5 - at.y) / size).rgb;
}`;

/** One picture of a sheet at a place; on a small face by cubic convolution (Keys, 1981, a = -0.75). */
const MOUTH = `
uniform sampler2D sheet;
uniform ivec4 tile;
uniform bool isCubic;
vec4 weights(float x) {
  const float a = -0.75;
  float y = 1.0 - x;
  vec4 w = vec4(
    ((a * (x + 1.0) - 5.0 * a) * (x + 1.0) + 8.0 * a) * (x + 1.0) - 4.0 * a,
    ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
    ((a + 2.0) * y - (a + 3.0)) * y * y + 1.0,
    0.0);
  w.w = 1.0 - w.x - w.y - w.z;
  return w;
}
vec3 cubic(vec2 at) {
  ivec2 first = ivec2(floor(at));
  vec2 share = at - vec2(first);
  vec4 across = weights(share.x), down = weights(share.y);
  vec3 sum = vec3(0.0);
  for (int row = 0; row < 4; row++) {
    for (int column = 0; column < 4; column++) {
      ivec2 place = tile.xy + clamp(first + ivec2(column - 1, row - 1), ivec2(0), tile.zw - 1);
      sum += down[row] * across[column] * texelFetch(sheet, place, 0).rgb;
    }
  }
  return clamp(sum, 0.0, 1.0);
}
vec3 mouthAt(vec2 at) {
  if (isCubic) return cubic(at);
  vec2 place = vec2(tile.xy) + clamp(at, vec2(0.0), vec2(tile.zw - 1));
  return texture(sheet, (place + 0.5) / vec2(textureSize(sheet, 0))).rgb;
}`;

/** What the skin differs from the mouth by along the rim, three places to each sample. */
export const RIM = `${HEAD}${SKIN}${MOUTH}
uniform sampler2D places;
out vec4 difference;
void main() {
  difference = vec4(0.0);
  for (int point = 0; point < 3; point++) {
    vec4 place = texelFetch(places, ivec2(3 * int(gl_FragCoord.x) + point, 0), 0);
    difference.rgb += (skinAt(place.xy) - mouthAt(place.zw)) / 3.0;
  }
}`;

/**
 * Membrane and expected look on the canvas, and the feather beside them; four rim samples to a texel of the spread.
 * Nothing is added where no feather is near.
 */
export const SMOOTH = `${HEAD}
uniform sampler2D spread;
uniform sampler2D rim;
uniform sampler2D look;
uniform sampler2D feather;
uniform ivec4 box;
uniform int cellsPerRow;
uniform int canvasWidth;
out vec4 added;
void main() {
  ivec2 place = ivec2(gl_FragCoord.xy);
  vec2 share = texelFetch(feather, place, 0).rg;
  added = vec4(0.0, 0.0, 0.0, share.r);
  if (share.g == 0.0) return;
  int cell = place.y * canvasWidth + place.x, n = textureSize(rim, 0).x / 4;
  ivec2 first = ivec2((cell % cellsPerRow) * n, cell / cellsPerRow);
  for (int group = 0; group < n; group++) {
    vec4 weight = texelFetch(spread, first + ivec2(group, 0), 0);
    for (int one = 0; one < 4; one++) added.rgb += weight[one] * texelFetch(rim, ivec2(4 * group + one, 0), 0).rgb;
  }
  ivec2 inBox = place - box.xy;
  if (all(greaterThanEqual(inBox, ivec2(0))) && all(lessThan(inBox, box.zw))) added.rgb += texelFetch(look, inBox, 0).rgb;
}`;

/** The skin, moved with the mesh, and over it the mouth with what is smooth added to it. */
export const FACE = `${HEAD}${SKIN}${MOUTH}
uniform sampler2D smoothly;
uniform float strength;
in vec2 ofSkin;
in vec2 ofMouth;
in vec2 onCanvas;
out vec4 colour;
void main() {
  vec3 skin = skinAt(ofSkin);
  vec2 size = vec2(textureSize(smoothly, 0));
  vec4 added = texture(smoothly, (onCanvas + 0.5) / size);
  bool isOutside = any(lessThan(onCanvas, vec2(-0.5))) || any(greaterThan(onCanvas, size - 0.5));
  float share = isOutside ? 0.0 : strength * added.a;
  if (share > 0.0) skin = mix(skin, clamp(mouthAt(ofMouth) + added.rgb, 0.0, 1.0), share);
  colour = vec4(skin, 1.0);
}`;

/** A small label, in the picture's lower left corner. */
export const MARK = `${HEAD}
uniform sampler2D image;
uniform ivec4 box;
out vec4 colour;
void main() {
  ivec2 place = ivec2(gl_FragCoord.xy) - box.xy;
  colour = texelFetch(image, ivec2(place.x, box.w - 1 - place.y), 0);
}`;
