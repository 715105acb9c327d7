// A card with the item under the pointer: Plotly's hover labels cannot show images.
// A card is requested once per point and cached while the drawing stays the same.
const WAIT = 80;

function node(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  if (text) element.textContent = text;
  return element;
}

function place(card, { clientX, clientY }) {
  const { offsetWidth: w, offsetHeight: h } = card;
  const left = clientX + 18 + w > innerWidth ? clientX - 18 - w : clientX + 18;
  card.style.left = `${Math.max(left, 4)}px`;
  card.style.top = `${Math.min(Math.max(clientY - h / 2, 4), innerHeight - h - 4)}px`;
}

function fill(card, about) {
  card.replaceChildren();
  if (about.image) {
    const image = node("img", "thumbnail");
    image.src = about.image;
    image.alt = "";
    card.append(image);
  }
  card.append(node("div", "name", about.name));
  if (about.caption) card.append(node("div", "caption", about.caption));
  if (about.value) card.append(node("div", "value", about.value));
}

function listen(state, plot) {
  plot.on("plotly_hover", ({ points, event }) => {
    const point = `${state.drawing}|${points[0].curveNumber}:${points[0].pointNumber}`;
    if (point === state.at) return;
    state.at = point;
    state.pointer = event;
    clearTimeout(state.timer);
    state.show();
    if (!state.known.has(point)) state.timer = setTimeout(() => state.ask(point), WAIT);
  });
  const leave = () => {
    state.at = "";
    clearTimeout(state.timer);
    state.show();
  };
  plot.on("plotly_unhover", leave);
  // While a lasso is drawn Plotly sends no unhover event.
  plot.addEventListener("mousedown", leave, true);
  plot.addEventListener("mouseleave", leave);
  plot.on("plotly_click", ({ points }) => {
    state.open(`${state.drawing}|${points[0].curveNumber}:${points[0].pointNumber}`);
  });
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const card = parentElement.querySelector(".card") ?? node("div", "card");
  if (!card.parentNode) parentElement.append(card);
  const state = (card.state ??= { known: new Map(), at: "" });
  if (state.drawing !== data.drawing) state.known.clear();
  state.drawing = data.drawing;
  state.ask = (point) => setStateValue("point", point);
  state.open = (point) => setTriggerValue("open", point);
  state.show = () => {
    const about = state.known.get(state.at);
    card.classList.toggle("shown", Boolean(about));
    if (about) {
      fill(card, about);
      place(card, state.pointer);
    }
  };
  if (data.about) state.known.set(data.point, data.about);
  state.show();
  // Streamlit replaces the plot when its figure changes: look for it regularly.
  const find = () => {
    const plot = document.querySelector(`.st-key-${data.plot} .js-plotly-plot`);
    if (plot?.on && plot !== state.plot) listen(state, (state.plot = plot));
  };
  find();
  const looking = setInterval(find, 400);
  return () => clearInterval(looking);
}
