"""The coloured collection that page tests look at, and what is on a screen."""

import json
from pathlib import Path

from PIL import Image

from core.workbench import Workbench
from tests.files import encoded, folder_of, jsonl

TOP = Path(__file__).parents[1]
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "black")
NASTY = "a <b>red</b> [link](javascript:alert(1)) :rocket: $x$ thing"


def picture(colour, size=64):
    return encoded(Image.new("RGB", (size, size), colour))


def build(folder):
    """A home with a filled and an empty collection."""
    rows = [
        {
            "image": f"{colour}-{size}.png",
            "captions": [f"a {colour} square of {size}"],
            "labels": [colour, "<i>small</i>" if size < 40 else "large"],
            "size": size,
            "warm": colour in ("red", "yellow"),
        }
        for colour in COLOURS
        for size in (32, 48, 64, 80)
    ]
    rows[0]["captions"].append(NASTY)
    names = {row["image"]: picture(row["labels"][0], row["size"]) for row in rows}
    items = folder_of(folder / "items", {**names, "items.jsonl": jsonl(*rows)})
    workbench = Workbench(folder / "home")
    workbench.ingest("colours", items / "items.jsonl", encoder="toy")
    workbench.home.ensure("nothing yet")
    return folder / "home"


def run(app, **asked):
    app.query_params.update(asked)
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.text, app.warning, app.error, app.info)
    return "\n".join(str(e.value) for kind in kinds for e in kind)


def components(app, name):
    """The data of every mounted component of ours with that name."""
    found = [e.proto for e in app.get("bidi_component")]
    return [json.loads(p.json) for p in found if p.component_name == name and p.json]


def cards(app):
    return [card for grid in components(app, "sextant_gallery") for card in grid["cards"]]
