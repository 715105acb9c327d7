// Bytes from the server, and what is computed from positions: bounds, cells, contours.
// The parts of the map are joined into one module (see pages/parts/map/plot.py); map.js is the last.
const CELLS = 256, KEEP_BYTES = 120e6, KEEP_PLACES = 3;
const CROWD = 12; // steps for twice as many neighbors
const DIGEST = 16; // bytes before a column
const OTHER = 254; // this and 255 are the codes of the gray groups, drawn below the others
const root = globalThis.__streamlit?.BACKEND_BASE_URL ?? new URL(".", location.href).href;

// Columns of bytes by address. The address contains a hash of the content, so that a column crosses
// once: it is kept when the page changes and comes back.
const columns = (globalThis.sextantColumns ??= new Map());

function column(address, wanted) {
  const known = columns.get(address);
  const loading = known ?? load(address, 4, wanted);
  columns.delete(address);
  columns.set(address, loading); // the latest is last
  if (!known) {
    loading.then((bytes) => { loading.bytes = bytes.byteLength; forgetOld(); },
      () => columns.delete(address));
  }
  return loading;
}

function forgetOld() {
  let total = 0;
  for (const [address, { bytes = 0 }] of [...columns].reverse()) {
    total += bytes;
    if (total > KEEP_BYTES) columns.delete(address);
  }
}

// Tried again while it is `wanted`: the server drops the columns of a page that was left.
async function load(address, tries, wanted) {
  try {
    const response = await fetch(new URL(address.replace(/^\//, ""), root));
    if (!response.ok) throw new Error(`${response.status}`);
    return new Uint8Array((await response.arrayBuffer()).slice(DIGEST));
  } catch (error) {
    await new Promise((done) => setTimeout(done, 300));
    if (tries < 2 || !wanted()) throw error;
    return load(address, tries - 1, wanted);
  }
}

const laidOut = (globalThis.sextantPlaces ??= new Map()); // the last few layouts, by address

async function placesOf(address, wanted) {
  let places = laidOut.get(address);
  if (!places) {
    const bytes = await column(address, wanted);
    places = laidOut.get(address) ?? new Places(new Float32Array(bytes.buffer.slice(0)));
  }
  laidOut.delete(address);
  laidOut.set(address, places);
  while (laidOut.size > KEEP_PLACES) laidOut.delete(laidOut.keys().next().value);
  return places;
}

// Positions relative to the middle of the map, so that single precision suffices at any zoom.
class Places {
  constructor(xy) {
    this.xy = xy;
    this.n = xy.length / 2;
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < xy.length; i += 2) {
      const x = xy[i], y = xy[i + 1];
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
    if (!(x1 >= x0)) [x0, y0, x1, y1] = [0, 0, 0, 0];
    this.middle = [(x0 + x1) / 2, (y0 + y1) / 2];
    this.width = x1 - x0;
    this.height = y1 - y0;
    this.extent = Math.max(this.width, this.height) || 1;
    for (let i = 0; i < xy.length; i += 2) {
      xy[i] -= this.middle[0];
      xy[i + 1] -= this.middle[1];
    }
    this.sort();
  }

  // Points by cell of a regular grid: `start[c]` to `start[c + 1]` in `order`.
  sort() {
    const { xy, n } = this, cell = new Uint32Array(n), start = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < n; i++) start[(cell[i] = this.cell(xy[2 * i], xy[2 * i + 1])) + 1]++;
    for (let c = 0; c < CELLS * CELLS; c++) start[c + 1] += start[c];
    const next = start.slice(), order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[next[cell[i]]++] = i;
    Object.assign(this, { start, order });
  }

  along(value) {
    return Math.min(Math.max(Math.floor((value / this.extent + 0.5) * CELLS), 0), CELLS - 1) || 0;
  }

  cell(x, y) { return this.along(y) * CELLS + this.along(x); }

  // Calls `each` with the points in a rectangle of the map.
  within(x0, y0, x1, y1, each) {
    const { xy, start, order } = this, left = this.along(x0), right = this.along(x1);
    for (let row = this.along(y0); row <= this.along(y1); row++) {
      const end = start[row * CELLS + right + 1];
      for (let at = start[row * CELLS + left]; at < end; at++) {
        const i = order[at], x = xy[2 * i], y = xy[2 * i + 1];
        if (x >= x0 && x <= x1 && y >= y0 && y <= y1) each(i, x, y);
      }
    }
  }

  // About how many points are in a rectangle, by whole cells.
  count(x0, y0, x1, y1) {
    let total = 0;
    const left = this.along(x0), right = this.along(x1);
    for (let row = this.along(y0); row <= this.along(y1); row++) {
      total += this.start[row * CELLS + right + 1] - this.start[row * CELLS + left];
    }
    return total;
  }

  // How crowded the surroundings of each point are: a byte a point, see `crowdOf` in paint.js.
  get crowds() {
    const { xy, n, start } = this;
    let field = Float32Array.from({ length: CELLS * CELLS }, (_, c) => start[c + 1] - start[c]);
    field = blurred(blurred(field, CELLS, 1), CELLS, CELLS).map((count) => CROWD * Math.log2(1 + count));
    return Uint8Array.from({ length: n }, (_, i) => field[this.cell(xy[2 * i], xy[2 * i + 1])]);
  }

  // Lines of equal density around 20, 40, 60 and 80% of the points, as one path in map units.
  get contours() {
    if (this.lines) return this.lines;
    const side = 128, per = CELLS / side, field = new Float32Array(side * side);
    for (let c = 0; c < CELLS * CELLS; c++) {
      const x = Math.floor((c % CELLS) / per), y = Math.floor(Math.floor(c / CELLS) / per);
      field[y * side + x] += this.start[c + 1] - this.start[c];
    }
    let smooth = field; // wider where there are few points, else each would be an island
    for (let k = 0; k < (this.n < 20_000 ? 4 : 1); k++) smooth = blurred(blurred(smooth, side, 1), side, side);
    const sorted = Float32Array.from(smooth).sort().reverse();
    const total = sorted.reduce((sum, value) => sum + value, 0);
    const shares = [0.2, 0.4, 0.6, 0.8], levels = [];
    let sum = 0;
    for (const value of sorted) {
      sum += value;
      while (shares.length && sum >= shares[0] * total) { levels.push(value); shares.shift(); }
    }
    this.lines = new Path2D();
    const at = (k) => ((k + 0.5) / side - 0.5) * this.extent;
    for (const level of this.n > 50 ? levels : []) trace(smooth, side, level, at, this.lines);
    return this.lines;
  }
}

// A Gaussian blur of a square field along one direction; `step` 1 or `side`.
function blurred(field, side, step) {
  const weights = Array.from({ length: 9 }, (_, k) => Math.exp(-((k - 4) ** 2) / 6));
  const total = weights.reduce((sum, w) => sum + w), out = new Float32Array(field.length);
  for (let i = 0; i < field.length; i++) {
    const along = step === 1 ? i % side : Math.floor(i / side);
    for (let k = -4; k <= 4; k++) {
      if (along + k >= 0 && along + k < side) out[i] += (field[i + k * step] * weights[k + 4]) / total;
    }
  }
  return out;
}

// Marching squares: the line where a field crosses a level.
function trace(field, side, level, at, path) {
  for (let y = 0; y + 1 < side; y++) {
    for (let x = 0; x + 1 < side; x++) {
      const corners = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]];
      const values = corners.map(([cx, cy]) => field[cy * side + cx] - level), cuts = [];
      for (let k = 0; k < 4; k++) {
        const a = values[k], b = values[(k + 1) % 4], t = a / (a - b);
        if (a < 0 === b < 0) continue;
        const [p, q] = [corners[k], corners[(k + 1) % 4]];
        cuts.push([at(p[0] + t * (q[0] - p[0])), at(p[1] + t * (q[1] - p[1]))]);
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        path.moveTo(...cuts[k]);
        path.lineTo(...cuts[k + 1]);
      }
    }
  }
}

