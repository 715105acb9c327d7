"""Frames that the browser presents, with their times, and how much of one has a color."""

from __future__ import annotations

import io
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

PATIENCE = 120  # seconds after which nothing will be shown any more
Frame: TypeAlias = dict[str, Any]
Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom: shares of a frame


@contextmanager
def presented(page: Any) -> Iterator[list[Frame]]:
    """The frames that the browser presents meanwhile."""
    session, frames = page.context.new_cdp_session(page), list[Frame]()

    def keep(frame: Frame) -> None:
        frames.append(frame)
        session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "jpeg", "everyNthFrame": 1})
    yield frames
    session.send("Page.stopScreencast")
    session.detach()


def shown(page: Any, frames: list[Frame], wanted: Callable[[Frame], bool]) -> float | None:
    """When the first frame that is as wanted was presented: seconds since 1970.

    None if none is within the patience.
    """
    until, seen = perf_counter() + PATIENCE, 0
    while perf_counter() < until:
        page.wait_for_timeout(50)
        for frame in frames[seen:]:
            seen += 1
            if wanted(frame):
                return float(frame["metadata"]["timestamp"])
    return None


def share(frame: Frame, color: tuple[int, int, int], box: Box) -> float:
    """How much of a part of a frame has about the hue of a color."""
    from PIL import Image

    image = Image.open(io.BytesIO(b64decode(frame["data"]))).convert("RGB")
    left, top, right, bottom = box
    (width, height), length = image.size, np.linalg.norm
    inner = image.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )
    pixels, hue = np.asarray(inner).astype(float), np.array(color) - np.mean(color)
    around = pixels - pixels.mean(axis=2, keepdims=True)
    strong = length(around, axis=2) > 25
    alike = around @ hue > 0.8 * length(around, axis=2) * length(hue)
    return float((strong & alike).mean())
