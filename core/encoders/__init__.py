"""Encoders: pictures and texts to unit rows. Loaded by name, once per process."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import UnknownName
from core.types import Floats, Passport

if TYPE_CHECKING:
    from PIL.Image import Image


class Encoder(Protocol):
    """What makes vectors. Rows do not depend on their batch; calls may come from any thread."""

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        ...

    @property
    def d(self) -> int:
        """Number of dimensions."""
        ...

    @property
    def passport(self) -> Passport:
        """How its vectors come to be."""
        ...

    def prepare(self, image: Image) -> Floats:
        """The model's own preprocessing of one RGB picture; safe in decoding threads."""
        ...

    def encode_prepared(self, pixels: Floats) -> Floats:
        """(n, d) unit rows of n prepared pictures."""
        ...

    def encode_images(self, images: Sequence[Image]) -> Floats:
        """(n, d) unit rows of n RGB pictures."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """(n, d) unit rows of n texts."""
        ...


_LOADED: dict[tuple[str, str], Any] = {}
_LOCK = RLock()


def load(name: str, backend: str = "auto") -> Encoder:
    """The encoder of that name, loaded once and shared.

    Raises:
        UnknownName: nothing has that name.
    """
    with _LOCK:
        if (name, backend) not in _LOADED:
            _LOADED[name, backend] = _make(name, backend)
        encoder: Encoder = _LOADED[name, backend]
        return encoder


def _make(name: str, backend: str) -> Encoder:
    if name == "toy":
        from core.encoders.toy import Toy

        return Toy()
    raise UnknownName("encoder", name, ["starter", "toy"])
