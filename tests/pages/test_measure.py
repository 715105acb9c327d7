"""Collections, Map, Geometry, Evaluate and Methods: empty, filled, and by a link someone sent."""

import io
import json
import shutil
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import errors
from core.measure import percent
from core.measure.diagnostics import DIAGNOSTICS
from core.report import pack_ids, subsets
from core.types.item import Passport
from core.workbench import Workbench, catalog, tasks
from pages.parts.geometry import export, subset
from tests.fixtures.files import encoded, folder_of, jsonl

TOP = Path(__file__).parents[2]
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "black")
PAGES = {
    "collections": "pages/explore/collections.py",
    "map": "pages/explore/map.py",
    "geometry": "pages/measure/geometry.py",
    "evaluate": "pages/measure/evaluate.py",
    "methods": "pages/about/methods.py",
}
ABOUT_ITEMS = ("map", "geometry", "evaluate")


def picture(colour, size=64):
    return encoded(Image.new("RGB", (size, size), colour))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A home with a full collection, one of pictures only, and an empty one; made once."""
    folder = tmp_path_factory.mktemp("built")
    rows = [
        {
            "image": f"{colour}-{size}.png",
            "captions": [f"a {colour} square of {size}"],
            "labels": [colour],
        }
        for colour in COLOURS
        for size in (32, 48, 64, 80)
    ]
    files = {row["image"]: picture(row["labels"][0], 32 + i) for i, row in enumerate(rows)}
    full = folder_of(folder / "full", {**files, "items.jsonl": jsonl(*rows)})
    bare = folder_of(folder / "bare", files)
    workbench = Workbench(folder / "home")
    workbench.ingest("colours", full / "items.jsonl", encoder="toy")
    workbench.ingest("pictures only", bare, encoder="toy")
    for name in ("colours", "pictures only"):
        workbench.measure_all(workbench.open(name))
    workbench.home.ensure("nothing yet")
    return folder / "home"


@pytest.fixture
def filled(built, home):
    shutil.copytree(built, home)
    return home


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=90)


def visit(app, page, **asked):
    app.switch_page(PAGES[page])
    app.query_params.update(asked)
    return run(app)


def run(app):
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.text, app.warning, app.error, app.info)
    return "\n".join(str(e.value) for kind in kinds for e in kind)


def labels(app):
    return [button.label for button in app.button]


def components(app, name):
    found = [e.proto for e in app.get("bidi_component")]
    return [json.loads(p.json) for p in found if p.component_name == name and p.json]


def cards(app):
    return [card for grid in components(app, "sextant_gallery") for card in grid["cards"]]


def widget(kind, key):
    return next(w for w in kind if w.key == key)


def until_idle(home, seconds=60):
    """The jobs without the measurement that follows."""
    jobs, end = Workbench(home).jobs, monotonic() + seconds
    while any(job.state == "running" for job in jobs.all()):
        assert monotonic() < end, "the job did not end"
        sleep(0.05)
    return [job for job in jobs.all() if job.verb != "measure_all"]


# Empty


@pytest.mark.parametrize("page", ABOUT_ITEMS)
def test_a_home_without_collections_says_what_to_do_next(app, page):
    visit(app, page)
    assert {"Build the demo", "Add your own data"} <= set(labels(app))


@pytest.mark.parametrize("page", ABOUT_ITEMS)
def test_an_empty_collection_says_what_to_do_next(app, filled, page):
    visit(app, page, collection="nothing yet")
    assert "nothing yet is empty" in words(app)
    assert "Add items" in labels(app)


def test_collections_of_an_empty_home_offer_the_demo_and_a_place_to_drop(app):
    visit(app, "collections")
    assert "No collections yet" in words(app)
    assert {"Build the demo", "Add"} <= set(labels(app))
    assert len(app.get("file_uploader")) == 1


def test_methods_needs_no_collection_and_shows_every_part_with_its_source(app):
    text = words(visit(app, "methods")).replace("\\", "")
    for entry in catalog.entries():
        assert entry.title in text
        assert entry.source in text


def test_methods_of_one_family_by_link(app):
    text = words(visit(app, "methods", part="Pairs"))
    assert "Alignment" in text
    assert "Hubness" not in text


# Geometry


def dots(app):
    """Every finding of the overview: family, verdict, what a screen reader says."""
    (drawn,) = components(app, "sextant_dots")
    return [
        (one["name"], f["verdict"], f["label"])
        for one in drawn["families"]
        for f in one["findings"]
    ]


def test_the_overview_has_every_diagnostic_or_the_sentence_that_says_what_it_lacks(app, filled):
    visit(app, "geometry", collection="colours")
    found = Workbench(filled).stored_findings(Workbench(filled).open("colours"))
    shown = dots(app)
    assert sorted(v for _, v, _ in shown) == sorted(f.verdict for f in found.all)
    for f in found.all:
        assert any(label.endswith(f.sentence) for *_, label in shown)
    text = words(app).replace("\\", "")
    assert all(sentence in text for sentence in found.lacks.values())
    assert {b.label for b in app.get("download_button")} >= {"Report", "JSON", "CSV"}


def test_a_family_by_link_shows_its_figures_readings_and_sources(app, filled):
    visit(app, "geometry", collection="colours", family="Neighborhoods")
    text = words(app)
    for part in DIAGNOSTICS.all().values():
        assert (f"#### {part.title}" in text) == (part.family == "Neighborhoods")
    assert "Radovanovic" in text
    assert "Dots far to the right are hubs" in text


@pytest.mark.parametrize("family", sorted({p.family for p in DIAGNOSTICS.all().values()}))
def test_every_diagnostic_draws_on_its_family_page(app, filled, family):
    visit(app, "geometry", collection="colours", family=family)
    drawn = "".join(c.proto.id for c in app.get("plotly_chart"))
    parts = [p for p in DIAGNOSTICS.all().values() if p.family == family]
    missing = [p for p in parts if f"_figure_{p.name}" not in drawn]
    assert words(app).count(":material/info:") == len(missing) < len(parts)


def test_pictures_alone_are_measured_and_the_rest_says_what_it_lacks(app, filled):
    visit(app, "geometry", collection="pictures only")
    assert all(", images: " in label for *_, label in dots(app))
    text = words(app)
    assert "Alignment needs at least 2 images with a text of their own" in text
    assert "Add captions" in text


# Geometry of a part, of two parts, of two encoders


def signs_of(app):
    """Every number on screen, in order."""
    return [s for c in components(app, "sextant_vital_signs") for s in c["signs"]]


def test_a_part_by_link_is_measured_with_its_captions_and_said_in_words(app, filled):
    visit(app, "geometry", collection="colours", family="Spread", **{"a.is.label": "red"})
    text = words(app).replace("\\", "")
    assert "label = red: 4 images and 4 texts in 4 pairs" in text
    visit(app, "geometry", **{"a.kind": "Texts"})
    text = words(app).replace("\\", "")
    assert "label = red, texts only: 4 texts, " in text
    assert {"texts"} == {s["scope"] for s in signs_of(app)}


def test_filters_of_the_search_page_do_not_narrow_the_report(app, filled):
    visit(app, "geometry", collection="colours", family="Pairs", **{"is.label": "red"})
    assert "All items: 32 images" in words(app)


def test_nothing_left_is_a_sentence(app, filled):
    asked = {"a.is.label": "red", "a.not.label": "red"}
    visit(app, "geometry", collection="colours", family="Pairs", **asked)
    assert "No items to measure" in words(app)


def test_a_part_stands_beside_the_rest_and_says_whether_intervals_part(app, filled):
    asked = {"a.is.label": ["red", "blue", "green"], "versus": "rest"}
    visit(app, "geometry", collection="colours", family="Spread", **asked)
    text = words(app).replace("\\", "")
    assert "**B** The rest: 20 images and 20 texts in 20 pairs, of which 12 images" in text
    both = [s for s in signs_of(app) if "other" in s]
    assert both
    for sign in both:
        assert sign["differs"] == sign["contrast"].startswith("A is")
        if sign["differs"]:
            assert sign["value"] != sign["other"]["value"]
    drawn = "".join(c.proto.id for c in app.get("plotly_chart"))
    assert "_figure_uniformity" in drawn
    assert "_figure_uniformityB" in drawn


def test_another_part_has_widgets_of_its_own(app, filled):
    asked = {"a.is.label": "red", "versus": "part", "b.kind": "Pictures", "b.not.label": "red"}
    visit(app, "geometry", collection="colours", family="Pairs", **asked)
    text = words(app).replace("\\", "")
    assert "label = red: 4 images and 4 texts" in text
    assert "label != red, images only: 28 images, " in text


def test_the_maps_selection_becomes_the_part_and_part_of_the_link(app, filled):
    space = Workbench(filled).open("colours").space
    visit(app, "map", collection="colours", map="pca")
    packed = pack_ids(space, space.ids[:5])
    app.session_state["stored_map_selected"] = app.session_state["stored_selected"] = packed
    visit(app, "geometry", family="Spread")
    assert "All items" in words(app)
    widget(app.button, "_a.take").click()
    assert "5 items selected: 5 images" in words(run(app))
    held = app.query_params["a.items"]
    assert subsets.unpack_ids(space, held if isinstance(held, str) else held[0]) == space.ids[:5]
    widget(app.button, "_a.drop").click()
    assert "All items" in words(run(app))


def test_a_selection_by_link_and_one_that_is_of_another_collection(app, filled):
    held = subsets.pack_ids(space := Workbench(filled).open("colours").space, space.ids[3:6])
    visit(app, "geometry", collection="colours", family="Spread", **{"a.items": held})
    assert "3 items selected: 3 images" in words(app)
    visit(app, "geometry", collection="pictures only", **{"a.items": held})
    assert "the collection has changed since" in words(app)


@pytest.fixture
def twice(filled):
    """The same items with vectors of a second encoder: the first's, turned round."""
    bench = Workbench(filled)
    collection, space = bench.home.open("colours"), bench.open("colours").space
    second = Passport("turned", "w", "p", space.d)
    collection.write_vectors(second, space.ids, np.roll(space.vectors, 1, axis=1))
    return filled


