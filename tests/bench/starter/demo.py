"""Compute the starter's vectors of the demo's first part, which come with Sextant.

    python -m tests.bench.starter.demo

writes `assets/demo/first.safetensors`; run it whenever the heads have changed.
"""

from __future__ import annotations

import tempfile

import numpy as np
from safetensors.numpy import save_file

from core.ingest import demo
from core.workbench import Workbench


def main() -> None:
    """Ingest the first part into an empty home, and write the vectors that were stored."""
    with tempfile.TemporaryDirectory() as home:
        bench = Workbench(home)
        bench.ingest("demo", demo.draw_demo(bench.folder / "drawings"), encoder="starter")
        opened = bench.open("demo")
        bench.finish_encoders()
    ids = np.array([list(bytes.fromhex(id_)) for id_ in opened.space.ids], np.uint8)
    tensors = {"ids": ids, "rows": opened.space.vectors.astype(np.float16)}
    save_file(tensors, demo.ROWS, {"identity": opened.passport.identity})
    demo.ROWS.chmod(0o644)


if __name__ == "__main__":
    main()
