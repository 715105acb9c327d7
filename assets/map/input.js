// Pointer, touch, wheel and keyboard on the map.
const CLICK = 5; // pixels that a click may move

function listen(view) {
  const { stage, pointers } = view;
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
  };
  let way = "", start = null, moved = false;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button || !view.places) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = pointers.size > 1;
    view.byKey = false;
    if (pointers.size === 2) {
      way = "pinch";
      view.drawn = null;
    } else if (pointers.size === 1) {
      start = at(event);
      const wanted = event.ctrlKey || event.metaKey || event.altKey || view.lasso ? "lasso" : "pan";
      way = event.shiftKey ? "box" : wanted;
    }
  });

  stage.addEventListener("pointermove", (event) => {
    const here = at(event), before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") view.hover(...here, event.clientX, event.clientY);
      return;
    }
    if (!moved && Math.hypot(here[0] - start[0], here[1] - start[1]) < CLICK) return;
    const first = !moved;
    moved = true;
    view.point(-1, 0, 0);
    stage.classList.toggle("dragging", way === "pan");
    if (way === "pinch") pinch(view, [...pointers.values()], event.pointerId, here);
    else if (way === "pan") view.pan(here[0] - (first ? start : before)[0], here[1] - (first ? start : before)[1]);
    else {
      if (way === "box") view.drawn = boxBetween(view, start, here);
      else (view.drawn ??= [view.toMap(...start)]).push(view.toMap(...here));
      view.redraw(false);
    }
    pointers.set(event.pointerId, here);
  });

  const lift = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    stage.classList.remove("dragging");
    if (pointers.size) return;
    if (event.type === "pointercancel") view.drawn = null;
    else if (!moved) view.click(...at(event), event.pointerType === "touch" ? 16 : undefined);
    else if (view.drawn) view.select();
    view.redraw(false);
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  stage.addEventListener("pointerleave", () => { if (!view.byKey) view.leave(); });
  stage.addEventListener("contextmenu", (event) => { if (event.ctrlKey) event.preventDefault(); });

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const unit = event.deltaMode ? 0.04 : event.ctrlKey ? 0.01 : 0.0016;
    view.point(-1, 0, 0);
    view.zoom(Math.exp(-Math.max(Math.min(event.deltaY, 300), -300) * unit), ...at(event), false);
  }, { passive: false });

  stage.addEventListener("dblclick", (event) => {
    if (view.nameAt(...at(event)) < 0 && view.pick(...at(event)) < 0) view.zoom(2, ...at(event));
  });
  stage.addEventListener("keydown", (event) => press(view, event));
  document.addEventListener("keydown", seek); // the same function for each map: added once
  stage.addEventListener("blur", () => { view.byKey = false; view.point(-1, 0, 0); });
}

function boxBetween(view, [x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(([x, y]) => view.toMap(x, y));
}

// Two fingers: their distance zooms, their middle pans. `id` is the one that moved.
function pinch(view, fingers, id, here) {
  const before = fingers, after = [...view.pointers].map(([other, place]) => (other === id ? here : place));
  const [a, b] = [middleOf(before), middleOf(after)];
  view.pan(b.x - a.x, b.y - a.y);
  if (a.apart > 1) view.zoom(b.apart / a.apart, b.x, b.y, false);
}

function middleOf([[x0, y0], [x1, y1]]) {
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, apart: Math.hypot(x1 - x0, y1 - y0) };
}

// Arrows pan, plus and minus zoom, 0 shows all; the point nearest to the middle is pointed at, Enter
// opens it; Escape ends a lasso, then clears the selection; L starts a lasso.
function press(view, event) {
  if (event.target !== view.stage || event.ctrlKey || event.metaKey || event.altKey || !view.places) return;
  const ways = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const far = event.shiftKey ? 160 : 48;
  if (event.key in ways) view.pan(...ways[event.key].map((way) => way * far));
  else if (event.key === "+" || event.key === "=") view.zoom(1.4);
  else if (event.key === "-" || event.key === "_") view.zoom(1 / 1.4);
  else if (event.key === "0") view.fit(true);
  else if (event.key === "l" || event.key === "L") view.turn("lasso");
  else if (event.key === "Enter") view.open(view.at);
  else if (event.key === "Escape") escape(view);
  else return;
  event.preventDefault();
  if (["Enter", "Escape", "l", "L"].includes(event.key)) return;
  view.byKey = true;
  const box = view.stage.getBoundingClientRect();
  const reach = Math.min(view.width, view.height) / 4;
  view.point(view.pick(view.width / 2, view.height / 2, reach), box.left + box.width / 2, box.top + box.height / 2);
}

// "/" goes to the search box, from anywhere on a page with a map but a field or a dialog.
function seek(event) {
  const writing = event.composedPath()[0].matches?.("input, textarea, [contenteditable]");
  const box = document.querySelector(".st-key-_q input");
  if (event.key !== "/" || writing || !views.size || !box || document.querySelector("[role=dialog]")) return;
  event.preventDefault();
  box.focus();
}

function escape(view) {
  if (view.drawn || view.lasso) {
    view.drawn = null;
    if (view.lasso) view.turn("lasso");
    view.redraw(false);
  } else if (view.chosen) view.send("clear", true);
  view.point(-1, 0, 0);
}
