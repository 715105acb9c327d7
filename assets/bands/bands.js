// How many candidates are in each band, and which are on this page. A click moves to the first card of the band on this page.
function move(list, name) {
  const hosts = [...document.querySelectorAll(`.st-key-${list} *`)];
  const marks = hosts.map((host) => host.shadowRoot?.querySelector(`.numbers .${name}`));
  const card = marks.find(Boolean)?.closest(".card");
  card?.scrollIntoView({ block: "center", behavior: "smooth" });
  card?.querySelector(".open").focus({ preventScroll: true });
}

export default function ({ data, parentElement }) {
  const row = parentElement.querySelector(".row") ?? document.createElement("div");
  const bar = row.querySelector(".bands") ?? document.createElement("div");
  const shown = row.querySelector(".shown") ?? document.createElement("div");
  row.className = "row";
  shown.className = "shown";
  shown.textContent = data.shown;
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
      band.addEventListener("click", () => move(data.list, name));
      return band;
    }),
  );
  if (!row.parentNode) {
    row.append(bar, shown);
    parentElement.append(row);
  }
}
