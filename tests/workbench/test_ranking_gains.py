"""Gains of rankings on a collection's own pairs: measured once, stored with the vectors' state."""

import pytest

from core.errors import BadParameter, Cancelled, TooFew
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp

WORDS = {"full_text": "sum"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Forty gray images that the toy encoder cannot tell apart by words; two captions each."""
    folder = tmp_path_factory.mktemp("gains")
    rows = [
        {"image": f"{i}.png", "caption": f"{way} zq{i}x"}
        for i in range(40)
        for way in ("thing", "object")
    ]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    items = folder_of(folder / "items", {**files, "items.jsonl": jsonl(*rows)})
    alone = folder_of(folder / "alone", {**files, "items.jsonl": jsonl(*rows[::2])})
    workbench = Workbench(folder / "home")
    workbench.ingest("things", items / "items.jsonl", encoder="toy")
    workbench.ingest("single", alone / "items.jsonl", encoder="toy")
    return workbench


def test_full_text_finds_the_other_caption_of_an_image(bench):
    (gain,) = bench.measure_rankings(bench.open("things"), [WORDS])
    assert gain.recall == 1.0 and gain.low > 0 and gain.verdict == "gains"
    assert gain.recall - gain.plain == pytest.approx(gain.gain)
    assert gain.low <= gain.gain <= gain.high


def test_a_caption_never_finds_itself(bench):
    opened = bench.open("things")
    (id_,) = [row["id"] for row in bench.table(opened).to_pylist() if row["text"] == "thing zq7x"]
    found = dict(opened.collection.search_text("zq7x", without=id_))
    assert id_ not in found and len(found) == 2  # the other caption and the image
    with pytest.raises(TooFew, match="images with another caption"):
        bench.measure_rankings(bench.open("single"), [WORDS])


def test_a_measured_gain_is_stored_until_the_vectors_change(bench):
    opened = bench.open("things")
    assert bench.ranking_gain(opened, {"hub_correction": "nnn"}) is None
    first = bench.measure_rankings(opened, [WORDS, {"hub_correction": "nnn"}])

    def no_query(done, total):
        assert done == total == 0

    assert bench.measure_rankings(opened, [{"hub_correction": "nnn"}], progress=no_query) == (
        first[1],
    )
    assert bench.ranking_gain(opened, {"hub_correction": "nnn", "rerank": ""}) == first[1]
    text = opened.space.ids[-1]
    bench.delete_items("things", [text])
    assert bench.ranking_gains(bench.open("things")) == {}


def test_unknown_settings_and_cancel(bench):
    opened = bench.open("things")
    with pytest.raises(BadParameter, match="kinds"):
        bench.measure_rankings(opened, [{"kinds": "image"}])

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        bench.measure_rankings(opened, [{"hub_correction": "csls"}], progress=stop)
    assert bench.ranking_gain(opened, {"hub_correction": "csls"}) is None
