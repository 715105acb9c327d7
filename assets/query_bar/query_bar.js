// The camera inside the query box. An image chosen with it, or pasted or dropped anywhere, becomes a
// query; "/" moves to the box. Neither applies to text typed or pasted into a field.
const MAX_MB = 50;
const CAMERA =
  "M4 8h3l1.6-2.5h6.8L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1ZM12 16.5a3.4 3.4 0 1 0 0-6.8 3.4 3.4 0 0 0 0 6.8Z";

function encode(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function writing(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

function button(label) {
  const element = document.createElement("button");
  element.type = "button";
  element.title = label;
  element.setAttribute("aria-label", label);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", CAMERA);
  svg.append(path);
  element.append(svg);
  return element;
}

function draw(parent) {
  const tools = document.createElement("div");
  tools.className = "tools";
  tools.file = document.createElement("input");
  tools.file.type = "file";
  tools.file.hidden = true;
  const camera = button("Search by an image");
  camera.addEventListener("click", () => tools.file.click());
  tools.append(camera, tools.file);
  parent.append(tools);
  return tools;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const tools = parentElement.querySelector(".tools") ?? draw(parentElement);
  const take = async (file) => {
    const { name, size } = file;
    if (size > MAX_MB * 1e6) {
      const allowed = `${Math.ceil(size / 1e6)} MB; at most ${MAX_MB} MB are allowed.`;
      return setTriggerValue("rejected", `${name} has ${allowed}`);
    }
    try {
      setTriggerValue("image", { name, data: await encode(file) });
    } catch {
      setTriggerValue("rejected", `${name} cannot be read by the browser.`); // such as a folder
    }
  };
  tools.file.accept = data.types.join(",");
  tools.file.onchange = () => {
    if (tools.file.files.length) take(tools.file.files[0]);
    tools.file.value = "";
  };
  const paste = (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    take(file);
  };
  const dragged = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const zone = (event) => event.target.closest?.("[data-testid=stFileUploaderDropzone]");
  const mark = (on) => document.body.classList.toggle("sextant-drop", on);
  const over = (event) => {
    if (!dragged(event) || zone(event)) return;
    event.preventDefault();
    mark(true);
  };
  const leave = (event) => event.relatedTarget || mark(false);
  const drop = (event) => {
    mark(false);
    const file = event.dataTransfer?.files?.[0];
    if (!file || zone(event)) return;
    event.preventDefault();
    take(file);
  };
  const press = (event) => {
    if (event.key !== "/" || writing(event.target) || document.querySelector("[role=dialog]")) return;
    event.preventDefault();
    document.querySelector(`.st-key-${data.box} input`)?.focus();
  };
  const listeners = { paste, dragover: over, dragleave: leave, drop, keydown: press };
  Object.entries(listeners).forEach(([name, run]) => document.addEventListener(name, run));
  return () => Object.entries(listeners).forEach(([name, run]) => document.removeEventListener(name, run));
}
