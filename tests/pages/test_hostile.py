"""Every page draws, whatever is stored: hostile texts in collections, reports and job records."""

import json
import random
import re
from time import monotonic, sleep

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.errors import UnreadableFile
from core.types import Item
from core.workbench import Workbench
from pages.parts import problems
from tests.fixtures.screens import TOP, run, words

pytestmark = pytest.mark.hardening

ESCAPES = "\x1b]0;x\x07\x1b[2J"
HOSTILE = f"\ud800 {ESCAPES} \x00 <script>alert(1)</script> ](javascript:x) `$x$` :red[x] \u202e"
PAGES = (
    "explore/search", "explore/map", "measure/geometry", "measure/evaluate", "explore/collections",
    "improve/repair",
)  # fmt: skip
RECORD = {
    "id": "a", "title": "t", "verb": "ingest", "arguments": {"name": "c"}, "pid": 1, "born": "1",
    "created": 1.0, "state": "failed",
}  # fmt: skip
values = st.one_of(
    st.none(), st.text(), st.integers(), st.floats(), st.just(HOSTILE), st.just({"name": HOSTILE}),
    st.lists(st.text(), max_size=2), st.just(10**400),
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    bench = Workbench(folder)
    rows = [
        {
            "caption": f"red {i} {ESCAPES}",
            f"key {HOSTILE}": HOSTILE[2:],
            "label": f"{i % 2} {ESCAPES}",
        }
        for i in range(12)
    ]
    table = folder / "a.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    latin = folder / "b.csv"
    latin.write_bytes("caption,caf\xe9,n\x1b\nblue,\xe9t\xe9,1\ngreen,x,2\n".encode("latin-1"))
    for path in (table, latin):
        bench.ingest("c", path, encoder="toy")
    collection = bench.home.open("c")
    collection.artifacts.write_ingest_report(
        {"collection": HOSTILE, "added": {"image": 0, "text": 1}, "refused": [
            {"name": HOSTILE, "reason": HOSTILE}], "columns": {HOSTILE: HOSTILE},
         "left_aside": [], "notes": [HOSTILE], "form": HOSTILE, "repeated": [HOSTILE],
         "changed": [], "gone": [HOSTILE], "pruned": 0, "encoded": 1, "seconds": 0.1,
         "updated": 0, "unchanged": 0}
    )  # fmt: skip
    return folder


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(home):
    """What a map page starts would go on beside the next test, where its warnings are errors."""
    yield
    ends = monotonic() + 120
    while any(job.state == "running" for job in Workbench(home).jobs.all()):
        assert monotonic() < ends
        sleep(0.1)


def app_at(home, page, monkeypatch):
    monkeypatch.setenv("SEXTANT_HOME", str(home))
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90)
    return app.switch_page(f"pages/{page}.py")


def test_texts_are_clean_from_the_start():
    item = Item("text", b"x", HOSTILE, labels=(HOSTILE,), attributes={HOSTILE: HOSTILE})
    texts = [item.name, *item.labels, *item.attributes, *item.attributes.values()]
    texts.append(str(UnreadableFile(HOSTILE, HOSTILE)))
    for text in texts:
        assert text.encode() and "\x1b" not in text and "\x00" not in text


@pytest.mark.parametrize("page", PAGES)
def test_a_hostile_collection_is_drawn_on_every_page(home, page, monkeypatch):
    run(app_at(home, page, monkeypatch), collection="c", map="pca")


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(st.sampled_from([*RECORD, "rate", "done", "error"]), values))
def test_no_job_record_keeps_the_collections_from_being_drawn(home, changes, monkeypatch):
    folder = home / "jobs"
    folder.mkdir(exist_ok=True)
    (folder / "a.json").write_text(json.dumps({**RECORD, **changes}))
    drawn = words(run(app_at(home, "explore/collections", monkeypatch)))
    assert "**c**" in drawn


NAMES = (
    "q", "also", "uploaded", "kinds", "k", "page", "view", "mix", "vs", "miss", "encoder", "recipe",
    "words", "first", "hubs", "rerank", "expected", "map", "color", "selected", "within", "beside",
    "a.items", "family", "steps", "is.label", "not.label", "has.name", "range.size", "from.x",
    "collection",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_link_keeps_a_page_from_being_drawn(home, page, monkeypatch, record_property):
    """Names that pages know with values that they do not."""
    pick, n = random.Random(page), 25
    record_property("cases", n)
    for _ in range(n):
        link = {
            name: [
                pick.choice((HOSTILE[2:], "1e999", "-1", "x" * 3000, "a&b=c", '"', "item:", "0"))
            ]
            for name in pick.sample(NAMES, 5)
        }
        run(app_at(home, page, monkeypatch), **{"collection": "c", **link})


@pytest.mark.parametrize("later", [False, True])
def test_what_fails_in_a_part_of_a_page_is_a_sentence_with_an_id(home, monkeypatch, caplog, later):
    monkeypatch.setattr(problems.st, "get_option", lambda name: "none")
    app = run(app_at(home, "explore/search", monkeypatch), collection="c")

    def fails(*_, **__):
        raise RuntimeError("/a/path/of/the/server")

    monkeypatch.setattr("pages.parts.search.results.find", fails)
    if later:
        app.text_input(key="_q").set_value("red").run()
    else:
        run(app, q="red")
    (said,) = [error.value for error in app.error]
    id_ = re.search(r"at error (\w{8})\.", said)[1]
    assert "/a/path" not in words(app)
    assert f"Error {id_}" in caplog.text and "/a/path/of/the/server" in caplog.text


def test_every_part_that_runs_alone_is_behind_the_door():
    for path in (TOP / "pages").rglob("*.py"):
        code = path.read_text("utf-8")
        parts = len(re.findall(r"st\.(?:fragment|dialog)\b", code))
        assert parts == len(re.findall(r"problems\.guarded\b", code)), path
