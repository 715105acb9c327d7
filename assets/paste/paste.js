// A picture pasted anywhere on the page becomes a query. Text pasted into a field stays text.
const MOST = 15_000_000;

function encode(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

export default function ({ setTriggerValue }) {
  const paste = async (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const file = files.find((f) => f.type.startsWith("image/") && f.size <= MOST);
    if (!file) return;
    event.preventDefault();
    setTriggerValue("pasted", await encode(file));
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