def test_two_encoders_of_the_same_items_stand_side_by_side(app, twice):
    visit(app, "geometry", collection="colours", family="Spread", versus="encoder:turned")
    text = words(app)
    assert "encoder toy" in text
    assert "encoder turned" in text
    both = [s for s in signs_of(app) if "other" in s]
    assert both
    assert not any(s["differs"] for s in both if s["title"] == "Mean cosine")


def test_every_part_says_why_it_matters_and_what_to_do(app, filled):
    visit(app, "geometry", collection="colours", family="Neighborhoods")
    text = words(app).replace("\\", "")
    assert text.count("Why it matters.") == text.count("What to do") > 3
    assert DIAGNOSTICS.get("hubness").traits["advice"].what in text


def test_the_report_on_screen_can_be_kept(app, filled):
    visit(
        app,
        "geometry",
        collection="colours",
        family="Spread",
        versus="rest",
        **{"a.is.label": "red"},
    )
    assert {b.label for b in app.get("download_button")} >= {"Report", "JSON", "CSV"}
    opened = Workbench(filled).open("colours")
    findings = [Workbench(filled).measure(opened.space, ("cone",))[0]] * 2
    sides = [subset.Side(name, opened.space) for name in ("x", "y")]
    document = json.loads(export.document("colours", sides, findings, ""))
    assert [document[side]["part"] for side in "ab"] == ["x", "y"]
    page = export.page(Workbench(filled), opened, sides, findings, {}, "")
    assert "Geometry of colours" in page
    assert "data:image/webp" in page
    assert not any(row["differs"] for row in document["comparison"])


