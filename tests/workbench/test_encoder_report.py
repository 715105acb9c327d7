"""An encoder tried on a collection: through the workbench, as a job, on the page, by command."""

import json
import shlex
import shutil
from io import BytesIO
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.encoders.toy import Toy
from core.errors import Cancelled, InputError
from core.ingest.augmentations import AUGMENTATIONS
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.probes import PROBES
from core.types.item import Item
from core.types.space import Space
from core.workbench import Workbench
from core.workbench.encoder_report import EncoderReport, sample
from tests.fixtures.files import encoded, folder_of, jsonl

TOP = Path(__file__).parents[2]
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "black")
N = 40
MEAN_COSINE = DIAGNOSTICS.get("mean_cosine")
NAMES = [f"{part}: {name}" for part in ("invariance", "equivariance") for name in AUGMENTATIONS]


def picture(n):
    """Half of one colour, half of another, with a grain of its own."""
    rng = np.random.default_rng(n)
    image = Image.new("RGB", (36, 36), COLOURS[n % 8].replace("cyan", "#0ff"))
    image.paste(tuple(int(v) for v in rng.integers(0, 256, 3)), (0, 0, 12 + n % 12, 36))
    return encoded(image)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A home with pictures and long captions, only texts, and an empty collection; made once."""
    folder = tmp_path_factory.mktemp("tried")
    rows = [
        {"image": f"{n}.png", "caption": f"{n}, " + " or ".join(COLOURS[n % 8 :] + COLOURS)}
        for n in range(N)
    ]
    files = {row["image"]: picture(n) for n, row in enumerate(rows)}
    full = folder_of(folder / "full", {**files, "items.jsonl": jsonl(*rows)})
    workbench = Workbench(folder / "home")
    workbench.ingest("full", full / "items.jsonl", encoder="toy")
    few = folder_of(folder / "few", {name: files[name] for name in ("0.png", "1.png")})
    workbench.ingest("few", few, encoder="toy")
    workbench.encoder_report(workbench.open("full"))
    return folder


@pytest.fixture
def tried(built, home):
    """The encoder of "full" has been tried, that of "few" has not."""
    shutil.copytree(built / "home", home)
    return Workbench(home)


@pytest.fixture
def untried(tried):
    collection = tried.home.open("full")
    collection.artifacts.write_report(f"encoder/{collection.passport().key}", {})
    return tried


@pytest.fixture
def counting(monkeypatch):
    """How many pictures the toy encoder was given."""
    given = []
    plain = Toy.encode_prepared

    def counted(self, pixels):
        given.append(len(pixels))
        return plain(self, pixels)

    monkeypatch.setattr(Toy, "encode_prepared", counted)
    return given


# The workbench


def test_every_probe_reports_on_every_change_and_is_kept(tried, counting):
    report = tried.encoder_report(tried.open("full"))
    assert counting == []  # nothing is run again
    assert report.complete and not report.stale and not report.lacks and not report.left_out
    assert [f.name for f in report.findings if ": cut" in f.name] == ["truncation: cut"]
    assert {f.name for f in report.findings} >= set(NAMES)
    assert len(report.ids) == N
    again = tried.saved_encoder_report(tried.open("full"))
    assert (
        EncoderReport.from_dict(json.loads(json.dumps(again.to_dict()))).to_dict()
        == again.to_dict()
    )


def test_values_of_single_pictures_go_with_their_items(tried):
    opened = tried.open("full")
    space, report = opened.space, tried.saved_encoder_report(opened)
    (grey,) = [f for f in report.of_probe("invariance", space) if "grey" in f.name]
    toy = Toy()
    for row in (0, 7, N - 1):
        image = Image.open(BytesIO(tried.image_bytes("full", space.ids[row]))).convert("RGB")
        rows = toy.encode_images([image, AUGMENTATIONS["grey"].usually(image)])
        assert grey.per_item[row] == pytest.approx(float(rows[0] @ rows[1]), abs=1e-5)
    assert np.isnan(grey.per_item[space.n_images :]).all()


def test_a_run_that_was_stopped_goes_on_after_its_last_finished_change(untried, counting):
    def stop(done, total):
        if done > N * (1 + 4 + 2):
            raise Cancelled

    with pytest.raises(Cancelled):
        untried.encoder_report(untried.open("full"), progress=stop)
    kept = untried.saved_encoder_report(untried.open("full"))
    assert kept.done == ["rotation"]
    assert not kept.complete
    before, told = sum(counting), []
    report = untried.encoder_report(untried.open("full"), progress=lambda *step: told.append(step))
    assert report.complete
    assert sum(counting) - before == N * (1 + 5 * 4)  # rotation was not encoded again
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_new_pictures_make_it_stale_and_the_next_run_is_about_them(tried, tmp_path):
    more = folder_of(tmp_path / "more", {"new.png": picture(99)})
    tried.ingest("full", more, encoder="toy")
    assert tried.saved_encoder_report(tried.open("full")).stale
    report = tried.encoder_report(tried.open("full"))
    assert not report.stale
    assert len(report.ids) == report.of == N + 1


def test_pictures_that_are_gone_are_left_out_by_name(untried, built):
    space = untried.open("full").space
    paths = [Path(i.source) for i in untried.items("full", space.ids[:3])]
    kept = [(p, p.read_bytes()) for p in paths]
    try:
        for path in paths:
            path.unlink()
        report = untried.encoder_report(untried.open("full"))
    finally:
        for path, data in kept:
            path.write_bytes(data)
    assert sorted(name for name, _ in report.left_out) == sorted(p.name for p in paths)
    assert all(reason for _, reason in report.left_out)
    assert len(report.ids) == N - 3
    assert "there are 37" in report.lacks["equivariance"]
    assert sum("invariance" in f.name for f in report.findings) == len(AUGMENTATIONS)


def test_two_pictures_are_too_few_in_a_sentence(tried):
    report = tried.encoder_report(tried.open("few"))
    assert report.complete and not report.findings
    assert report.lacks["invariance"] == (
        "Invariance needs at least 10 images that can be read; there are 2. Add images."
    )
    assert "Add longer captions" in report.lacks["truncation"]


def test_texts_alone_are_cut_and_pictures_missed(tried, tmp_path):
    rows = [{"caption": " ".join([str(n), *COLOURS, *COLOURS, *COLOURS])} for n in range(20)]
    tried.ingest("texts", folder_of(tmp_path / "t", {"items.jsonl": jsonl(*rows)}), encoder="toy")
    report = tried.encoder_report(tried.open("texts"))
    assert {f.name for f in report.findings} == {"truncation: cut"}
    assert "that can be read; there are none. Add images." in report.lacks["equivariance"]


@pytest.fixture
def brought(tried, tmp_path):
    """Vectors of another size than the encoder of that name makes."""
    rows = np.eye(12, dtype=np.float32)
    table = {"id": [f"i{n}" for n in range(12)], "kind": ["image"] * 12, "vector": rows.tolist()}
    pq.write_table(pa.table(table), tmp_path / "v.parquet")
    tried.ingest("brought", tmp_path / "v.parquet", encoder="toy")
    return tried


def test_vectors_without_an_encoder_say_so(brought):
    with pytest.raises(
        InputError, match=r"cannot be tested: .* it has 8 dimensions where the vectors have 12"
    ):
        brought.encoder_report(brought.open("brought"))
    assert "cannot be tested" in brought.encoder_report_off(brought.open("brought"))
    assert brought.encoder_report_off(brought.open("full")) == ""


def space_of(texts, pairs=()):
    n = 1 + max((i for i, _ in pairs), default=-1)
    rows = np.tile(np.eye(4, dtype=np.float32)[:1], (n + len(texts), 1))
    ids = tuple(f"{i:04}" for i in range(len(rows)))
    made = Space(rows, ids, n, pairs=np.array([(i, n + t) for i, t in pairs], np.int64))
    known = {id_: Item("text", t.encode(), t) for id_, t in zip(ids[n:], texts, strict=True)}
    return made, lambda wanted: [known[i] for i in wanted]


def test_long_texts_are_cut_as_they_are():
    texts = [f"{n} " + "word " * 40 for n in range(60)]
    found = sample(*[(s := space_of(texts))[0]], 200, s[1])
    assert found.cut_from == "texts"
    assert (found.cut_to[0], found.cut_to[-1], len(found.cut)) == (4, 32, 5)
    for k, part in zip(found.cut_to, found.cut, strict=True):
        assert all(len(t.split()) == k for t in part)
        assert [t.split()[0] for t in part] == [t.split()[0] for t in found.cut[0]]


def test_short_captions_of_one_picture_are_joined():
    texts = [f"caption {i} of {n} is short" for n in range(60) for i in range(5)]
    space, items = space_of(texts, [(n // 5, n) for n in range(300)])
    found = sample(space, 200, items)
    assert "joined" in found.cut_from
    assert found.cut_to[-1] == 24
    assert all(len({w for w in t.split() if w.isdigit()}) >= 1 for t in found.cut[-1])
    first = found.cut[-1][0].split(" of ")[1:]
    assert len({part.split()[0] for part in first}) == 1  # one picture's captions only


def test_texts_that_are_all_short_cannot_be_cut():
    space, items = space_of([f"{n} is short" for n in range(60)])
    assert sample(space, 200, items).cut == ()


# The command line


def test_diagnose_leaves_the_encoder_out_and_says_so(tried, capsys, monkeypatch):
    monkeypatch.setattr(DIAGNOSTICS, "all", lambda: {"mean_cosine": MEAN_COSINE})
    assert main(["diagnose", "full", "--json"]) == 0
    said = capsys.readouterr()
    assert {f["name"] for f in json.loads(said.out)["findings"]} == {"mean_cosine"}
    assert "left out: equivariance,invariance,truncation, which run the encoder" in said.err


def test_diagnose_runs_the_encoder_when_asked_to(untried, capsys, tmp_path):
    page = tmp_path / "out.html"
    only = "invariance,equivariance,mean_cosine"
    asked = ["diagnose", "full", "--only", only, "--json", "--report", str(page)]
    assert main(asked) == 0
    said = capsys.readouterr()
    names = {f["name"] for f in json.loads(said.out)["findings"]}
    assert names == {*NAMES, "mean_cosine"}
    assert "encodings" in said.err
    text = page.read_text("utf-8")
    assert "<h2>Encoder</h2>" in text and ">rotation<" in text and ">jpeg<" in text


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["few", "--only", "invariance"], "there are 2. Add images."),
        (["full", "--only", "invariance", "--subset", "kind = image"], "Leave --subset"),
        (["full", "--only", "invarance"], "Did you mean 'invariance'?"),
        (["brought", "--only", "truncation"], "it has 8 dimensions"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_a_sentence(brought, capsys, asked, sentence):
    assert main(["diagnose", *asked]) == 2
    assert sentence in capsys.readouterr().err


# The page


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=90)


def visit(app, collection, family="Encoder", **asked):
    app.switch_page("pages/measure/geometry.py")
    app.query_params.update({"collection": collection, "family": family, **asked})
    return run(app)


def run(app):
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.text, app.warning, app.error, app.info)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def components(app, name):
    found = [e.proto for e in app.get("bidi_component")]
    return [json.loads(p.json) for p in found if p.component_name == name and p.json]


def until_idle(bench, seconds=60):
    end = monotonic() + seconds
    while any(job.state == "running" for job in bench.jobs.all()):
        assert monotonic() < end, "the job did not end"
        sleep(0.05)
    return bench.jobs.all()


def test_before_it_is_tried_the_page_says_what_it_does_and_how_long_it_takes(app, untried):
    text = words(visit(app, "full"))
    assert "Report on toy" in text
    assert "each at four strengths" in text
    todo, rate = untried.encoder_work(untried.open("full"))
    intake = untried.card("full").last_intake
    assert todo > N * 25 and rate == N / intake["seconds"] < intake["encoded"] / intake["seconds"]
    assert f"{todo:,} encodings at " in text
    assert [b.label for b in app.button if b.key == "_try_toy"] == ["Run"]
    assert not app.get("plotly_chart")


def test_tried_by_a_click_it_is_drawn_like_the_other_findings(app, untried):
    visit(app, "full")
    next(b for b in app.button if b.key == "_try_toy").click()
    run(app)
    (job,) = until_idle(untried)
    assert (job.verb, job.state, job.result) == ("encoder_report", "done", None)
    text = words(run(app))
    assert f"a random sample of {N} of the collection's {N} images" in text
    for part in PROBES.all().values():
        assert f"#### {part.title}" in text
    assert text.count("Why it matters.") == 3
    drawn = "".join(c.proto.id for c in app.get("plotly_chart"))
    assert all(f"_figure_{name}" in drawn for name in PROBES.all())
    titles = {s["title"] for c in components(app, "sextant_vital_signs") for s in c["signs"]}
    assert {"Invariance: rotation", "Equivariance: jpeg", "Truncation: cut"} <= titles
    assert {b.label for b in app.get("download_button")} >= {"Report", "JSON", "CSV"}


def test_by_link_it_is_there_at_once_with_the_pictures_behind_it(app, tried):
    visit(app, "full")
    assert "_try_toy" not in [b.key for b in app.button]
    box = next(e for e in app.expander if e.label == "Images with the lowest and highest values")
    assert box is not None
    opened = tried.open("full")
    changed = tried.augmented(opened, opened.space.ids[:2], "grey")
    assert len(changed) == 2 and all(webp[8:12] == b"WEBP" for webp in changed.values())


def test_the_command_in_a_download_runs_the_probes(app, tried, monkeypatch, capsys):
    button, saved = st.download_button, {}

    def download_button(label, data, file_name=None, *more, **settings):
        saved[file_name] = data
        return button(label, data, file_name, *more, **settings)

    monkeypatch.setattr(st, "download_button", download_button)
    visit(app, "full")
    page = json.loads(saved["geometry.json"]())
    assert main(shlex.split(page["command"])[1:]) == 0
    found = {f["name"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert {f["name"]: f for f in page["findings"]} == found and found
    visit(app, "full", **{"a.kind": "Pictures"})
    assert "command" not in json.loads(saved["geometry.json"]())


def test_the_overview_has_a_dot_for_each_of_its_findings(app, tried):
    tried.measure_all(tried.open("full"))
    visit(app, "full", family="Overview")
    (drawn,) = components(app, "sextant_dots")
    each = {one["name"]: one["findings"] for one in drawn["families"]}
    assert len(each["Encoder"]) == len(tried.saved_encoder_report(tried.open("full")).findings)


def test_a_changed_collection_is_told(app, tried, tmp_path):
    tried.ingest("full", folder_of(tmp_path / "more", {"new.png": picture(99)}), encoder="toy")
    assert "Out of date" in words(visit(app, "full"))
    assert [b.label for b in app.button if b.key == "_try_toy"] == ["Run again"]


def test_a_job_that_was_stopped_can_be_resumed_on_the_page(app, untried):
    def stop(tick):
        raise Cancelled

    arguments = {"name": "full", "encoder": "toy"}
    untried.jobs.start("Trying", stop, verb="encoder_report", arguments=arguments).wait()
    assert "Cancelled at 0" in words(visit(app, "full"))
    assert {"Resume", "Dismiss"} <= {b.label for b in app.button}
    assert "_try_toy" not in {b.key for b in app.button}


def test_what_is_left_to_do_counts_what_was_done_before_a_stop(app, untried):
    whole, _ = untried.encoder_work(untried.open("full"))
    assert f"{whole:,} encodings at " in words(visit(app, "full"))

    def stop(done, total):
        if done > total / 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        untried.encoder_report(untried.open("full"), progress=stop)
    left, rate = untried.encoder_work(untried.open("full"))
    assert 0 < left < whole
    assert f"{left:,} encodings at {rate:,.0f} per second" in words(run(app))
    assert [b.label for b in app.button if b.key == "_try_toy"] == ["Continue"]


@pytest.mark.parametrize(
    ("collection", "sentence"),
    [
        ("few", "Report on toy"),
        ("brought", "it has 8 dimensions where the vectors have 12"),
    ],
)
def test_what_cannot_be_tried_is_told_on_the_page(app, brought, collection, sentence):
    assert sentence in words(visit(app, collection))


def test_parts_of_one_collection_share_its_encoder(app, tried):
    visit(app, "full", versus="part", **{"a.kind": "Pictures", "b.kind": "Texts"})
    assert words(app).count("a random sample") == 1
