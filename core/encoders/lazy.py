"""Imports of OpenCLIP and OpenVINO on first use, without their log output.

Every other module imports torch after `open_clip` here.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, cast

from core.errors import MissingPart

_REPAIR = "pip install --force-reinstall torch torchvision --index-url {}"
_CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


@cache
def open_clip() -> ModuleType:
    """The OpenCLIP package, with any build of torchvision.

    Raises:
        MissingPart: torch, torchvision or OpenCLIP is absent or does not load.
    """
    _quiet()
    try:
        _declare_torchvision_operators()
        return importlib.import_module("open_clip")
    except (ImportError, RuntimeError) as error:
        raise MissingPart(
            f"OpenCLIP does not load here ({first_line(error)}). "
            f"Reinstall it with: {_REPAIR.format(_CPU_WHEELS)}"
        ) from error


@cache
def openvino() -> ModuleType | None:
    """The OpenVINO package, or None where it has no wheel; without its usage reports."""
    # OpenVINO falls back to a stub that sends nothing when this package cannot be imported.
    cast("dict[str, ModuleType | None]", sys.modules).setdefault("openvino_telemetry", None)
    try:
        return importlib.import_module("openvino")
    except ImportError:
        return None


def conversion_errors() -> tuple[type[Exception], ...]:
    """What torch and OpenVINO raise over a module that cannot be converted."""
    frontend: Any = importlib.import_module("openvino.frontend")
    own = ("GeneralFailure", "NotImplementedFailure", "OpConversionFailure", "OpValidationFailure")
    # SystemError: a warning that another thread has made an error, in the middle of a trace.
    return (
        RuntimeError,
        SystemError,
        TypeError,
        ValueError,
        *(getattr(frontend, name) for name in own),
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress OpenCLIP's log messages and warnings while it loads."""
    before = logging.root.manager.disable
    # With no handler on the root logger, its first message would install one that prints for good.
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        logging.root.removeHandler(handler)


def first_line(error: BaseException) -> str:
    """The first line of another library's error, for use in a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _declare_torchvision_operators() -> None:
    """Let `import torchvision` succeed when its compiled operators cannot be loaded.

    A torchvision built for another torch (such as a CUDA build with a CPU torch) loads none of its
    operators and then fails to register shapes for two of them. Only its image transforms are used
    here, which need no operator, so declaring the two names is enough.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch_library: Any = importlib.import_module("torch.library")
        library = torch_library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(name + schema)
        _KEEP.append(library)
        importlib.import_module("torchvision")


_KEEP: list[object] = []
"""A library's declarations are removed with the object that made them."""


def _quiet() -> None:
    """Suppress the model libraries' own messages."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
