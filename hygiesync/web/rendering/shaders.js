// The shaders of a picture, pass by pass (see drawing.js). Places are pixels, whose middles are whole numbers.

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

/** The mesh at its place in the picture; a texture's first row is the picture's upper one, a screen's the lower one. */
export const MESH = `${HEAD}
layout(location = 0) in vec2 place;
layout(location = 1) in vec2 source;
layout(location = 2) in vec2 cell;
uniform vec2 size;
uniform float up;
out vec2 at;
out vec2 onCanvas;
void main() {
  at = source;
  onCanvas = cell;
  gl_Position = vec4((2.0 * (place + 0.5) / size - 1.0) * vec2(1.0, up), 0.0, 1.0);
}`;

/** The template, moved with the mesh. */
export const SKIN = `${HEAD}
uniform sampler2D image;
in vec2 at;
out vec4 colour;
void main() { colour = texture(image, (at + 0.5) / vec2(textureSize(image, 0))); }`;

/** Colours of a video's planes, whose chroma lies on every second column, and halfway between two rows. */
export const PLANES = `${HEAD}
uniform sampler2D luma;
uniform sampler2D blue;
uniform sampler2D red;
uniform bool isPacked;
uniform mat3 toRgb;
out vec4 colour;
void main() {
  vec2 pixel = floor(gl_FragCoord.xy);
  vec2 atHalf = (vec2(pixel.x / 2.0, (pixel.y - 0.5) / 2.0) + 0.5) / vec2(textureSize(blue, 0));
  vec4 first = texture(blue, atHalf);
  vec3 planes = vec3(texelFetch(luma, ivec2(pixel), 0).r, first.r, isPacked ? first.g : texture(red, atHalf).r);
  colour = vec4(toRgb * (planes - vec3(16.0, 128.0, 128.0) / 255.0), 1.0);
}`;

/** A picture as it is, upside down where the target is a screen. */
export const COPY = `${HEAD}
uniform sampler2D image;
uniform float up;
out vec4 colour;
void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy);
  if (up < 0.0) pixel.y = textureSize(image, 0).y - 1 - pixel.y;
  colour = texelFetch(image, pixel, 0);
}`;

/** One picture of a sheet, moved with the mesh; on a small face by cubic convolution (Keys, 1981, a = -0.75). */
export const MOUTH = `${HEAD}
uniform sampler2D sheet;
uniform ivec4 tile;
uniform bool isCubic;
in vec2 at;
out vec4 colour;
vec4 pixel(ivec2 place) { return texelFetch(sheet, tile.xy + clamp(place, ivec2(0), tile.zw - 1), 0); }
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
void main() {
  ivec2 first = ivec2(floor(at));
  vec2 share = at - vec2(first);
  if (!isCubic) {
    colour = mix(
      mix(pixel(first), pixel(first + ivec2(1, 0)), share.x),
      mix(pixel(first + ivec2(0, 1)), pixel(first + ivec2(1, 1)), share.x), share.y);
    return;
  }
  vec4 across = weights(share.x), down = weights(share.y);
  colour = vec4(0.0);
  for (int row = 0; row < 4; row++) {
    for (int column = 0; column < 4; column++) {
      colour += down[row] * across[column] * pixel(first + ivec2(column - 1, row - 1));
    }
  }
  colour = clamp(colour, 0.0, 1.0);
}`;

/** What the skin differs from the mouth by along the rim, three places to each sample. */
export const RIM = `${HEAD}
uniform sampler2D skin;
uniform sampler2D mouth;
uniform sampler2D places;
out vec4 difference;
void main() {
  vec2 size = vec2(textureSize(skin, 0));
  difference = vec4(0.0);
  for (int point = 0; point < 3; point++) {
    vec2 place = (texelFetch(places, ivec2(3 * int(gl_FragCoord.x) + point, 0), 0).xy + 0.5) / size;
    difference += (texture(skin, place) - texture(mouth, place)) / 3.0;
  }
}`;

/** Membrane and expected look on the canvas: four rim samples to a texel of the spread. */
export const SMOOTH = `${HEAD}
uniform sampler2D spread;
uniform sampler2D rim;
uniform sampler2D look;
uniform ivec4 box;
uniform int cellsPerRow;
uniform int canvasWidth;
out vec4 added;
void main() {
  ivec2 place = ivec2(gl_FragCoord.xy);
  int cell = place.y * canvasWidth + place.x, n = textureSize(rim, 0).x / 4;
  ivec2 first = ivec2((cell % cellsPerRow) * n, cell / cellsPerRow);
  added = vec4(0.0);
  for (int group = 0; group < n; group++) {
    vec4 weight = texelFetch(spread, first + ivec2(group, 0), 0);
    for (int one = 0; one < 4; one++) added += weight[one] * texelFetch(rim, ivec2(4 * group + one, 0), 0);
  }
  ivec2 inBox = place - box.xy;
  if (all(greaterThanEqual(inBox, ivec2(0))) && all(lessThan(inBox, box.zw))) added += texelFetch(look, inBox, 0);
}`;

/** The mouth with what is smooth added to it, over the skin. */
export const BLEND = `${HEAD}
uniform sampler2D skin;
uniform sampler2D mouth;
uniform sampler2D smoothly;
uniform sampler2D feather;
uniform float strength;
uniform float up;
in vec2 onCanvas;
out vec4 colour;
void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy);
  if (up < 0.0) pixel.y = textureSize(skin, 0).y - 1 - pixel.y;
  vec2 size = vec2(textureSize(smoothly, 0));
  vec2 place = (onCanvas + 0.5) / size;
  bool isOutside = any(lessThan(onCanvas, vec2(-0.5))) || any(greaterThan(onCanvas, size - 0.5));
  float share = isOutside ? 0.0 : strength * texture(feather, place).r;
  vec3 wanted = clamp(texelFetch(mouth, pixel, 0).rgb + texture(smoothly, place).rgb, 0.0, 1.0);
  colour = vec4(mix(texelFetch(skin, pixel, 0).rgb, wanted, share), 1.0);
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
