"""Ingest end to end, against the encoder alone on images that are already decoded."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from core.encoders.encoder import Encoder, load
from core.workbench import DEFAULT_ENCODER, Workbench
from tests.bench.rows import row

IMAGES, ROUNDS, BATCH = 256, 3, 32


def run() -> list[dict[str, Any]]:
    """Images per second of both, in turn: 400 x 300 JPEG files from a folder into the store."""
    encoder = load(DEFAULT_ENCODER)
    files = gradients(IMAGES)
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in files]
    _encode(encoder, images[:BATCH])
    alone, whole = [], []
    for _ in range(ROUNDS):
        started = perf_counter()
        _encode(encoder, images)
        alone.append(IMAGES / (perf_counter() - started))
        whole.append(IMAGES / _ingest(files))
    return [
        row(
            "ingest of images, end to end",
            IMAGES,
            encoder.d,
            round(median(whole), 1),
            "images/s",
            f"baseline: {DEFAULT_ENCODER} alone, batches of {BATCH} decoded images",
            baseline=round(median(alone), 1),
            ratio=median(b / a for a, b in zip(alone, whole, strict=True)),
        )
    ]


def gradients(n: int) -> list[bytes]:
    """Noisy gradients: as costly to decode as photographs."""
    rng, files = np.random.default_rng(0), []
    y, x = np.mgrid[:300, :400]
    for _ in range(n):
        phase = rng.uniform(0, 6, (3, 1, 1))
        waves = 127 + 80 * np.sin(np.stack([x, y, x + y]) / 40 + phase)
        pixels = np.clip(waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels.transpose(1, 2, 0)).save(out, "JPEG", quality=90)
        files.append(out.getvalue())
    return files


def _encode(encoder: Encoder, images: Sequence[Image.Image]) -> None:
    for start in range(0, len(images), BATCH):
        encoder.encode_images(images[start : start + BATCH])


def _ingest(files: Sequence[bytes]) -> float:
    """Seconds from the command to the last row on disk."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "images"
        folder.mkdir()
        for i, data in enumerate(files):
            (folder / f"{i:04}.jpg").write_bytes(data)
        started = perf_counter()
        Workbench(Path(place) / "home").ingest("bench", folder, encoder=DEFAULT_ENCODER)
        return perf_counter() - started
