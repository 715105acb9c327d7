"""Images and texts per second of the starter, against torch eager float32 in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from core.encoders.encoder import Encoder, load
from core.encoders.steps import finish
from core.types.arrays import Floats
from core.workbench import DEFAULT_ENCODER
from tests.bench.rows import row

IMAGES, TEXTS, ROUNDS = 32, 256, 3
START = (
    "from core import encoders; e = encoders.load({name!r}); e.encode_texts(['a dog']); "
    "import sys; sys.exit(1 if 'torch' in sys.modules else 0)"
)


def run(name: str = DEFAULT_ENCODER) -> list[dict[str, Any]]:
    """Rows for images, texts and the time from process start to the first text.

    Both sides run in turn and the ratios are medians of the pairs, because the load of a shared
    machine changes from second to second.
    """
    ours, baseline = load(name), load(name, "torch")
    pixels = _pixels(ours)
    _encode(ours, pixels[:1]), _encode(ours, ["a dog"])
    finish()
    texts = [f"a photo of {i} dogs on a beach near a {'red ' * (i % 7)}boat" for i in range(TEXTS)]
    rows = [
        _compare("images", IMAGES, ours, baseline, pixels),
        _compare("texts", TEXTS, ours, baseline, texts),
    ]
    return [*rows, _first_text(name, ours)]


def _compare(
    what: str, n: int, ours: Encoder, baseline: Encoder, batch: Floats | list[str]
) -> dict[str, Any]:
    own, other = [], []
    cosine = np.einsum("ij,ij->i", _encode(ours, batch), _encode(baseline, batch)).min()
    for _ in range(ROUNDS):
        own.append(_seconds(ours, batch))
        other.append(_seconds(baseline, batch))
    return row(
        f"encode {what} ({ours.name})",
        n,
        ours.d,
        round(n / median(own), 1),
        f"{what}/s",
        f"{ours.passport.backend} against torch float32; smallest cosine {cosine:.7f}",
        baseline=round(n / median(other), 1),
        ratio=median(b / a for a, b in zip(own, other, strict=True)),
    )


def _first_text(name: str, encoder: Encoder) -> dict[str, Any]:
    """Seconds of a new process, as a search on the command line starts one."""
    command = [sys.executable, "-c", START.format(name=name)]
    started = perf_counter()
    code = subprocess.run(command, check=False, env=dict(os.environ)).returncode
    seconds = round(perf_counter() - started, 2)
    note = "without torch" if code == 0 else "torch was loaded"
    return row(f"process start to first text ({name})", 1, encoder.d, seconds, "s", note)


def _pixels(encoder: Encoder) -> Floats:
    """Prepared noise: the content of an image does not change the work."""
    from PIL import Image

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (IMAGES, 64, 64, 3), np.uint8)
    return np.stack([encoder.prepare(Image.fromarray(image)) for image in noise])


def _encode(encoder: Encoder, batch: Floats | list[str]) -> Floats:
    return (
        encoder.encode_texts(batch) if isinstance(batch, list) else encoder.encode_prepared(batch)
    )


def _seconds(encoder: Encoder, batch: Floats | list[str]) -> float:
    started = perf_counter()
    _encode(encoder, batch)
    return perf_counter() - started