def test_a_download_names_the_command_that_gives_it(filled):
    space = Workbench(filled).open("colours").space
    red, rest = subset.Side("x", space, "label = red"), subset.Side("The rest", space, "rest")
    assert export.command("colours", [red, rest]) == (
        "sextant diagnose colours --encoder toy --subset 'label = red' --versus-subset rest --json"
    )
    assert export.command("colours", [subset.Side("5 items selected", space)]) == ""


# Evaluate


def test_evaluate_shows_both_directions_with_intervals_and_the_hardest_queries(app, filled):
    visit(app, "evaluate", collection="colours")
    assert [m.label for m in app.metric] == [
        "Text → image: recall@10",
        "Text → image: median rank",
        "Image → text: recall@10",
        "Image → text: median rank",
    ]
    assert "32 pairs" in words(app)
    scores = next(c for c in app.get("plotly_chart") if "_scores" in c.proto.id)
    traces = json.loads(scores.proto.spec)["data"]
    assert {t["name"] for t in traces} == {"Text → image", "Image → text", "chance"}
    assert all("error_x" in t for t in traces if t["name"] != "chance")
    assert "32 of 32 queries" not in words(app)
    fields = next(w for w in app.selectbox if w.key == "_by")
    assert {"label", "caption length"} <= set(fields.options)


