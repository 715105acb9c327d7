// Draws the points: with WebGL 2, else on a 2D canvas.
//
// A frame is { x, y, scale, width, height, ratio, size, cover, texts, step }: the middle in map units,
// CSS pixels per unit, the canvas in CSS pixels, device pixels per CSS pixel, diameter of a point, how
// much of a cell one point covers, whether texts are drawn, and that only every `step`-th point is
// drawn (while moving). Where there are four times as many points each is half as opaque.
// Points below `images` are images (discs), the others texts (thin rings, below the images).
const FAINTEST = 0.04, CLEAREST = 0.88;
const VERTEX = `#version 300 es
in vec2 place;
in uint code, fade, chosen, crowd;
uniform vec2 middle, view;
uniform float size, cover, alpha;
uniform int tier, some;
uniform sampler2D palette;
out vec4 color;
void main() {
  color = texelFetch(palette, ivec2(int(code), 0), 0);
  bool low = code >= 254u || (some == 1 && chosen == 0u);
  if (color.a == 0.0 || (tier == 0) != low) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 0.0;
    return;
  }
  float off = some == 1 && chosen == 0u ? 0.16 : code >= 254u ? 0.55 : 1.0;
  float covered = (exp2(float(crowd) / ${CROWD}.0) - 1.0) * cover;
  float alone = clamp(0.8 * inversesqrt(max(covered, 1e-6)), ${FAINTEST}, ${CLEAREST});
  color.a *= alpha * alone * off * (1.0 - 0.88 * float(fade) / 255.0);
  gl_Position = vec4((place - middle) * view, 0.0, 1.0);
  gl_PointSize = code >= 254u ? size * 0.8 : size;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 color;
uniform float size, ring;
out vec4 pixel;
void main() {
  float r = length(gl_PointCoord - 0.5) * size;
  float inside = clamp(size * 0.5 - r, 0.0, 1.0);
  if (ring > 0.0) inside *= clamp(r - size * 0.5 + ring + 0.5, 0.0, 1.0);
  pixel = vec4(color.rgb, 1.0) * color.a * inside;
}`;

class GlPainter {
  constructor(canvas, lost) {
    this.canvas = canvas;
    const settings = { antialias: false, depth: false, stencil: false };
    this.gl = canvas.getContext("webgl2", settings);
    if (!this.gl) throw new Error("no WebGL 2");
    this.columns = {};
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.start();
      for (const [name, values] of Object.entries(this.columns)) this.set(name, values);
      if (this.colors) this.paint(this.colors);
      lost();
    });
    this.start();
  }

  start() {
    const { gl } = this, program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getProgramInfoLog(program) || "WebGL 2 does not work here");
    }
    gl.useProgram(program);
    const at = (name) => gl.getUniformLocation(program, name);
    const names = ["middle", "view", "size", "cover", "alpha", "tier", "some", "ring", "palette"];
    this.uniform = Object.fromEntries(names.map((name) => [name, at(name)]));
    this.attribute = Object.fromEntries(
      ["place", "code", "fade", "chosen", "crowd"].map((name) => [name, gl.getAttribLocation(program, name)]),
    );
    this.buffers = {};
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
    }
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  // A column of the points, or null for none: place (floats), code, fade, chosen, crowd (bytes).
  set(name, values) {
    const { gl } = this;
    this.columns[name] = values;
    if (!values) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, (this.buffers[name] ??= gl.createBuffer()));
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }

  // Colors of the 256 codes, as RGBA bytes.
  paint(colors) {
    const { gl } = this;
    this.colors = colors;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colors);
  }

  draw(frame, images) {
    const { gl, uniform, columns } = this, { ratio } = frame;
    if (gl.isContextLost()) return;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const n = columns.place ? columns.place.length / 2 : 0;
    if (!n || columns.code?.length !== n) return;
    gl.uniform2f(uniform.middle, frame.x, frame.y);
    gl.uniform2f(uniform.view, (2 * frame.scale) / frame.width, (2 * frame.scale) / frame.height);
    gl.uniform1f(uniform.cover, frame.cover);
    gl.uniform1i(uniform.some, columns.chosen ? 1 : 0);
    const parts = [];
    if (frame.texts && images < n) parts.push([images, n, 0.8, Math.max(1.1 * ratio, 1)]);
    if (images) parts.push([0, images, 1, 0]);
    const tiers = columns.chosen || frame.gray ? [0, 1] : [1];
    for (const tier of tiers) {
      gl.uniform1i(uniform.tier, tier);
      for (const [from, to, part, ring] of parts) {
        const size = frame.size * ratio * part;
        gl.uniform1f(uniform.size, size);
        gl.uniform1f(uniform.ring, size > 4 ? ring : 0);
        gl.uniform1f(uniform.alpha, ring ? 0.9 : 1);
        this.run(from, to, frame.step);
      }
    }
  }

  run(from, to, step) {
    const { gl } = this;
    for (const [name, location] of Object.entries(this.attribute)) {
      if (!this.columns[name]) {
        gl.disableVertexAttribArray(location);
        gl.vertexAttribI4ui(location, 0, 0, 0, 0);
        continue;
      }
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
      gl.enableVertexAttribArray(location);
      if (name === "place") gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 8 * step, 8 * from);
      else gl.vertexAttribIPointer(location, 1, gl.UNSIGNED_BYTE, step, from);
    }
    gl.drawArrays(gl.POINTS, 0, Math.ceil((to - from) / step));
  }

  end() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); }
}

