// Counts over bins with ticks, thresholds and a handle, as SVG. It is on the first screen, which must
// not wait for Plotly to start.
const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 190, BASE = HEIGHT - 36, TOP = 14, SIDE = 10;

function node(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.append(name === "text" ? text : node("title", {}, ""));
  if (text && name !== "text") element.firstChild.textContent = text;
  return element;
}

// Three to six round numbers.
function ticks(low, high) {
  const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= raw);
  const values = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) values.push(n * step);
  return values.map((v) => [v, v.toFixed(Math.max(0, -Math.floor(Math.log10(step)))).replace("-", "−")]);
}

// What is said of a bin.
function tip({ edges, counts, unrelated, matches }, i) {
  const said = [
    `cosine ${edges[i].toFixed(3)} to ${edges[i + 1].toFixed(3)}: ${counts[i].toLocaleString("en")} candidate${counts[i] === 1 ? "" : "s"}`,
    `unrelated, expected: ${unrelated[i].toFixed(1)}`,
  ];
  return [...said, ...(matches ? [`matches, expected: ${matches[i].toFixed(1)}`] : [])].join("; ");
}

function draw(box, data, moved) {
  const width = box.clientWidth, { edges, least } = data;
  const low = edges[0], high = edges.at(-1);
  const top = Math.max(1, ...data.counts), tallest = Math.log10(top / least) + 0.2;
  const across = (x) => SIDE + ((x - low) / (high - low)) * (width - 2 * SIDE);
  const up = (y) => BASE - (Math.max(0, Math.log10(Math.max(y, least) / least) + 0.12) / tallest) * (BASE - TOP);
  const svg = node("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": data.alt });
  const bars = (counts, color, opacity) => counts.forEach((count, i) => {
    if (count <= least) return;
    const x = across(edges[i]), y = up(count);
    svg.append(node("rect", { x, y, width: across(edges[i + 1]) - x, height: BASE - y, fill: color, "fill-opacity": opacity }));
  });
  bars(data.counts, data.colors.counts, 0.4);
  if (data.matches) bars(data.matches, data.colors.matches, 0.55);
  const middle = (i) => (edges[i] + edges[i + 1]) / 2;
  const points = data.unrelated.map((y, i) => `${across(middle(i))},${up(y)}`).join(" ");
  svg.append(node("polyline", { points, fill: "none", stroke: data.colors.unrelated, "stroke-width": 2 }));
  for (const [name, x] of Object.entries(data.bands)) {
    if (x < low || x > high) continue;
    svg.append(node("line", { x1: across(x), x2: across(x), y1: TOP, y2: BASE, stroke: data.colors.unrelated, "stroke-width": 1.5, "stroke-dasharray": "6 4" }));
  }
  svg.append(node("line", { class: "axis", x1: SIDE, x2: width - SIDE, y1: BASE + 0.5, y2: BASE + 0.5 }));
  for (const [x, label] of ticks(low, high))
    svg.append(node("text", { x: across(x), y: BASE + 15, "text-anchor": "middle" }, label));
  svg.append(node("text", { x: width / 2, y: HEIGHT - 4, "text-anchor": "middle" }, data.title));
  data.counts.forEach((_, i) => svg.append(
    node("rect", { class: "bin", x: across(edges[i]), y: TOP, width: across(edges[i + 1]) - across(edges[i]), height: BASE - TOP }, tip(data, i)),
  ));
  for (const { x, tip } of data.hits)
    svg.append(node("line", { class: "hit", x1: across(x), x2: across(x), y1: BASE - 9, y2: BASE, stroke: data.colors.counts }, tip));
  const focused = box.getRootNode().activeElement?.classList.contains("handle");
  box.replaceChildren(svg);
  if (data.stops.length) handle(svg, data, across, low, high, moved);
  if (focused) svg.querySelector(".handle")?.focus();
}

