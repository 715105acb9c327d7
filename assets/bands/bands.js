// How many candidates are in each band. A click moves to the first card of the band on this page.
function move(list, name) {
  const hosts = [...document.querySelectorAll(`.st-key-${list} *`)];
  const marks = hosts.map((host) => host.shadowRoot?.querySelector(`.numbers .${name}`));
  const card = marks.find(Boolean)?.closest(".card");
  card?.scrollIntoView({ block: "center", behavior: "smooth" });
  card?.querySelector(".open").focus({ preventScroll: true });
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
      band.addEventListener("click", () => move(data.list, name));
      return band;
    }),
  );
  if (!bar.parentNode) parentElement.append(bar);
}
