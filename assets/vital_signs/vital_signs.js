// Vital signs: verdict, name and value; interval and reference on a scale; one sentence.
// All text is set as textContent.
function node(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

function share(value, sign) {
  const both = sign.ends ?? [sign];
  const all = both.flatMap((s) => [s.low, s.high, s.value, s.reference]).filter(Number.isFinite);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const width = high - low || Math.abs(high) || 1;
  return `${(100 * (value - low + 0.12 * width)) / (1.24 * width)}%`;
}

function interval(sign) {
  return `95 % interval: ${sign.interval_text}${sign.over ? `, over ${sign.over}` : ""}`;
}

function scale(sign) {
  const line = node("div", "scale");
  line.setAttribute("aria-hidden", "true");
  if (Number.isFinite(sign.reference)) {
    const mark = node("span", "reference");
    mark.style.left = share(sign.reference, sign);
    mark.title = `${sign.reference_name}: ${sign.reference_text}`;
    line.append(mark);
  }
  if (Number.isFinite(sign.low) && Number.isFinite(sign.high)) {
    const band = node("span", "band");
    band.style.left = share(sign.low, sign);
    band.style.right = `calc(100% - ${share(sign.high, sign)})`;
    line.append(band);
  }
  const value = node("span", "mark");
  value.style.left = share(sign.value, sign);
  line.append(value);
  return line;
}

// The same measurement of two spaces: one line each on a common scale, and whether they differ.
function pair(sign) {
  const box = node("div", "sign pair");
  const head = node("div", "head");
  head.append(node("span", "title", sign.title), node("span", "scope", sign.scope));
  head.append(node("span", sign.differs ? "value differs" : "value same", sign.differs ? "differs" : "overlap"));
  box.append(head);
  const ends = [sign, sign.other];
  ends.forEach((side, i) => {
    const row = node("div", `side ${side.verdict}`);
    const value = node("span", "value", side.value_text);
    value.title = interval(side);
    row.append(node("span", "dot"), node("span", "scope", "AB"[i]), scale({ ...side, ends }), value);
    row.title = side.sentence;
    box.append(row);
  });
  const texts = ends.map((s, i) => `${"AB"[i]} ${s.value_text} (${s.interval_text})`);
  box.append(node("div", "sentence", `${texts.join(", ")}. ${sign.contrast}`));
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${sign.title}, ${sign.scope}`);
  return box;
}

function build(sign) {
  const box = node("div", `sign ${sign.verdict}`);
  const head = node("div", "head");
  head.append(node("span", "dot"), node("span", "title", sign.title), node("span", "scope", sign.scope));
  const value = node("span", "value", sign.value_text);
  head.append(value);
  const aside = [sign.verdict_text, sign.interval_text].filter(Boolean).join(", ");
  value.title = interval(sign);
  box.setAttribute("aria-label", `${sign.title}, ${sign.scope}: ${sign.value_text} (${aside})`);
  box.setAttribute("role", "group");
  box.append(head, scale(sign), node("div", "sentence", sign.sentence));
  return box;
}

export default function ({ data, parentElement }) {
  let list = parentElement.querySelector(".signs");
  list?.remove();
  list = node("div", `signs ${data.look}`);
  list.append(...data.signs.map((sign) => (sign.other ? pair(sign) : build(sign))));
  parentElement.append(list);
}