const MOST_ON_2D = 150_000;

class CanvasPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.columns = {};
  }

  set(name, values) { this.columns[name] = values; }

  paint(colors) { this.colors = colors; }

  draw(frame, images) {
    const { context: to, canvas } = this, { place, code } = this.columns;
    to.setTransform(1, 0, 0, 1, 0, 0);
    to.clearRect(0, 0, canvas.width, canvas.height);
    to.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
    const n = place ? place.length / 2 : 0;
    if (!n || code?.length !== n) return;
    const step = Math.max(frame.step, Math.ceil(n / MOST_ON_2D));
    for (const tier of [0, 1]) {
      if (frame.texts) this.run(frame, tier, images, n, step, true);
      this.run(frame, tier, 0, images, step, false);
    }
    to.globalAlpha = 1;
  }

  run(frame, tier, from, to, step, ring) {
    const { context, colors } = this, { place, code, fade, chosen, crowd } = this.columns;
    const half = frame.size / 2, [left, top] = [frame.width / 2, frame.height / 2];
    context.lineWidth = 1;
    for (let i = from; i < to; i += step) {
      const c = code[i], dim = chosen && !chosen[i];
      if (!colors[4 * c + 3] || (tier === 0) !== (c >= OTHER || Boolean(dim))) continue;
      const x = (place[2 * i] - frame.x) * frame.scale + left;
      const y = top - (place[2 * i + 1] - frame.y) * frame.scale;
      if (x < -half || y < -half || x > frame.width + half || y > frame.height + half) continue;
      const color = `rgb(${colors[4 * c]} ${colors[4 * c + 1]} ${colors[4 * c + 2]})`;
      const alone = 0.8 / Math.sqrt((2 ** (crowd[i] / CROWD) - 1) * frame.cover);
      context.globalAlpha = Math.min(Math.max(alone, FAINTEST), CLEAREST) *
        (dim ? 0.16 : c >= OTHER ? 0.55 : 1) * (1 - (0.88 * (fade?.[i] ?? 0)) / 255);
      context.beginPath();
      context.arc(x, y, Math.max(half - (ring ? 0.5 : 0), 0.5), 0, 2 * Math.PI);
      if (ring) { context.strokeStyle = color; context.stroke(); }
      else { context.fillStyle = color; context.fill(); }
    }
  }

  end() {}
}

// A canvas that once had a context of one kind cannot have another, hence a fresh one.
function painter(fresh, lost) {
  const canvas = fresh();
  try {
    return new GlPainter(canvas, lost);
  } catch {
    const other = fresh();
    canvas.replaceWith(other);
    return new CanvasPainter(other);
  }
}
