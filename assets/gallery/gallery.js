// A grid of cards. All text is set as textContent, never as markup.
const ICONS = {
  like: "M12 3a9 9 0 1 0 9 9M12 7a5 5 0 1 0 5 5M12 12 20 4M16 4h4v4",
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
  svg.appendChild(line);
  return svg;
}

function thumbnail(card) {
  const frame = node("span", "thumbnail");
  const image = node("img");
  image.src = card.image;
  image.alt = card.caption || card.name;
  image.draggable = false;
  frame.append(image);
  return frame;
}

function quote(card) {
  return node("span", "quote", card.caption || card.name);
}

// What belongs to the card's button: caption and labels.
function about(card) {
  const about = node("span", "about");
  const caption = card.image && (card.caption || card.name);
  if (caption) about.append(node("span", "caption", caption));
  if (card.labels.length) {
    const labels = node("span", "labels");
    card.labels.forEach((label) => labels.append(node("span", "label", label)));
    about.append(labels);
  }
  return about;
}

function foot(card, picks, send) {
  const foot = node("div", "foot");
  const numbers = node("span", "numbers");
  if (card.rank) numbers.append(node("span", "rank", card.rank));
  if (card.move) numbers.append(node("span", card.moved, card.move));
  if (card.band) numbers.append(node("span", card.band, card.band));
  if (card.value) numbers.append(node("span", "value", card.value));
  if (card.note) numbers.append(node("span", "note", card.note));
  if (card.badge) {
    const badge = node("span", "badge", card.badge);
    badge.title = card.badge_help;
    numbers.append(badge);
  }
  foot.append(numbers);
  if (picks) {
    const label = node("label", "pick");
    const box = node("input");
    box.type = "checkbox";
    box.setAttribute("aria-label", `Select ${card.caption || card.name}`);
    box.addEventListener("change", () => send("pick", card.id));
    label.append(box);
    foot.append(label);
  }
  return foot.childElementCount > 1 || numbers.childElementCount ? foot : "";
}

function line(card) {
  return node("li", "line", card.above);
}

function build(card, index, picks, send) {
  const box = node("li", `card ${card.image ? "image" : "text"}`);
  box.dataset.id = card.id;
  const open = node("button", "open");
  open.type = "button";
  open.dataset.index = index;
  open.tabIndex = index ? -1 : 0;
  open.setAttribute("aria-label", [card.rank, card.caption || card.name].filter(Boolean).join(". "));
  open.append(card.image ? thumbnail(card) : quote(card), about(card));
  open.addEventListener("click", () => send("open", card.id));
  const like = node("button", "like");
  like.type = "button";
  like.tabIndex = -1;
  like.title = "More like this";
  like.setAttribute("aria-label", "More like this");
  like.append(icon(ICONS.like));
  like.addEventListener("click", () => send("like", card.id));
  box.append(open, like, foot(card, picks, send));
  return box;
}

function mark(list, picked) {
  list.querySelectorAll(".card").forEach((card) => {
    const on = picked.includes(card.dataset.id);
    card.classList.toggle("picked", on);
    card.querySelector(".pick input").checked = on;
  });
}

// The median aspect ratio of the images on this page, so that few are cropped.
function setAspect(list) {
  const images = [...list.querySelectorAll("img")];
  Promise.allSettled(images.map((image) => image.decode())).then(() => {
    const ratios = images.map((i) => i.naturalWidth / i.naturalHeight).filter(Number.isFinite);
    if (!ratios.length) return;
    const median = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
    const aspect = Math.min(Math.max(median, 0.8), 1.4);
    list.style.setProperty("--aspect", aspect);
    images.forEach((image) => {
      const off = image.naturalWidth / image.naturalHeight / aspect;
      image.classList.toggle("whole", off > 1.5 || off < 0.68 || Math.abs(off - 1) < 0.02);
    });
  });
}

// Arrow keys move in the grid, Enter opens, L searches for more like this, X selects.
function walk(event, list, send) {
  const cards = [...list.querySelectorAll(".open")];
  const at = cards.indexOf(event.target);
  if (at < 0) return;
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const ends = { Home: 0, End: cards.length - 1 };
  let to = at + (steps[event.key] ?? 0);
  if (event.key in ends) to = ends[event.key];
  if (event.key === "l" || event.key === "L") {
    event.target.parentElement.querySelector(".like").click();
  } else if (event.key === "x" || event.key === "X") {
    event.target.parentElement.querySelector(".pick input")?.click();
  } else if (to !== at && cards[to]) {
    event.preventDefault();
    cards[at].tabIndex = -1;
    cards[to].tabIndex = 0;
    cards[to].focus();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const { picked, ...cards } = data;
  const drawn = JSON.stringify(cards);
  let list = parentElement.querySelector("ul.gallery");
  if (list?.drawn === drawn) {
    list.send = setTriggerValue;
    if (picked) mark(list, picked);
    return;
  }
  const had = list?.contains(parentElement.activeElement);
  const aspect = list?.style.getPropertyValue("--aspect");
  list?.remove();
  list = node("ul", "gallery");
  list.drawn = drawn;
  list.send = setTriggerValue;
  const send = (...click) => list.send(...click); // the latest: each run may bring another
  list.style.setProperty("--size", `${data.size}px`);
  if (aspect) list.style.setProperty("--aspect", aspect); // until the new images are decoded
  list.classList.toggle("texts", data.cards.every((card) => !card.image));
  data.cards.forEach((card, i) => {
    if (card.above) list.append(line(card));
    list.append(build(card, i, Boolean(picked), send));
  });
  if (picked) mark(list, picked);
  list.addEventListener("keydown", (event) => walk(event, list));
  parentElement.append(list);
  setAspect(list);
  if (had) list.querySelector(".open")?.focus();
}
