// What is drawn over the points: contours, lines, paths, names, thumbnails, marks, the lasso.
const MOST_THUMBNAILS = 36, MOST_IN_VIEW = 120;

function drawOverlay(to, view, ratio = view.ratio) {
  const { width, height, places, camera, theme } = view;
  to.setTransform(ratio, 0, 0, ratio, 0, 0);
  to.clearRect(0, 0, width, height);
  if (!places) return;
  const inMap = (style, thick, path) => {
    to.save();
    to.translate(width / 2 - camera.x * camera.scale, height / 2 + camera.y * camera.scale);
    to.scale(camera.scale, -camera.scale);
    Object.assign(to, { strokeStyle: style, lineWidth: thick / camera.scale, lineJoin: "round" });
    to.stroke(path);
    to.restore();
  };
  if (view.density) {
    to.globalAlpha = 0.5;
    inMap(theme.text, 1, places.contours);
  }
  if (view.lines && (!view.moving || view.lines.few)) {
    to.globalAlpha = view.lines.alpha;
    inMap(theme.gray, 1, view.lines.path);
  }
  to.globalAlpha = 1;
  if (view.route) {
    inMap(theme.background, 5, view.route);
    inMap(theme.primary, 2.5, view.route);
  }
  for (const i of view.data.lit) ring(to, view.screen(i), 6, theme);
  drawThumbnails(to, view);
  const taken = view.data.marks.map(([x, y, label]) => mark(to, view.onScreen(x, y), label, theme));
  if (view.named) drawNames(to, view, taken);
  if (view.at >= 0) ring(to, view.screen(view.at), view.look.size / 2 + 4, theme);
  drawLasso(to, view);
}

function ring(to, [x, y], radius, theme) {
  for (const [style, thick] of [[theme.background, 4], [theme.text, 2]]) {
    Object.assign(to, { strokeStyle: style, lineWidth: thick });
    to.beginPath();
    to.arc(x, y, radius, 0, 2 * Math.PI);
    to.stroke();
  }
}

// A query: a diamond with its text beside it. Returns the box of the text.
function mark(to, [x, y], label, theme) {
  const r = 8;
  to.beginPath();
  for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) to.lineTo(x + dx, y + dy);
  to.closePath();
  Object.assign(to, { fillStyle: theme.primary, strokeStyle: theme.background, lineWidth: 2 });
  to.fill();
  to.stroke();
  return words(to, label, x + 12, y, theme, { align: "left", weight: 600 });
}

// Text that is readable on points, by an edge in the background's color. Returns its box.
function words(to, text, x, y, theme, { align = "center", weight = 600, size = 13, color = theme.text } = {}) {
  to.font = `${weight} ${size}px ${theme.font}`;
  Object.assign(to, { textAlign: align, textBaseline: "middle", lineJoin: "round" });
  Object.assign(to, { strokeStyle: theme.background, fillStyle: color, lineWidth: 4 });
  to.strokeText(text, x, y);
  to.fillText(text, x, y);
  return boxOf(to, text, x, y, align, size);
}

function boxOf(to, text, x, y, align, size) {
  const wide = to.measureText(text).width, left = align === "left" ? x : x - wide / 2;
  return [left - 4, y - size * 0.75, left + wide + 4, y + size * 0.75];
}

const apart = (a, b) => a[2] < b[0] || b[2] < a[0] || a[3] < b[1] || b[3] < a[1];

// Names of clusters, the weightiest first, each where no other one is.
function drawNames(to, view, taken) {
  const { width, height, theme } = view, size = width < 600 ? 12 : 13;
  const names = view.data.names.map((name, at) => [...name, at]).sort((a, b) => b[3] - a[3]);
  const { offsetLeft: left, offsetTop: top, offsetWidth: wide, offsetHeight: high } = view.tools;
  taken.push([left, top, left + wide, top + high]);
  view.nameBoxes = [];
  for (const [mx, my, text, , at] of names) {
    const [x, y] = view.onScreen(mx, my);
    if (x < 0 || y < 0 || x > width || y > height) continue;
    to.font = `600 ${size}px ${theme.font}`;
    const half = to.measureText(text).width / 2 + 6;
    const across = Math.min(Math.max(x, half), width - half);
    for (const shift of [0, -18, 18]) {
      const box = boxOf(to, text, across, y + shift, "center", size);
      if (!taken.every((other) => apart(box, other))) continue;
      const color = at === view.pointed ? theme.primary : theme.text;
      taken.push(words(to, text, across, y + shift, theme, { size, color }));
      view.nameBoxes.push({ box, at });
      break;
    }
  }
}