def test_missed_queries_stand_with_their_image_what_came_first_and_why(app, filled):
    """The toy encoder reads the color alone, so that the sizes of one color are alike."""
    bench = Workbench(filled)
    space = bench.open("colours").space
    collection, passport = bench.home.open("colours"), bench.open("colours").passport
    turned = np.concatenate([space.images, np.roll(space.texts, 1, axis=1)])
    collection.write_vectors(passport, space.ids, turned, replace=True)
    visit(app, "evaluate", collection="colours")
    opened = bench.open("colours")
    found = bench.misses(opened, bench.evaluate(opened), "text_to_image")
    assert f"{len(found.queries)} of 32 queries" in words(app)
    above = [card["above"] for card in cards(app) if card["above"]]
    assert len(above) == min(5, len(found.queries)) > 0
    assert all("miss" in line for line in above)
    why = next(w for w in app.get("button_group") if w.key == "_why")
    assert f"All {len(found.queries)}" in why.options


def test_evaluate_without_pairs_and_labels_says_what_to_add(app, filled):
    visit(app, "evaluate", collection="pictures only")
    assert "No pairs to evaluate" in words(app)
    assert "Add captions" in labels(app)


def test_labels_alone_are_evaluated_at_once(app, home):
    files = {f"{c}{i}.png": picture(c, 32 + i) for c in ("red", "green", "blue") for i in range(8)}
    rows = [{"image": name, "labels": [name.rstrip("01234567.png")]} for name in files]
    made = folder_of(home.parent / "labeled", {**files, "items.jsonl": jsonl(*rows)})
    Workbench(home).ingest("labeled", made, encoder="toy")
    visit(app, "evaluate", collection="labeled")
    assert [m.label for m in app.metric][:1] == ["Zero-shot accuracy"]
    assert "Image → image: precision@1" in [m.label for m in app.metric]
    assert app.metric[0].delta == "chance 33%"


def test_two_encoders_are_compared_by_link(app, twice):
    visit(app, "evaluate", collection="colours", rival="turned")
    titles = [m.label for m in app.metric]
    assert titles.count("Only toy finds") == titles.count("Only turned finds") == 2
    assert "Text → image: difference in recall@10" in titles


def test_a_repaired_encoder_is_compared_with_another_as_it_is(app, twice):
    bench = Workbench(twice)
    opened = bench.open("colours")
    bench.keep_recipe(opened, "r", bench.repair(opened, "whitening").recipe)
    visit(app, "evaluate", collection="colours", recipe="r", rival="turned")
    assert "Text → image: difference in recall@10" in [m.label for m in app.metric]
    visit(app, "geometry", collection="colours", recipe="r", versus="encoder:turned")
    assert "encoder turned" in words(app)


def test_what_bears_a_tag_can_be_left_out(app, filled):
    bench = Workbench(filled)
    space = bench.open("colours").space
    bench.tag("colours", "wrong", [tuple(space.ids[row] for row in space.pairs[0])])
    visit(app, "evaluate", collection="colours")
    assert "32 pairs" in words(app)
    visit(app, "evaluate", without="wrong")
    assert "31 pairs" in words(app)


