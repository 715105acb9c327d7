// One dot for each finding, by family; hover shows its sentence, a click opens its family's page.
// All text is set as textContent or as an attribute.
function node(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

export default function ({ data, parentElement, setTriggerValue }) {
  parentElement.querySelector(".families")?.remove();
  const list = node("div", "families");
  for (const family of data.families) {
    const group = node("div", "family");
    const name = node("button", "name", family.name);
    name.type = "button";
    name.addEventListener("click", () => setTriggerValue("opened", family.name));
    const dots = node("span", "dots");
    for (const finding of family.findings) {
      const dot = node("button", `dot ${finding.verdict}`);
      dot.type = "button";
      dot.title = finding.sentence;
      dot.setAttribute("aria-label", finding.label);
      dot.addEventListener("click", () => setTriggerValue("opened", family.name));
      dots.append(dot);
    }
    group.append(name, dots);
    list.append(group);
  }
  parentElement.append(list);
}
