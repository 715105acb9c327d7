// The map's surroundings: toolbar, legend, the card of the item under the pointer.
const ICONS = {
  lasso: "M7 16c-3-1-4-3-4-5 0-4 4-7 9-7s9 3 9 6.500-4 6.500-9 6.500c-2 0-3-.3-4-.7M7 15a1.800 1.800 0 1 0 0 3.600A1.800 1.800 0 0 0 7 15Zm0 3.500c0 1.500-1 2.500-2.500 2.500",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  texts: "M5 6h14M12 6v13M8 19h8",
  density: "M12 4c5 0 9 3 9 8s-4 8-9 8-9-4-9-8 4-8 9-8ZM12 8.500c3 0 5 1.500 5 3.500s-2 3.500-5 3.500-5-1.500-5-3.500 2-3.500 5-3.500Z",
  names: "M4 12V5a1 1 0 0 1 1-1h7l8 8-8 8ZM8.500 8.500h.01",
  save: "M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14",
};

function node(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function tool(name, title, act) {
  const button = node("button");
  button.type = "button";
  button.title = title;
  button.setAttribute("aria-label", title.split(":")[0]);
  button.dataset.tool = name;
  button.append(icon(ICONS[name]));
  button.addEventListener("click", act);
  return button;
}

function toolbar(view) {
  const bar = node("div", "tools");
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Map tools");
  view.buttons = {
    lasso: tool("lasso", "Lasso: draw around points; Shift-drag selects a box", () => view.turn("lasso")),
    texts: tool("texts", "Texts: show or hide them", () => view.turn("texts")),
    density: tool("density", "Density contours", () => view.turn("density")),
    names: tool("names", "Cluster names", () => view.turn("named")),
  };
  bar.append(
    view.buttons.lasso,
    node("div", "gap"),
    tool("plus", "Zoom in", () => view.zoom(1.6)),
    tool("minus", "Zoom out", () => view.zoom(1 / 1.6)),
    tool("fit", "Show all points", () => view.fit(true)),
    node("div", "gap"),
    view.buttons.texts,
    view.buttons.density,
    view.buttons.names,
    tool("save", "Save as PNG", () => savePng(view)),
  );
  bar.addEventListener("pointerdown", (event) => event.stopPropagation());
  bar.addEventListener("dblclick", (event) => event.stopPropagation());
  return bar;
}

// Groups whose entries show and hide them; Alt-click, or a double click, shows one alone.
function fillLegend(box, view) {
  const { data } = view, parts = [];
  if (data.scale) {
    const scale = node("div", "scale"), bar = node("span", "bar");
    bar.style.background = `linear-gradient(to right, ${data.scale.colors.join(", ")})`;
    scale.append(
      node("span", "", data.scale.title), node("span", "end", data.scale.low), bar,
      node("span", "end", data.scale.high),
    );
    parts.push(scale);
  }
  for (const { code, name, color, count, ring: thin } of view.groups()) {
    const entry = node("button"), swatch = node("span", thin ? "swatch ring" : "swatch");
    entry.type = "button";
    entry.title = "Show or hide; double-click: only this";
    swatch.style.setProperty("--color", color);
    entry.append(swatch, node("span", "name", name), node("span", "count", count.toLocaleString("en")));
    entry.addEventListener("click", (event) => view.toggle(code, event.altKey));
    entry.addEventListener("dblclick", () => view.toggle(code, true));
    entry.setAttribute("aria-pressed", !view.hidden.has(code));
    entry.dataset.code = code;
    parts.push(entry);
  }
  box.replaceChildren(...parts);
}

function fillCard(card, about) {
  card.replaceChildren();
  if (about.image) {
    const image = node("img", "thumbnail");
    image.src = about.image;
    image.alt = "";
    card.append(image);
  }
  card.append(node("div", "title", about.name));
  if (about.caption) card.append(node("div", "caption", about.caption));
  if (about.value) card.append(node("div", "value", about.value));
}

function placeCard(card, x, y) {
  const { offsetWidth: w, offsetHeight: h } = card;
  const left = x + 18 + w > innerWidth ? x - 18 - w : x + 18;
  card.style.left = `${Math.max(left, 4)}px`;
  card.style.top = `${Math.min(Math.max(y - h / 2, 4), innerHeight - h - 4)}px`;
}

function rgb(color) {
  const hex = color.match(/^#([0-9a-f]{6})$/i);
  if (hex) return [0, 2, 4].map((k) => parseInt(hex[1].slice(k, k + 2), 16));
  return (color.match(/[\d.]+/g) ?? [128, 128, 128]).slice(0, 3).map(Number);
}

function themeOf(element) {
  const style = getComputedStyle(element), of = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    background: of("background-color"), text: of("text-color"), gray: of("gray-color"),
    primary: of("primary-color"), font: style.fontFamily,
  };
}
