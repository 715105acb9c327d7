"""An OpenCLIP checkpoint as a `Model`: loading by name, tokenizers, and longer positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from hashlib import sha256
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError

from core.encoders import hub, lazy, long_texts
from core.encoders.configuration import configuration
from core.encoders.steps import step
from core.encoders.towers import Longer, Model, Tower
from core.errors import InputError, MissingPart, UnknownName
from core.types import Floats, Ints, digest

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn


EXAMPLES = ("dog", "a photo of a red bus", "two children run along the beach after a ball")
VIEWS = {"shortest": "center", "longest": "padded"}
LOAD_ERRORS = (
    *(RuntimeError, OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError),
    *(SafetensorError, UnpicklingError),
)
"""What OpenCLIP raises over a bad folder, bad weights or an absent hub."""


def model(name: str) -> Model:
    """A checkpoint with its weights loaded.

    Args:
        name: `MODEL/PRETRAINED` as OpenCLIP lists them, `hf-hub:OWNER/MODEL`, `local-dir:FOLDER`,
            or the path of a folder.

    Raises:
        UnknownName: OpenCLIP has no such model.
        InputError: the folder holds no OpenCLIP model.
        MissingPart: the weights are not on this machine and cannot be downloaded.
    """
    with step(name, "loading PyTorch and OpenCLIP"):
        package = lazy.open_clip()
    source, pretrained = _parse(name, package)
    quick_gelu = _quick_gelu(package, source, pretrained)
    try:
        with step(name, "reading the weights"), lazy.quietly(), _network(source):
            module = package.create_model(
                source, pretrained, require_pretrained=True, force_quick_gelu=quick_gelu
            )
            tokenizer = package.get_tokenizer(source)
            settings = package.get_model_config(source)
    except LOAD_ERRORS as error:
        raise _load_error(name, source, error) from error
    if quick_gelu:
        settings["quick_gelu"] = True
    with step(name, "identifying the weights"):
        return _describe(name, settings, package, module.eval().requires_grad_(False), tokenizer)


def _parse(name: str, package: Any) -> tuple[str, str | None]:
    """OpenCLIP's two arguments for a name; names that OpenCLIP does not know are errors here."""
    if name.startswith("hf-hub:") and name.count("/") == 1:
        return name, None
    if folder := hub.folder_of(name):
        if not (folder / "open_clip_config.json").is_file():
            raise InputError(f"{folder} holds no OpenCLIP model: it has no open_clip_config.json.")
        return f"local-dir:{folder}", None
    known = [f"{model}/{pretrained}" for model, pretrained in package.list_pretrained()]
    if name not in known:
        near = get_close_matches(name, [*known, *hub.BUILT_IN])
        raise UnknownName("encoder", name, near or [s.name for s in hub.SUGGESTIONS])
    architecture, _, pretrained = name.partition("/")
    return architecture, pretrained


def _network(source: str) -> AbstractContextManager[None]:
    """Use the hub when it is reachable, and only its local cache when it is not."""
    remote = not source.startswith("local-dir:")
    return nullcontext() if remote and hub.reachable() else hub.cache_only()


def _quick_gelu(package: Any, source: str, pretrained: str | None) -> bool:
    """Whether the weights were trained with QuickGELU.

    That may differ from the model's own entry; OpenCLIP then only warns and uses the wrong one.
    """
    config = package.get_pretrained_cfg(source, pretrained) if pretrained else None
    return bool((config or {}).get("quick_gelu"))


def _load_error(name: str, source: str, error: BaseException) -> InputError | MissingPart:
    if source.startswith("local-dir:"):
        folder = source.removeprefix("local-dir:")
        return InputError(
            f"The OpenCLIP model in {folder} does not load: {lazy.first_line(error)}."
        )
    return MissingPart(
        f"The weights of '{name}' are not on this machine and could not be fetched. "
        "Load it once with a connection to the hub, or use 'starter', which is built in."
    )


