// The map of a collection: points one can pan, zoom, select, hover and open.
//
// Data: addresses of byte columns (`places` float32 x y; `colors`, colors that are loaded `ahead`, and
// `fade` one byte a point; `chosen` one bit; `lines` float32 x1 y1 x2 y2) and small lists (`groups` or
// `scale`, `marks`, `lit`, `path`, `names`). It sends `polygon` (its points in map units and what is
// hidden), `named` (a clicked name) and `clear`; what belongs to one item (card, thumbnails, a click)
// goes through items.js. All text is set as textContent.
const LIMITS = [0.5, 20_000]; // of the zoom, against all points in view
const STILL = 140, SEEN = 400; // milliseconds at rest; until the first frame of new colors is on screen
const SLOW = 45, FAST = 22; // milliseconds of slow and fast frames
const MOST_STEP = 31, FEW = 30_000; // every how many points while moving, and at least so many
const MANY = 50_000; // points that the first frame of new colors draws
const views = (globalThis.sextantMaps ??= new Map()); // by key of the component
const cameras = (globalThis.sextantCameras ??= new Map()); // by layout
const reduced = matchMedia("(prefers-reduced-motion: reduce)");

class View {
  constructor(parent) {
    Object.assign(this, {
      hidden: new Set(), thumbnails: [], images: new Map(), asked: new Set(), cards: new Map(),
      at: -1, pointed: -1, nameBoxes: [], step: 1, texts: true, named: true, density: false, lasso: false, ratio: 1,
      pointers: new Map(), camera: { x: 0, y: 0, scale: 1 }, look: { size: 5, cover: 0 },
    });
    this.root = node("div", "map");
    this.stage = node("div", "stage");
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "application");
    this.stage.setAttribute("aria-roledescription", "map");
    this.message = node("div", "message", "Loading points…");
    this.message.setAttribute("role", "status");
    this.over = node("canvas");
    this.card = node("div", "card");
    this.legend = node("div", "legend");
    this.heard = node("div", "unseen");
    this.heard.setAttribute("aria-live", "polite");
    this.tools = toolbar(this);
    this.stage.append(this.over, this.message, this.tools);
    const fresh = () => {
      const canvas = node("canvas");
      this.stage.prepend(canvas);
      return canvas;
    };
    this.painter = painter(fresh, () => this.redraw());
    this.root.append(this.stage, this.legend, this.card, this.heard);
    parent.append(this.root);
    listen(this);
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.stage);
    this.resize();
    this.turn();
  }

  // New data of a run; what has not changed is not loaded or drawn again.
  async update(data, send) {
    const before = this.data ?? {}, turn = (this.run = (this.run ?? 0) + 1);
    this.send = send;
    this.theme = themeOf(this.root);
    const wanted = () => this.root.isConnected;
    const load = (address) => (address ? column(address, wanted) : null);
    let loaded;
    try {
      loaded = await Promise.all([
        data.places ? placesOf(data.places, wanted) : new Places(new Float32Array()),
        load(data.colors), load(data.fade), load(data.chosen), load(data.lines),
      ]);
    } catch {
      if (turn === this.run) this.message.textContent = "The points could not be loaded. Reload the page.";
      return;
    }
    if (turn !== this.run) return;
    const [places, code, fade, chosen, lines] = loaded;
    this.data = data;
    this.stage.setAttribute("aria-label", data.label);
    this.message.textContent = data.n ? "" : "No points to show.";
    if (data.items !== before.items) for (const kept of [this.images, this.asked, this.cards]) kept.clear();
    if (this.sources?.lines !== data.lines || data.places !== before.places) {
      this.lines = lines && segments(lines, places.middle);
    }
    if (places !== this.places) this.lay(places);
    const set = (name, address, values) => {
      if (this.sources?.[name] !== address) this.painter.set(name, values());
    };
    set("code", data.colors, () => code);
    set("fade", data.fade, () => fade);
    this.code = code;
    if (this.sources?.chosen !== data.chosen) {
      this.chosen = chosen && unpacked(chosen, places.n);
      this.painter.set("chosen", this.chosen);
    }
    this.sources = { code: data.colors, fade: data.fade, chosen: data.chosen, lines: data.lines };
    this.route = data.path.length > 1 ? polyline(data.path, places.middle) : null;
    const kinds = JSON.stringify([data.coloring, data.groups.map((group) => group.name)]);
    if (kinds !== this.kinds) this.hidden.clear();
    this.kinds = kinds;
    this.sent = null;
    this.recolor();
    this.turn();
    if (places.n > MANY) { // a part at once, all of them right after
      this.step = Math.min(Math.max(this.step, Math.ceil(places.n / MANY)), MOST_STEP);
      this.shift(this.camera, SEEN);
    } else this.rest();
    cancelAnimationFrame(this.frame); // new colors need not wait for the next frame
    this.frame = 0;
    this.paint();
    load(data.ahead)?.catch(() => {}); // then it is loaded when it is needed
  }

  // Other positions: the view of this layout that was last on screen or is in the link, else all
  // points.
  lay(places) {
    this.places = places;
    this.at = -1;
    this.step = Math.min(Math.ceil(places.n / 200_000) || 1, MOST_STEP);
    this.painter.set("place", places.xy);
    this.painter.set("crowd", places.crowds);
    this.fit();
    Object.assign(this.camera, cameras.get(this.data.places) ?? this.linkedView());
  }

  recolor() {
    const colors = new Uint8Array(1024), { scale } = this.data;
    if (scale) {
      const stops = scale.colors.map(rgb);
      for (let c = 0; c < OTHER; c++) {
        const at = (c / (OTHER - 1)) * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2);
        colors.set(stops[k].map((v, j) => v + (at - k) * (stops[k + 1][j] - v)), 4 * c);
        colors[4 * c + 3] = 255;
      }
    }
    for (const { code, color } of this.groups()) colors.set([...rgb(color), this.hidden.has(code) ? 0 : 255], 4 * code);
    this.colors = colors;
    this.painter.paint(colors);
    fillLegend(this.legend, this);
  }

  groups() {
    return this.data.groups.map((group) => ({ ...group, color: group.color || this.theme.gray }));
  }

  colorOf(i) {
    const c = 4 * this.code[i];
    return `rgb(${this.colors[c]} ${this.colors[c + 1]} ${this.colors[c + 2]})`;
  }

  isShown(i) {
    return (this.texts || i < this.data.images) && this.colors[4 * this.code[i] + 3] > 0;
  }

  toggle(code, alone) {
    const all = this.data.groups.map((group) => group.code);
    if (alone) this.hidden = new Set(all.filter((other) => other !== code));
    else if (!this.hidden.delete(code)) this.hidden.add(code);
    if (all.every((other) => this.hidden.has(other))) this.hidden.clear();
    this.recolor();
    this.legend.querySelector(`[data-code="${code}"]`)?.focus();
    this.rest();
  }

  // Switches one of the tools, and marks which are on.
  turn(name) {
    if (name) this[name] = !this[name];
    for (const [tool, on] of [["lasso", this.lasso], ["texts", this.texts], ["density", this.density], ["names", this.named]]) {
      this.buttons[tool].setAttribute("aria-pressed", on);
    }
    this.buttons.names.hidden = !this.data?.names.length;
    this.buttons.texts.hidden = !this.data || this.data.images === 0 || this.data.images === this.data.n;
    this.stage.classList.toggle("lasso", this.lasso);
    if (name === "texts") this.rest();
    else this.redraw(false);
  }

  // Places on screen, in CSS pixels, of a point, of local and of map coordinates; and back.
  onLocal(x, y) {
    const { camera, width, height } = this;
    return [(x - camera.x) * camera.scale + width / 2, height / 2 - (y - camera.y) * camera.scale];
  }

  screen(i) { return this.onLocal(this.places.xy[2 * i], this.places.xy[2 * i + 1]); }

  onScreen(x, y) { return this.onLocal(x - this.places.middle[0], y - this.places.middle[1]); }

  local(sx, sy) {
    const { camera, width, height } = this;
    return [(sx - width / 2) / camera.scale + camera.x, (height / 2 - sy) / camera.scale + camera.y];
  }

  toMap(sx, sy) {
    const [x, y] = this.local(sx, sy);
    return [x + this.places.middle[0], y + this.places.middle[1]];
  }

  // The view of all points, and of lines that come from elsewhere, as from the map beside.
  get home() {
    const { places, lines, width, height } = this;
    const [w, h] = [places.width / 2, places.height / 2], [x0, y0, x1, y1] = lines?.box ?? [0, 0, 0, 0];
    const [left, low, right, high] = [Math.min(x0, -w), Math.min(y0, -h), Math.max(x1, w), Math.max(y1, h)];
    const [across, down] = width < 600 ? [24, 96] : [112, 56]; // the tools are there
    const free = [Math.max(width - across, 50), Math.max(height - down, 50)];
    const scale = Math.min(free[0] / (right - left || 1e-9), free[1] / (high - low || 1e-9));
    return { x: (left + right) / 2, y: (low + high) / 2, scale: right > left || high > low ? scale : Math.min(...free) };
  }

  get whole() { return this.home.scale; }

  fit(slowly) {
    if (this.places) this.move(this.home, slowly);
  }

  zoom(factor, sx = this.width / 2, sy = this.height / 2, slowly = true) {
    if (!this.places) return;
    const [x, y] = this.local(sx, sy), whole = this.whole;
    const scale = Math.min(Math.max(this.camera.scale * factor, LIMITS[0] * whole), LIMITS[1] * whole);
    const left = { x: x - (sx - this.width / 2) / scale, y: y - (this.height / 2 - sy) / scale };
    this.move({ ...left, scale }, slowly);
  }

  pan(dx, dy) {
    const { x, y, scale } = this.camera;
    this.move({ x: x - dx / scale, y: y + dy / scale, scale });
  }

  move(to, slowly = false) {
    cancelAnimationFrame(this.gliding);
    const from = { ...this.camera }, start = performance.now();
    const glide = (now) => {
      const t = Math.min((now - start) / 180, 1), part = 1 - (1 - t) ** 3;
      const mix = (name) => from[name] + part * (to[name] - from[name]);
      this.shift({ x: mix("x"), y: mix("y"), scale: from.scale * (to.scale / from.scale) ** part });
      if (t < 1) this.gliding = requestAnimationFrame(glide);
    };
    if (slowly && !reduced.matches) this.gliding = requestAnimationFrame(glide);
    else this.shift(to);
  }

  // Fewer points are drawn while moving where a frame takes too long; all of them at rest.
  shift(camera, still = STILL) {
    this.camera = camera;
    this.moving = true;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), still);
    this.redraw();
  }

  // The view in the link: the middle, the zoom against all points in view, and of which layout.
  linkedView() {
    const found = new URLSearchParams(location.search).get("view")?.match(/^([^_]+)_([^_]+)_([^_]+)_(.+)$/);
    const [x, y, zoom] = found?.slice(1, 4).map(Number) ?? [];
    const { method } = this.data, [mx, my] = this.places.middle;
    if (!method || found?.[4] !== method || !Number.isFinite(x + y) || !(zoom >= LIMITS[0] && zoom <= LIMITS[1])) return {};
    return { x: x - mx, y: y - my, scale: zoom * this.whole };
  }

  // Writes the view to the address. Streamlit sends that with its next run, and keeps it.
  linkView() {
    const { camera, places, home, data } = this, zoom = camera.scale / home.scale;
    if (!data.method) return;
    const all = Math.abs(zoom - 1) < 1e-3 && Math.hypot(camera.x - home.x, camera.y - home.y) * home.scale < 1;
    const others = location.search.slice(1).split("&").filter((part) => part && !part.startsWith("view="));
    const middle = [camera.x + places.middle[0], camera.y + places.middle[1], zoom];
    const view = all ? [] : [`view=${middle.map((value) => +value.toPrecision(6)).join("_")}_${data.method}`];
    const search = [...others, ...view].join("&");
    if (search !== location.search.slice(1)) history.replaceState(history.state, "", `${location.pathname}${search && `?${search}`}`);
  }

  rest() {
    clearTimeout(this.resting);
    this.moving = false;
    this.lastFrame = 0;
    if (!this.places || !this.data) return;
    cameras.set(this.data.places, { ...this.camera });
    this.linkView();
    this.thumbnails = chooseThumbnails(this);
    this.ask();
    this.redraw();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const first = !this.width;
    if (!width || (width === this.width && height === this.height && this.ratio === devicePixelRatio)) return;
    const grown = this.places && !first ? this.whole : 0;
    Object.assign(this, { width, height, ratio: devicePixelRatio });
    if (this.places) {
      if (grown) this.camera.scale *= this.whole / grown;
      else this.fit();
      this.rest();
    }
  }

  // Draws with the next frame; only what is over the points unless they have changed.
  redraw(points = true) {
    this.stale ||= points;
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      if (this.moving && this.lastFrame) {
        const took = now - this.lastFrame;
        if (took > SLOW && this.places.n > FEW * this.step) this.step = Math.min(this.step * 2, MOST_STEP);
        else if (took < FAST && this.step > 1) this.step = Math.floor(this.step / 2);
      }
      this.lastFrame = this.moving ? now : 0;
      this.paint();
    });
  }

  // Whether at most so many points are in view, and how many are, about.
  fits(most) { return this.inView() <= most * 4; }

  inView() {
    const { camera, width, height, places } = this;
    const [w, h] = [width / 2 / camera.scale, height / 2 / camera.scale];
    return places.count(camera.x - w, camera.y - h, camera.x + w, camera.y + h);
  }

  // Points are smaller the more of the screen they cover, and fainter the more crowded they are.
  paint(ratio = 0) {
    const { places, width, height, camera, data } = this;
    if (!places || !data || !width) return;
    if (ratio) this.stale = true;
    ratio ||= this.ratio;
    for (const canvas of [this.painter.canvas, this.over]) {
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== w || canvas.height !== h) {
        Object.assign(canvas, { width: w, height: h });
        this.stale = true;
      }
    }
    const seen = Math.max(this.inView(), 1), room = (width * height) / seen;
    const size = Math.min(Math.max(0.5 * Math.sqrt(room), 2), 10);
    const step = this.moving ? this.step : 1, cell = (places.extent / CELLS) * camera.scale;
    const cover = (size * size * 0.785) / (cell * cell * step);
    this.look = { size, cover };
    const gray = data.groups.some(({ code }) => code >= OTHER);
    const frame = { ...camera, width, height, ratio, ...this.look, texts: this.texts, step, gray };
    if (this.stale) this.painter.draw(frame, data.images);
    this.stale = false;
    drawOverlay(this.over.getContext("2d"), this, ratio);
    const { middle } = places;
    this.stage.dataset.view = [camera.x + middle[0], camera.y + middle[1], camera.scale].join(" ");
    this.stage.dataset.drawn = `${data.places} ${data.colors} ${data.chosen ?? ""} ${step}`;
  }

  // The point nearest to a place on screen, images before texts; -1 for none.
  pick(sx, sy, reach = Math.max(this.look.size / 2 + 4, 8)) {
    if (!this.places || !this.data) return -1;
    const held = this.thumbnails.findLast(({ i, side }) => {
      const [x, y] = this.screen(i);
      return this.images.has(i) && Math.abs(x - sx) < side / 2 && Math.abs(y - sy) < side / 2;
    });
    if (held) return held.i;
    const [x, y] = this.local(sx, sy), r = reach / this.camera.scale;
    let best = -1, least = Infinity;
    this.places.within(x - r, y - r, x + r, y + r, (i, px, py) => {
      const far = Math.hypot(px - x, py - y) + (i < this.data.images ? 0 : r / 3);
      if (far < least && far < r * 1.34 && this.isShown(i)) [best, least] = [i, far];
    });
    return best;
  }

  // The name of a cluster at a place on screen; -1 for none.
  nameAt(x, y) {
    const inside = ({ box: [x0, y0, x1, y1] }) => x > x0 && x < x1 && y > y0 && y < y1;
    return this.named ? this.nameBoxes.find(inside)?.at ?? -1 : -1;
  }

  hover(sx, sy, x, y) {
    const name = this.nameAt(sx, sy);
    if (name !== this.pointed) this.redraw(false);
    this.pointed = name;
    this.point(name < 0 ? this.pick(sx, sy) : -1, x, y);
    this.stage.classList.toggle("over", name >= 0 || this.at >= 0);
  }

  click(sx, sy, reach) {
    const name = this.nameAt(sx, sy);
    if (name >= 0) this.send("named", name);
    else this.open(this.pick(sx, sy, reach));
  }

  leave() {
    this.pointed = -1;
    this.point(-1, 0, 0);
  }

  // Points at the item `i`: its ring and its card beside (x, y) of the window.
  point(i, x, y) {
    this.pointer = [x, y];
    if (i !== this.at) {
      this.at = i;
      this.redraw(false);
      clearTimeout(this.asking);
      if (i >= 0 && !this.cards.has(i)) this.asking = setTimeout(() => this.ask(), 80);
    }
    this.show();
  }

  show() {
    const about = this.cards.get(this.at);
    this.card.classList.toggle("shown", Boolean(about));
    if (!about) return;
    fillCard(this.card, about);
    placeCard(this.card, ...this.pointer);
    if (this.byKey) this.heard.textContent = [about.name, about.caption].filter(Boolean).join(". ");
  }

  // Requests the card and the thumbnails that are lacking.
  ask() {
    if (!this.answer) return;
    const lacking = this.thumbnails.map(({ i }) => i).filter((i) => !this.images.has(i) && !this.asked.has(i));
    const hover = this.at >= 0 && !this.cards.has(this.at) ? this.at : -1;
    if (!lacking.length && hover < 0) return;
    lacking.forEach((i) => this.asked.add(i));
    this.answer("ask", { items: this.data.items, hover, thumbnails: lacking });
  }

  // Cards and thumbnails that came.
  told({ items, hover, about, thumbnails }) {
    if (!this.data || items !== this.data.items) return;
    if (about) this.cards.set(hover, about);
    for (const [i, address] of thumbnails) {
      const image = new Image();
      image.onload = () => { this.images.set(i, image); this.redraw(false); };
      image.src = address;
    }
    this.show();
  }

  open(i) {
    if (i >= 0) this.answer?.("open", { items: this.data.items, index: i });
  }

  // The finished outline goes to the server; it stays on screen until the selection is there.
  select() {
    const outline = this.drawn;
    this.drawn = null;
    if (outline?.length > 2) {
      this.sent = simplified(outline);
      this.send("polygon", { points: this.sent, hidden: [...this.hidden], texts: this.texts });
      performance.mark("map-selected");
    }
    if (this.lasso) this.turn("lasso");
    this.redraw(false);
  }

  end() {
    this.resized.disconnect();
    this.painter.end();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.gliding);
    [this.resting, this.asking].forEach(clearTimeout);
    this.root.remove();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const view = (parentElement.view ??= new View(parentElement));
  views.set(data.key, view);
  view.update(data, setTriggerValue);
  return () => {
    view.end();
    delete parentElement.view;
    if (views.get(data.key) === view) views.delete(data.key);
  };
}
