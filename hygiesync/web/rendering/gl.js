// The little of WebGL 2 that drawing asks for: programs, textures, and targets that are drawn into.

/** WebGL 2 of a canvas, with the targets that drawing needs; an error that says what is missing. */
export function openGl(canvas) {
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, stencil: false });
  if (!gl) throw new Error("This browser has no WebGL 2, which the avatar is drawn with; use a newer browser or switch hardware acceleration on");
  if (!gl.getExtension("EXT_color_buffer_float") && !gl.getExtension("EXT_color_buffer_half_float")) {
    throw new Error("This browser's WebGL can't draw into half precision textures, which the avatar is drawn with");
  }
  gl.disable(gl.BLEND);
  gl.disable(gl.DEPTH_TEST);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  return gl;
}

function shader(gl, type, text) {
  const made = gl.createShader(type);
  gl.shaderSource(made, text);
  gl.compileShader(made);
  return made;
}

/**
 * Programs by name, and the places of their uniforms by name. All are begun before the first is waited for, so that they
 * are compiled side by side.
 * @param {Record<string, [string, string, string[]]>} texts of each the vertex shader, the fragment shader, and its
 *   samplers, which are bound to units in this order
 */
export function programs(gl, texts) {
  const begun = Object.entries(texts).map(([name, [vertex, fragment, samplers]]) => {
    const made = gl.createProgram(), shaders = [shader(gl, gl.VERTEX_SHADER, vertex), shader(gl, gl.FRAGMENT_SHADER, fragment)];
    for (const one of shaders) gl.attachShader(made, one);
    gl.linkProgram(made);
    return { name, made, shaders, samplers };
  });
  return Object.fromEntries(begun.map(({ name, made, shaders, samplers }) => {
    if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`${name}: ${[...shaders.map((one) => gl.getShaderInfoLog(one)), gl.getProgramInfoLog(made)].join(" ").trim()}`);
    }
    gl.useProgram(made);
    samplers.forEach((sampler, unit) => gl.uniform1i(gl.getUniformLocation(made, sampler), unit));
    const uniforms = {};
    for (let index = 0; index < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); index++) {
      const uniform = gl.getActiveUniform(made, index).name;
      uniforms[uniform] = gl.getUniformLocation(made, uniform);
    }
    return [name, { program: made, uniforms }];
  }));
}

/**
 * A texture without mipmaps.
 * @param {{ width?: number, height?: number, format?: number, data?: ArrayBufferView | null, image?: TexImageSource,
 *   isLinear?: boolean }} options `format` is R8, RG8, RGBA8, RG16F, RGBA16F or RGBA32F
 */
export function texture(gl, { width, height, format = gl.RGBA8, data = null, image, isLinear = false }) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  const filter = isLinear ? gl.LINEAR : gl.NEAREST;
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  if (image) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  else {
    const [layout, type] = {
      [gl.R8]: [gl.RED, gl.UNSIGNED_BYTE], [gl.RG8]: [gl.RG, gl.UNSIGNED_BYTE], [gl.RGBA8]: [gl.RGBA, gl.UNSIGNED_BYTE],
      [gl.RG16F]: [gl.RG, gl.FLOAT], [gl.RGBA16F]: [gl.RGBA, gl.FLOAT], [gl.RGBA32F]: [gl.RGBA, gl.FLOAT],
    }[format];
    gl.texImage2D(gl.TEXTURE_2D, 0, format, width, height, 0, layout, type, data);
  }
  return made;
}

/** A texture that can be drawn into. */
export function target(gl, options) {
  const made = { texture: texture(gl, options), buffer: gl.createFramebuffer(), width: options.width, height: options.height };
  gl.bindFramebuffer(gl.FRAMEBUFFER, made.buffer);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, made.texture, 0);
  return made;
}

/** Let what is drawn next go into a target, or onto the canvas where `into` is null. */
export function drawInto(gl, into) {
  gl.bindFramebuffer(gl.FRAMEBUFFER, into ? into.buffer : null);
  gl.viewport(0, 0, into ? into.width : gl.drawingBufferWidth, into ? into.height : gl.drawingBufferHeight);
}

export function use(gl, { program: made }, textures) {
  gl.useProgram(made);
  textures.forEach((one, unit) => {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, one);
  });
}