// A polygon with at most `most` vertices: those go first that move the outline least.
function simplified(points, most = 64) {
  points = points.slice();
  const cost = (k) => {
    const [a, b, c] = [points.at(k - 1), points[k], points[(k + 1) % points.length]];
    return Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]));
  };
  while (points.length > most) {
    let least = 0, lowest = Infinity;
    for (let k = 0; k < points.length; k++) {
      const here = cost(k);
      if (here < lowest) [least, lowest] = [k, here];
    }
    points.splice(least, 1);
  }
  return points;
}

function unpacked(bits, n) {
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = (bits[i >> 3] >> (i & 7)) & 1;
  return out;
}

// Lines as one path, and the box around them.
function segments(bytes, [mx, my]) {
  const ends = new Float32Array(bytes.buffer.slice(0)), path = new Path2D(), n = ends.length / 4;
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let k = 0; k + 1 < ends.length; k += 2) {
    const x = ends[k] - mx, y = ends[k + 1] - my;
    if (k % 4) path.lineTo(x, y);
    else path.moveTo(x, y);
    [box[0], box[1]] = [Math.min(box[0], x), Math.min(box[1], y)];
    [box[2], box[3]] = [Math.max(box[2], x), Math.max(box[3], y)];
  }
  return { path, box, few: n < 2000, alpha: Math.min(0.5, 9 / Math.sqrt(n)) };
}

function polyline(points, [mx, my]) {
  const path = new Path2D();
  for (const [x, y] of points) path.lineTo(x - mx, y - my);
  return path;
}
