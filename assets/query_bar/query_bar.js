// Two shortcuts of the query bar: an image pasted anywhere becomes a query, and "/" moves to the
// query box. Neither applies to text typed or pasted into a field.
const MAX_BYTES = 15_000_000;

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

export default function ({ data, setTriggerValue }) {
  const paste = async (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const file = files.find((f) => f.type.startsWith("image/") && f.size <= MAX_BYTES);
    if (!file) return;
    event.preventDefault();
    setTriggerValue("pasted", await encode(file));
  };
  const press = (event) => {
    if (event.key !== "/" || writing(event.target) || document.querySelector("[role=dialog]")) return;
    event.preventDefault();
    document.querySelector(`.st-key-${data.box} input`)?.focus();
  };
  document.addEventListener("paste", paste);
  document.addEventListener("keydown", press);
  return () => {
    document.removeEventListener("paste", paste);
    document.removeEventListener("keydown", press);
  };
}