# Map


def test_the_map_draws_every_item_once_and_pca_while_umap_is_computed(app, filled, monkeypatch):
    """The layout is written by hand: UMAP itself, which is slow, has its own tests."""
    begin = Event()

    def lay_out(bench, arguments, tick):
        assert (arguments["method"], arguments["settings"]) == ("umap", {"gap": "keep"})
        begin.wait(60)
        opened = bench.open(arguments["name"])
        xy = opened.space.vectors[:, :2].copy()
        opened.collection.artifacts.write_matrix("umap/gap=keep", opened.space.key, xy)

    monkeypatch.setitem(tasks.VERBS, "layout", lay_out)
    visit(app, "map", collection="colours", map="pca")
    (drawn,) = components(app, "sextant_map")
    assert [(g["name"], g["count"]) for g in drawn["groups"]] == [("images", 32), ("texts", 32)]
    assert "Nothing selected" in words(app)
    visit(app, "map", map="umap")
    assert "Computing UMAP" in words(app)
    begin.set()
    (job,) = until_idle(filled)
    assert (job.verb, job.state, job.result) == ("layout", "done", None)
    assert "Computing UMAP" not in words(run(app))


def test_the_map_is_coloured_by_label_and_by_a_finding_by_link(app, filled):
    visit(app, "map", collection="colours", map="pca", color="label")
    (drawn,) = components(app, "sextant_map")
    assert {group["name"] for group in drawn["groups"]} == set(COLOURS)
    visit(app, "map", color="hubness")
    (drawn,) = components(app, "sextant_map")
    assert drawn["scale"]["title"]
    assert "Measured among" in [c.label for c in app.get("button_group")]


def test_a_kept_selection_shows_its_gallery_and_is_lit_in_another_colour(app, filled):
    visit(app, "map", collection="colours", map="pca")
    space = Workbench(filled).open("colours").space
    chosen = pack_ids(space, [*space.ids[:3], *space.ids[-2:], "gone"])
    app.session_state["stored_map_selected"] = chosen
    visit(app, "map", color="label")
    assert "3 images, 2 texts" in words(app)
    assert len(cards(app)) == 5
    (drawn,) = components(app, "sextant_map")
    assert drawn["chosen"]
    widget(app.button, "_map_clear").click()
    assert "Nothing selected" in words(run(app))


def test_a_layout_that_failed_is_told_and_not_tried_again_by_itself(app, filled):
    visit(app, "map", collection="colours", map="pca")
    arguments = {"name": "colours", "method": "umap", "encoder": None, "settings": {"gap": "keep"}}
    bench = Workbench(filled)

    def fail(tick):
        raise errors.InputError("The disk is full.")

    bench.jobs.start("UMAP", fail, verb="layout", arguments=arguments).wait()
    visit(app, "map", map="umap")
    assert "UMAP is not available: The disk is full." in words(app)
    assert "Compute UMAP again" in labels(app)
    assert len(bench.jobs.all()) == 1


# Collections


def test_every_collection_is_a_card_with_counts_encoder_links_and_pictures(app, filled):
    text = words(visit(app, "collections"))
    assert "32 images · 32 texts · 32 pairs" in text
    assert "no images · no texts · no pairs" in text
    assert "Empty: add images or captions." in text
    links = [link.proto.label for link in app.get("page_link")]
    assert links.count(":primary[Search]") == links.count(":primary[Geometry]") == 2
    mosaics = [h.proto.body for h in app.get("html") if "data:image/webp" in h.proto.body]
    assert len(mosaics) == 2