// Images that stand for their dots: of those in view as many as do not overlap.
function chooseThumbnails(view) {
  const { places, data, camera, width, height } = view;
  if (!places || !view.fits(MOST_IN_VIEW)) return [];
  const inView = [];
  const [w, h] = [width / 2 / camera.scale, height / 2 / camera.scale];
  places.within(camera.x - w, camera.y - h, camera.x + w, camera.y + h, (i) => {
    if (i < data.images && view.isShown(i)) inView.push(i);
  });
  if (inView.length > MOST_IN_VIEW) return [];
  const side = width < 600 ? 44 : 60, chosen = [];
  for (const i of inView.sort((a, b) => a - b)) {
    const [x, y] = view.screen(i);
    const free = chosen.every((t) => Math.abs(t.x - x) > side + 4 || Math.abs(t.y - y) > side + 4);
    if (free && chosen.length < MOST_THUMBNAILS) chosen.push({ i, x, y });
  }
  return chosen.map(({ i }) => ({ i, side }));
}

function drawThumbnails(to, view) {
  for (const { i, side } of view.thumbnails) {
    const image = view.images.get(i);
    if (!image?.naturalWidth) continue;
    const [x, y] = view.screen(i), part = Math.min(image.naturalWidth, image.naturalHeight);
    const [left, top] = [x - side / 2, y - side / 2];
    to.save();
    to.globalAlpha = view.chosen && !view.chosen[i] ? 0.25 : 1;
    to.beginPath();
    to.roundRect(left, top, side, side, 6);
    to.clip();
    const [sx, sy] = [(image.naturalWidth - part) / 2, (image.naturalHeight - part) / 2];
    to.drawImage(image, sx, sy, part, part, left, top, side, side);
    to.restore();
    Object.assign(to, { strokeStyle: view.colorOf(i), lineWidth: i === view.at ? 4 : 2.5 });
    to.beginPath();
    to.roundRect(left, top, side, side, 6);
    to.stroke();
  }
}

function drawLasso(to, view) {
  const outline = view.drawn ?? view.sent;
  if (!outline || outline.length < 2) return;
  to.beginPath();
  for (const [x, y] of outline) to.lineTo(...view.onScreen(x, y));
  to.closePath();
  Object.assign(to, { fillStyle: view.theme.primary, strokeStyle: view.theme.primary, lineWidth: 1.5 });
  to.globalAlpha = 0.12;
  to.fill();
  to.globalAlpha = 1;
  to.stroke();
}

// The map as it is on screen, twice as fine, with its legend, as a PNG file.
function savePng(view) {
  const ratio = Math.max(view.ratio, 2), { width, height, theme, data } = view;
  view.paint(ratio);
  const legend = view.groups().filter(({ code }) => !view.hidden.has(code));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * ratio, (height + 34) * ratio];
  const to = canvas.getContext("2d");
  to.fillStyle = theme.background;
  to.fillRect(0, 0, canvas.width, canvas.height);
  to.drawImage(view.painter.canvas, 0, 0);
  to.drawImage(view.over, 0, 0);
  to.setTransform(ratio, 0, 0, ratio, 0, height * ratio);
  let x = 12;
  if (data.scale) {
    data.scale.colors.forEach((color, k) => {
      to.fillStyle = color;
      to.fillRect(x + 14 * k, 12, 14, 10);
    });
    x += 14 * data.scale.colors.length + 10;
    const { title, low, high } = data.scale;
    x = words(to, `${title}: ${low} to ${high}`, x, 17, theme, { align: "left", weight: 400 })[2] + 12;
  }
  for (const { name, color } of legend) {
    to.fillStyle = color;
    to.fillRect(x, 12, 10, 10);
    x = words(to, name, x + 16, 17, theme, { align: "left", weight: 400 })[2] + 12;
  }
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "map.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  view.paint(view.ratio);
}