// The cutoff: dragged or moved by the arrow keys from stop to stop; what it is worth is said beside it.
function handle(svg, data, across, low, high, moved) {
  const place = (x) => across(Math.min(Math.max(x, low), high));
  let at = data.at;
  const group = node("g", {
    class: "handle", tabindex: 0, role: "slider", "aria-label": "Cutoff", "aria-orientation": "horizontal",
    "aria-valuemin": 0, "aria-valuemax": data.stops.length - 1,
  });
  const line = node("line", { y1: 4, y2: BASE, stroke: data.colors.cutoff, "stroke-width": 1.5, "stroke-dasharray": "2 3" });
  const grip = node("circle", { cy: 7, r: 6, fill: data.colors.cutoff }, "Cutoff: drag, or use the arrow keys");
  const area = node("rect", { class: "bin", y: 0, width: 24, height: BASE });
  group.append(line, grip, area);
  svg.append(group);
  const show = () => {
    const { cosine, label } = data.stops[at], x = place(cosine);
    line.setAttribute("x1", x); line.setAttribute("x2", x);
    grip.setAttribute("cx", x); area.setAttribute("x", x - 12);
    group.setAttribute("aria-valuenow", at);
    group.setAttribute("aria-valuetext", `cosine ${cosine.toFixed(3)}, ${label}`);
  };
  const nearest = (event) => {
    const x = event.clientX - svg.getBoundingClientRect().left;
    const far = data.stops.map(({ cosine }) => Math.abs(place(cosine) - x));
    return far.indexOf(Math.min(...far));
  };
  const settle = () => at !== data.at && moved(data.stops[at].value);
  group.addEventListener("pointerdown", (event) => { group.setPointerCapture(event.pointerId); });
  group.addEventListener("pointermove", (event) => {
    if (group.hasPointerCapture(event.pointerId)) { at = nearest(event); show(); }
  });
  group.addEventListener("pointerup", settle);
  group.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(Math.max(at + step, 0), data.stops.length - 1);
    show();
    settle();
  });
  show();
}

// The figure alone, with the colors of the theme written into it.
function save(svg, name, format) {
  const copy = svg.cloneNode(true), color = getComputedStyle(svg).color;
  copy.querySelectorAll(".bin").forEach((bin) => bin.remove());
  copy.querySelectorAll("text").forEach((text) => text.setAttribute("fill", color));
  copy.querySelectorAll(".axis").forEach((line) => line.setAttribute("stroke", color));
  copy.setAttribute("xmlns", NS);
  copy.setAttribute("font-family", "sans-serif");
  copy.setAttribute("font-size", "12");
  const file = URL.createObjectURL(new Blob([copy.outerHTML], { type: "image/svg+xml" }));
  if (format === "svg") return download(file, `${name}.svg`);
  const image = new Image();
  image.addEventListener("load", () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * image.width, height: 2 * image.height });
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    download(canvas.toDataURL("image/png"), `${name}.png`);
  });
  image.src = file;
}

// The numbers of the figure as a CSV file.
function table({ edges, counts, unrelated, matches }) {
  const columns = [edges.slice(0, -1), edges.slice(1), counts, unrelated, ...(matches ? [matches] : [])];
  const names = ["from", "to", "candidates", "expected under the null", "expected matches"];
  const rows = [names.slice(0, columns.length), ...counts.map((_, i) => columns.map((column) => column[i]))];
  return rows.map((row) => row.join(",") + "\n").join("");
}

function download(href, name) {
  Object.assign(document.createElement("a"), { href, download: name }).click();
}

// How to read the figure, and what it is saved as.
function under(latest) {
  const [row, buttons] = ["div", "div"].map((name) => document.createElement(name));
  row.className = "under";
  row.append(document.createElement("p"), buttons);
  buttons.append(...[["csv", "these numbers"], ["png", "this figure"], ["svg", "this figure"]].map(([format, what]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format.toUpperCase();
    button.title = `Save ${what} as ${format.toUpperCase()}`;
    button.addEventListener("click", () => {
      const { data, svg } = latest();
      if (format !== "csv") return save(svg, data.file, format);
      download(URL.createObjectURL(new Blob([table(data)], { type: "text/csv" })), `${data.file}.csv`);
    });
    return button;
  }));
  return row;
}

const shown = new WeakMap(); // what each element draws

export default function ({ data, parentElement, setTriggerValue }) {
  const first = !shown.has(parentElement);
  shown.set(parentElement, { data, moved: (value) => setTriggerValue("moved", value) });
  let box = parentElement.querySelector(".histogram");
  if (!box) {
    box = document.createElement("div");
    box.className = "histogram";
    parentElement.append(box, under(() => ({ ...shown.get(parentElement), svg: box.querySelector("svg") })));
  }
  parentElement.querySelector(".under p").textContent = data.aid;
  const redraw = () => {
    const now = shown.get(parentElement);
    if (box.clientWidth) draw(box, now.data, now.moved);
  };
  redraw();
  if (!first) return;
  new ResizeObserver(redraw).observe(box);
}
