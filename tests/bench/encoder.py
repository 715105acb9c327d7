"""The starter's pictures and texts a second, against torch eager float32 in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from core.encoders.encoder import Encoder, load
from core.types.arrays import Floats
from core.workbench.ingest import DEFAULT_ENCODER

PICTURES, TEXTS, ROUNDS = 32, 256, 3
START = (
    "from core import encoders; e = encoders.load({name!r}); e.encode_texts(['a dog']); "
    "import sys; sys.exit(1 if 'torch' in sys.modules else 0)"
)


def run(name: str = DEFAULT_ENCODER) -> list[dict[str, Any]]:
    """Rows for pictures, texts and the time from process start to the first text.

    Both sides run in turn and the ratios are medians of the pairs, because what else the machine
    does changes from second to second.
    """
    ours, plain = load(name), load(name, "torch")
    pixels = _pixels(ours)
    texts = [f"a photo of {i} dogs on a beach near a {'red ' * (i % 7)}boat" for i in range(TEXTS)]
    rows = [
        _compare("pictures", PICTURES, ours, plain, pixels),
        _compare("texts", TEXTS, ours, plain, texts),
    ]
    return [*rows, _first_text(name, ours)]


def _compare(
    what: str, n: int, ours: Encoder, plain: Encoder, batch: Floats | list[str]
) -> dict[str, Any]:
    quick, slow = [], []
    same = np.einsum("ij,ij->i", _encode(ours, batch), _encode(plain, batch)).min()
    for _ in range(ROUNDS):
        quick.append(_seconds(ours, batch))
        slow.append(_seconds(plain, batch))
    return {
        "name": f"encode {what} ({ours.name})",
        "n": n,
        "d": ours.d,
        "value": round(n / median(quick), 1),
        "unit": f"{what}/s",
        "baseline": round(n / median(slow), 1),
        "ratio": round(median(s / q for s, q in zip(slow, quick, strict=True)), 2),
        "recall": None,
        "note": f"{ours.passport.backend} against torch float32; smallest cosine {same:.7f}",
    }


def _first_text(name: str, encoder: Encoder) -> dict[str, Any]:
    """A new process, as a search on the command line starts one."""
    command = [sys.executable, "-c", START.format(name=name)]
    started = perf_counter()
    code = subprocess.run(command, check=False, env=dict(os.environ)).returncode
    return {
        "name": f"process start to first text ({name})",
        "n": 1,
        "d": encoder.d,
        "value": round(perf_counter() - started, 2),
        "unit": "s",
        "baseline": None,
        "ratio": None,
        "recall": None,
        "note": "without torch" if code == 0 else "torch was loaded",
    }


def _pixels(encoder: Encoder) -> Floats:
    """Prepared noise: what a picture shows does not change the work."""
    from PIL import Image

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (PICTURES, 64, 64, 3), np.uint8)
    return np.stack([encoder.prepare(Image.fromarray(picture)) for picture in noise])


def _encode(encoder: Encoder, batch: Floats | list[str]) -> Floats:
    return (
        encoder.encode_texts(batch) if isinstance(batch, list) else encoder.encode_prepared(batch)
    )


def _seconds(encoder: Encoder, batch: Floats | list[str]) -> float:
    started = perf_counter()
    _encode(encoder, batch)
    return perf_counter() - started
