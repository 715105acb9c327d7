// Notes when the map was clicked, drawn and selected on; for tests/bench/map_page.py.
(stage) => {
  const panel = () => document.querySelector(".st-key-map_selection")?.innerText;
  for (const kind of ["click", "pointerup"]) {
    addEventListener(kind, () => { clicked_ = Date.now(); drawn_ = []; }, true);
  }
  select_ = () => {
    drawings.disconnect();
    const before = panel(); selected_ = 0;
    const step = () => {
      const now = panel(), gallery = document.querySelector("[class*=_map_gallery]");
      if (now && now !== before && gallery) selected_ = Date.now();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  clicked_ = Date.now();
  drawn_ = [];
  const gl = stage.querySelector("canvas").getContext("webgl2");
  const drawings = new MutationObserver(() => { // in the task that has drawn: the pixels are still there
    const { width, height } = gl.canvas, pixels = new Uint8Array(4 * width * height);
    const one = { pixels };
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    drawn_.push(one);
    requestAnimationFrame(() => requestAnimationFrame(() => { one.at = Date.now() - clicked_; }));
  });
  drawings.observe(stage, { attributes: true, attributeFilter: ["data-drawn"] });
  hues_ = () => drawn_.map(({ pixels, at }) => { // mean differences from gray
    const sum = [0, 0, 0];
    for (let i = 0; i < pixels.length; i += 4) {
      const gray = (pixels[i] + pixels[i + 1] + pixels[i + 2]) / 3;
      for (let c = 0; c < 3; c++) sum[c] += pixels[i + c] - gray;
    }
    return [at, ...sum];
  });
}
