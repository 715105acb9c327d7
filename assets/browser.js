/* Runs before Streamlit's page.

Where the server is: in the folder that the page's scripts come from. Without this setting, which
Streamlit offers to hosts, its page asks below its own address first (/map/_stcore/health), which
logs two errors 404 on every deep link. */
window.__streamlit = { BACKEND_BASE_URL: new URL(".", location.href).href };

/* One entry of the history for each thing a person does. Streamlit adds one for each name that a run
writes to the address; Back would then lead to addresses that were never on screen. Keys typed in
one field within a second and a half of each other count once. */
{
  const push = history.pushState.bind(history);
  let acted = false, last = { field: null, at: 0 };
  addEventListener("pointerdown", () => { acted = true; }, true);
  addEventListener("keydown", (event) => {
    const field = event.composedPath()[0], typing = field.matches?.("input, textarea");
    acted ||= !typing || event.key === "Enter" || field !== last.field || event.timeStamp - last.at > 1500;
    last = { field, at: event.timeStamp };
  }, true);
  addEventListener("popstate", () => { acted = false; }, true);
  history.pushState = (data, title, address) => {
    if (acted) push(data, title, address);
    else history.replaceState(data, title, address);
    acted = false;
  };
}

/* Buttons beside a figure that save it, as Plotly's own toolbar does. */
addEventListener("click", (event) => {
  const { figure, format } = event.target.dataset ?? {};
  const box = figure && document.querySelector(`.st-key-${CSS.escape(figure)}`);
  if (!box) return;
  const plot = box.querySelector(".js-plotly-plot");
  if (!plot) return;
  plot._context.toImageButtonOptions.format = format;
  plot.querySelector('.modebar-btn[data-attr="toImage"], .modebar-btn').click();
});

/* Plotly needs a second to start. It does so before the first figure is opened, once the page is up
and nobody has touched it for three seconds. */
{
  let touched = 0;
  for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "touchstart"])
    addEventListener(kind, (event) => { touched = event.timeStamp; }, { capture: true, passive: true });
  const start = () => {
    if (performance.now() - touched < 3000) setTimeout(start, 1000);
    else for (const link of document.querySelectorAll('link[rel="prefetch"]')) import(link.href);
  };
  addEventListener("load", () => setTimeout(start, 4000));
}

/* Focus goes back to what opened a dialog once that is closed; it would be nowhere. */
{
  let last = null;
  const inDialog = (path) => path.some((node) => node.getAttribute?.("role") === "dialog");
  const back = (tries) => {
    if (!document.querySelector('[role="dialog"]')) {
      if (document.activeElement === document.body) last?.focus({ preventScroll: true });
    } else if (tries) setTimeout(back, 100, tries - 1);
  };
  addEventListener("focusin", (event) => {
    if (!inDialog(event.composedPath())) last = event.composedPath()[0];
  });
  for (const kind of ["keyup", "click"])
    addEventListener(kind, (event) => {
      if (event.key === "Escape" || inDialog(event.composedPath())) setTimeout(back, 100, 10);
    }, true);
}
