"""The one encoder for every OpenCLIP model, the bundled one included."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from core.encoders import backends, tokens
from core.encoders.backends import Runner
from core.encoders.towers import Model, Tower
from core.errors import BadParameter, NoTokens
from core.types import Floats, Passport, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_BATCH = 16
TEXT_BATCH = 64


class OpenClip:
    """Pictures and texts to unit rows of one OpenCLIP model.

    The two halves are loaded when they are first needed, each behind its own lock: a query in words
    waits neither for the picture half nor for pictures that are being encoded.
    """

    def __init__(self, model: Model, backend: str = "auto") -> None:
        if backend not in backends.BACKENDS:
            raise BadParameter("backend", backend, ", ".join(backends.BACKENDS))
        self._model = model
        self._asked = backend
        self._notes: dict[str, str] = {}
        self._locks = {half: RLock() for half in ("image", "text", "places", "pieces")}

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        return self._model.name

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return self._model.d

    @property
    def passport(self) -> Passport:
        """How its vectors come to be; `backend` is what was chosen, once something was encoded."""
        used = sorted({r.backend for r in (self._started("image"), self._started("text")) if r})
        return Passport(
            model=self._model.name,
            weights=self._model.weights,
            preprocessing=self._model.preprocessing,
            d=self._model.d,
            backend=" and ".join(used) or self._asked,
            version=self._model.version,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is not as asked for, such as a backend that had to be replaced."""
        return tuple(filter(None, self._notes.values()))

    def prepare(self, image: Image) -> Floats:
        """The model's own preprocessing of one picture: (3, h, w). Safe in decoding threads."""
        return self._model.prepare(image)

    def encode_prepared(self, pixels: Floats) -> Floats:
        """(n, d) unit rows of n prepared pictures."""
        rows = np.empty((len(pixels), self.d), np.float32)
        for start in range(0, len(pixels), IMAGE_BATCH):
            batch = np.ascontiguousarray(pixels[start : start + IMAGE_BATCH], np.float32)
            rows[start : start + len(batch)] = self._image(batch)
        return rows

    def encode_images(self, images: Sequence[Image]) -> Floats:
        """(n, d) unit rows of n pictures."""
        rows = np.empty((len(images), self.d), np.float32)
        for start in range(0, len(images), IMAGE_BATCH):
            batch = np.stack([self.prepare(i) for i in images[start : start + IMAGE_BATCH]])
            rows[start : start + len(batch)] = self.encode_prepared(batch)
        return rows

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """(n, d) unit rows of n texts; texts of like length go together, which saves padding."""
        rows = np.empty((len(texts), self.d), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), TEXT_BATCH):
            part = order[start : start + TEXT_BATCH]
            rows[part] = self._text(self._model.tokenize([texts[i] for i in part]))
        return rows

    def image_tokens(self, images: Sequence[Image]) -> list[Tokens]:
        """The places of each picture; see `Encoder`."""
        if self._model.places is None:
            raise NoTokens(self.name)
        run = self._start("places", self._model.places)
        return tokens.of_pictures(self._model, run, [self.prepare(image) for image in images])

    def text_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The words of each text; see `Encoder`."""
        if self._model.places is None:
            raise NoTokens(self.name)
        if self._model.pieces is None:
            return tokens.of_prompts(self.encode_texts, texts)
        return tokens.of_texts(self._model, self._start("pieces", self._model.pieces), texts)

    @cached_property
    def _image(self) -> Runner:
        return self._start("image", self._model.image)

    @cached_property
    def _text(self) -> Runner:
        return self._start("text", self._model.text)

    def _start(self, half: str, tower: Tower) -> Runner:
        """Make a half's runner, once, whichever thread comes first."""
        with self._locks[half]:
            runner = self._started(half)
            if runner is None:
                runner, self._notes[half] = backends.start(tower, self._asked)
                self.__dict__[f"_{half}"] = runner
            return runner

    def _started(self, half: str) -> Runner | None:
        runner: Runner | None = self.__dict__.get(f"_{half}")
        return runner
