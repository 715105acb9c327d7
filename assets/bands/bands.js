// How many candidates are in each band. A click moves to the first card of the band on this page.
function move(name) {
  const lists = [...document.querySelectorAll("[data-testid=stBidiComponentRegular], [class*=st-key-_results_]")];
  for (const host of lists) {
    const roots = [host, ...host.querySelectorAll("*")].map((n) => n.shadowRoot).filter(Boolean);
    for (const root of [host, ...roots]) {
      const mark = root.querySelector?.(`.numbers .${name}`);
      if (mark) {
        mark.closest(".card").scrollIntoView({ block: "center", behavior: "smooth" });
        mark.closest(".card").querySelector(".open").focus({ preventScroll: true });
        return;
      }
    }
  }
}

export default function ({ data, parentElement }) {
  const bar = parentElement.querySelector(".bands") ?? document.createElement("div");
  bar.className = "bands";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Candidates by band");
  bar.replaceChildren(
    ...data.bands.map(({ name, count, text }) => {
      const band = document.createElement("button");
      band.type = "button";
      band.className = `band ${name}`;
      band.style.flexGrow = Math.max(1, Math.sqrt(count));
      band.disabled = !count;
      const title = document.createElement("span");
      title.className = "name";
      title.textContent = name;
      const number = document.createElement("b");
      number.textContent = text;
      band.append(title, number);
      band.addEventListener("click", () => move(name));
      return band;
    }),
  );
  if (!bar.parentNode) parentElement.append(bar);
}
