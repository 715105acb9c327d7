"""Fit the starter's table of P(match), for collections without labels and captions of their own.

On a mixed collection of images that its heads were not trained on: imagenet-600, caltech101-10 and
the unseen part of flickr8k-800. Run again whenever the heads change:
`python -m tests.bench.starter.calibrate`.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from core.search.calibration import BUNDLED, calibrate
from core.search.known_matches import form_of, known_matches, sampled_items
from core.types import Part, Query
from core.workbench import Workbench
from tests.bench.stages.known import DATA, unseen

FORMS = {
    "labels and nouns of other images": Part(text="red car"),
    "captions of other images": Part(text="a red car on a street"),
    "other images": Part(image=b"any"),
}


def main() -> None:
    """Write the table."""
    data = Path(os.environ.get("SEXTANT_TEST_DATA") or DATA)
    with TemporaryDirectory() as folder:
        bench = Workbench(Path(folder) / "home")
        flickr = unseen_images(data / "flickr8k-800", Path(folder) / "flickr8k")
        for part in (data / "imagenet-600", data / "caltech101-10", flickr):
            bench.ingest("mixed", part)
        opened = bench.open("mixed")
        table = {}
        for source, part in FORMS.items():
            query = Query((part,), kinds=("image",))
            known = known_matches(opened, query, "image")
            items = opened.space.vectors[sampled_items(opened, "image")]
            fitted = calibrate(known, items, source) if known else None
            if fitted is None:
                raise SystemExit(f"The images have too few {source}.")
            table[f"{form_of(query, opened.space)}, image"] = asdict(fitted)
        document = {"weights": opened.passport.weights, "calibrations": table}
    BUNDLED.write_text(json.dumps(document) + "\n", "utf-8")


def unseen_images(source: Path, to: Path) -> Path:
    """A copy of the images that the heads never saw, with their captions."""
    lines = (source / "items.jsonl").read_text("utf-8").splitlines()
    kept = [line for line in lines if unseen(json.loads(line)["image"])]
    for line in kept:
        image = json.loads(line)["image"]
        (to / image).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / image, to / image)
    (to / "items.jsonl").write_text("\n".join(kept), "utf-8")
    return to


if __name__ == "__main__":
    main()