def test_a_card_names_recall_beside_guessing_and_the_worst_finding(app, filled, monkeypatch):
    monkeypatch.setattr("core.measure.verdicts.LEAST", 20)
    bench = Workbench(filled)
    bench.delete("pictures only")
    items = filled.parent / "again"
    files = {f"{c}{i}.png": picture(c, 32 + i) for c in ("red", "blue") for i in range(12)}
    rows = [{"image": name, "captions": [f"{name[::-1]}"]} for name in files]
    bench.ingest("mixed up", folder_of(items, {**files, "i.jsonl": jsonl(*rows)}), encoder="toy")
    assert "Measure" in labels(visit(app, "collections"))
    bench.measure_all(bench.open("mixed up"))
    known = bench.glance("mixed up")
    text = words(run(app)).replace("\\", "")
    found = known.recall
    share = percent(found.value, found.low, found.high)
    assert f"**{share}** of the texts, guessing {percent(10 / 24)}" in text
    assert known.concerns[0].headline in text
    assert "Measure" not in labels(app)


def test_cards_are_in_the_order_of_their_last_use(app, filled):
    times = {"colours": 3.0, "nothing yet": 2.0, "pictures only": 1.0}
    (filled / "last_used.json").write_text(json.dumps(times))
    shown = [m.value.strip("*") for m in visit(app, "collections").markdown]
    assert [name for name in shown if name in times] == list(times)


def test_an_upload_with_nothing_readable_leaves_no_collection(app, filled, toy_by_default):
    visit(app, "collections")
    add(app, ("bad.png", b"no picture"))
    (job,) = until_idle(filled)
    assert job.state == "failed"
    assert "images" not in Workbench(filled).names()
    assert "nothing in it can be read" in words(run(app)).replace("\\", "")
    assert "Try again" not in [b.label for b in app.button]  # the upload is deleted
    next(b for b in app.button if b.label == "Dismiss").click()
    assert "nothing in it can be read" not in words(run(app))
    assert not any((filled / "drops").iterdir())


@pytest.fixture
def toy_by_default(monkeypatch):
    """AppTest cannot type a new option into a select box, so the form's own choice is the toy."""
    monkeypatch.setattr("core.workbench.ingest.DEFAULT_ENCODER", "toy")


def add(app, *files, path="", into=None):
    """Fill in the form and submit it."""
    for name, data in files:
        app.get("file_uploader")[0].upload(name, data)
    widget(app.text_input, "_path_0").set_value(path)
    if into:
        widget(app.selectbox, "_into_0").set_value(into)
    next(b for b in app.button if b.label == "Add").click()
    return run(app)


def test_dropped_pictures_become_a_collection_and_a_report(app, home, toy_by_default):
    visit(app, "collections")
    add(
        app,
        ("a.png", picture("red")),
        ("b.png", picture("blue")),
        ("again.png", picture("red")),
        ("bad.png", b"no picture"),
    )
    (job,) = until_idle(home)
    assert job.state == "done", job.sentence
    text = words(run(app))
    assert "Ingest report: images" in text
    assert {m.label: m.value for m in app.metric}.items() >= {
        "Images added": "2",
        "Repeated": "1",
        "Not read": "1",
    }.items()
    assert not any((home / "drops").iterdir())


def test_a_zip_with_captions_beside_it_pairs_them(app, home, toy_by_default):
    packed = io.BytesIO()
    with ZipFile(packed, "w") as out:
        out.writestr("a.png", picture("red"))
        out.writestr("b.png", picture("blue"))
    captions = b"image,caption\na.png,a red square\nb.png,a blue square\n"
    visit(app, "collections")
    add(app, ("x.zip", packed.getvalue()), ("captions.csv", captions))
    (job,) = until_idle(home)
    assert job.state == "done", job.sentence
    assert "2 images · 2 texts · 2 pairs" in words(run(app))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("", "Drop files or choose them, or type the path of a folder"),
        ("/etc", "sextant serve --root /etc"),
        ("nowhere", "There is no file or folder"),
    ],
)
def test_what_cannot_be_taken_in_is_a_sentence_and_starts_nothing(
    app, home, tmp_path, monkeypatch, path, sentence
):
    monkeypatch.setenv("SEXTANT_ROOT", str(tmp_path))
    visit(app, "collections")
    add(app, path=path)
    assert sentence in words(app).replace("\\", "")
    assert Workbench(home).jobs.all() == ()