def _describe(
    name: str, config: dict[str, Any], package: Any, module: Any, tokenizer: Any
) -> Model:
    from core.encoders.modules import ImageHalf, PatchRows, TextHalf, has_patches

    settings = package.get_model_preprocess_cfg(module)
    transform = package.transform.image_transform_v2(
        package.transform.PreprocessCfg(**settings), is_train=False
    )
    prepare = _prepare(transform)
    tokenize, varies = _tokenize_with(module, tokenizer)
    pixels, tokens = _example_pixels(prepare), tokenize(EXAMPLES)
    weights, described = _digest(module), configuration(package, config, settings, tokenizer)

    def tower(
        half: str, of: str, built: nn.Module, example: Floats | Ints, shape: tuple[int, ...]
    ) -> Tower:
        key = f"{half}-{digest(weights, described)}"[:24]
        return _built(key, f"{name} ({of})", built, example, shape)

    shape = (-1, *pixels.shape[1:])
    return Model(
        name=name,
        d=int(config["embed_dim"]),
        weights=weights,
        configuration=described,
        preprocessing=", ".join(f"{key} {value}" for key, value in sorted(settings.items())),
        prepare=prepare,
        tokenize=tokenize,
        image=tower("image", "images", ImageHalf(module), pixels, shape),
        text=tower(
            "text", "texts", TextHalf(module), tokens, (-1, -1 if varies else len(tokens[0]))
        ),
        version=f"open_clip {package.__version__}",
        patch_tower=tower("places", "patches", PatchRows(module.visual), pixels, shape)
        if has_patches(module.visual)
        else None,
        grid=tuple(getattr(module.visual, "grid_size", (0, 0))),
        view=VIEWS.get(str(settings.get("resize_mode")), "whole"),
        context=int(tokenizer.context_length or 0),
        count=_count_with(tokenizer),
        stretch=_stretch_with(name, module, tokenizer),
    )


def _built(
    key: str, title: str, half: nn.Module, example: Floats | Ints, shape: tuple[int, ...]
) -> Tower:
    """A tower that is built already."""
    return Tower(key, title, lambda: None, lambda: half, lambda: example, shape)


def _tokenize_with(module: Any, tokenizer: Any) -> tuple[Callable[[Sequence[str]], Ints], bool]:
    """Texts to token ids, and whether their length may vary.

    A text tower from Hugging Face masks its padding, so padding that no text of the batch needs is
    removed, which saves most of the work on short texts. OpenCLIP's own towers need a fixed length.
    """
    pad = getattr(getattr(getattr(module, "text", None), "config", None), "pad_token_id", None)

    def tokenize(texts: Sequence[str]) -> Ints:
        tokens: Ints = tokenizer(list(texts)).numpy().astype(np.int64)
        if pad is None:
            return tokens
        used = np.flatnonzero((tokens != pad).any(axis=0))
        return tokens[:, : used[-1] + 1 if len(used) else 1]

    return tokenize, pad is not None


def _count_with(tokenizer: Any) -> Callable[[str], int]:
    """Number of tokens of a text with the two at its ends, without truncation."""
    foreign = getattr(tokenizer, "tokenizer", None)

    def count(text: str) -> int:
        if foreign is None:
            return len(tokenizer.encode(text)) + 2
        return len(foreign(tokenizer.clean_fn(text), verbose=False).input_ids)

    return count


def _stretch_with(name: str, module: Any, tokenizer: Any) -> Callable[[str], Longer]:
    """The text half with stretched positions; see `long_texts`."""

    def longer(mode: str) -> Longer:
        from core.encoders.modules import TextHalf, stretch

        length = int(tokenizer.context_length)
        context = long_texts.stretched_context(mode, length)
        half = stretch(TextHalf(module), length, mode)

        def tokenize(texts: Sequence[str]) -> Ints:
            ids: Ints = tokenizer(list(texts), context_length=context).numpy().astype(np.int64)
            return ids

        tower = _built(
            f"text-{mode}", f"{name} (long texts)", half, tokenize(EXAMPLES), (-1, context)
        )
        return Longer(tower, tokenize, context)

    return longer


def _prepare(transform: Any) -> Callable[[Image], Floats]:
    def prepare(image: Image) -> Floats:
        pixels: Floats = transform(image.convert("RGB")).numpy()
        return pixels

    return prepare


def _example_pixels(prepare: Callable[[Image], Floats]) -> Floats:
    """A few prepared patterns that differ in color, direction and scale."""
    from PIL import Image

    y, x = np.mgrid[:256, :256] / 256
    waves = [
        127 + 120 * np.sin(6 * n * (x * c + y * (2 - c))) for n in (1, 2, 5, 9) for c in range(3)
    ]
    images = np.array(waves).reshape(4, 3, 256, 256).transpose(0, 2, 3, 1).astype(np.uint8)
    return np.stack([prepare(Image.fromarray(image)) for image in images])


def _digest(module: nn.Module) -> str:
    """SHA-256 over every tensor with its name, in one fixed order."""
    result = sha256()
    for name, tensor in sorted(module.state_dict().items()):
        array = tensor.detach().contiguous().numpy()
        result.update(f"{name} {array.dtype} {array.shape} ".encode())
        result.update(array.reshape(-1).view(np.uint8))
    return result.hexdigest()