def test_a_typed_path_is_taken_in_where_it_lies(app, home, tmp_path, monkeypatch, toy_by_default):
    monkeypatch.setenv("SEXTANT_ROOT", str(tmp_path))
    folder_of(tmp_path / "<b>birds", {"a.png": picture("red"), "b.png": picture("blue")})
    visit(app, "collections")
    add(app, path="<b>birds")
    (job,) = until_idle(home)
    assert job.state == "done", job.sentence
    assert job.arguments["name"] == "b birds"
    assert (tmp_path / "<b>birds" / "a.png").exists()
    assert "2 images · no texts · no pairs" in words(run(app))


def test_more_can_be_added_to_a_collection_that_is_there(app, filled):
    visit(app, "collections")
    add(app, ("new.png", picture("orange")), into="pictures only")
    (job,) = until_idle(filled)
    assert job.state == "done", job.sentence
    assert "33 images · no texts · no pairs" in words(run(app))


def test_a_running_job_shows_its_progress_and_can_be_cancelled(app, filled):
    def work(tick):
        for i in range(2000):
            tick(i, 2000)
            sleep(0.02)

    bench = Workbench(filled)
    job = bench.jobs.start("Adding birds", work, verb="ingest", arguments={})
    text = words(visit(app, "collections"))
    assert "Adding birds" in text
    assert "of 2,000" in text
    next(b for b in app.button if b.label == "Cancel").click()
    run(app)
    assert job.wait(30).state == "cancelled"
    text = words(run(app))
    assert "what was done is saved" in text
    assert "Resume" in labels(app)


def test_an_interrupted_job_can_be_resumed_or_dismissed(app, filled):
    bench = Workbench(filled)
    job = bench.jobs.start("Adding birds", lambda tick: tick(3, 9), verb="ingest", arguments={})
    record = filled / "jobs" / f"{job.wait().id}.json"
    died = json.loads(record.read_text()) | {"state": "running", "born": "another boot"}
    record.write_text(json.dumps(died))
    text = words(visit(app, "collections"))
    assert "Adding birds" in text
    assert "at 3 of 9" in text
    assert "Resume" in labels(app)
    next(b for b in app.button if b.label == "Dismiss").click()
    assert "Adding birds" not in words(run(app))


def test_jobs_that_have_ended_say_how_and_are_dismissed_together(app, filled):
    def fail(tick):
        raise errors.InputError("No.")

    jobs = Workbench(filled).jobs
    for name in ("birds", "cats"):
        jobs.start(f"Adding {name}", fail, verb="ingest", arguments={"name": name}).wait()
    text = words(visit(app, "collections"))
    assert "**Failed: Adding birds**" in text and "**Failed: Adding cats**" in text
    next(b for b in app.button if b.label == "Dismiss all").click()
    assert "Adding" not in words(run(app))


def choose(app, action):
    """Pick from the menu of the first card; the dialog it opens is in this run only."""
    next(m for m in app.get("menu_button") if m.key == "_menu_colours").click(action)
    return run(app)


def test_deleting_asks_for_the_name(app, filled):
    visit(app, "collections", collection="colours")
    choose(app, "Delete")
    assert "This cannot be undone" in words(app)
    button = widget(app.button, "_do_delete")
    assert button.disabled
    assert "colours" in Workbench(filled).names()


def test_a_collection_at_work_cannot_be_deleted(app, filled):
    visit(app, "collections", collection="colours")
    menu = next(m for m in app.get("menu_button") if m.key == "_menu_colours")
    assert "Delete" in menu.options
    bench = Workbench(filled)
    end, arguments = Event(), {"name": "colours"}
    job = bench.jobs.start("x", lambda tick: end.wait(60), verb="ingest", arguments=arguments)
    run(app)
    menu = next(m for m in app.get("menu_button") if m.key == "_menu_colours")
    assert "Delete" not in menu.options
    end.set()
    job.wait()


def test_everything_has_no_rest(app, filled):
    visit(app, "geometry", collection="colours", family="Pairs", versus="rest")
    assert "There is no rest" in words(app)
