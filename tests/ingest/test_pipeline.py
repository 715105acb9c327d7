"""Files to stored vectors: every row belongs to its item, and a kill loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from core import encoders
from core.errors import Cancelled, InputError, PassportMismatch
from core.ingest.images import decode
from core.types import Part, Passport, Query
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, half, jsonl, png, ramp

CAPTIONS = ["a red ball", "the blue sky", "a green hill", "black and white"]


def images(n):
    return {f"{i:03}.png": png(i) for i in range(n)}


def captioned(folder, n):
    rows = [
        {"image": f"{i:03}.png", "caption": f"{CAPTIONS[i % 4]} {i}", "label": f"l{i % 3}", "x": i}
        for i in range(n)
    ]
    return folder_of(folder, {**images(n), "items.jsonl": jsonl(*rows)})


def test_row_i_belongs_to_item_i(tmp_path):
    bench = Workbench()
    bench.ingest("pets", captioned(tmp_path / "in", 40), encoder="toy")
    space, toy = bench.open("pets").space, encoders.load("toy")
    assert (space.n_images, space.n) == (40, 80)
    for row in range(0, 40, 7):
        image = decode(bench.image_bytes("pets", space.ids[row]), "it")
        np.testing.assert_allclose(toy.encode_images([image])[0], space.vectors[row], atol=1e-6)
    texts = bench.items("pets", space.ids[40:])
    np.testing.assert_allclose(toy.encode_texts([t.text for t in texts]), space.texts, atol=1e-6)
    for image, text in space.pairs.tolist():
        number = bench.items("pets", [space.ids[image]])[0].attributes["x"]
        assert bench.items("pets", [space.ids[text]])[0].text.endswith(f" {number}")
    assert len(space.pairs) == 40


def test_a_second_run_adds_nothing_and_encodes_nothing(tmp_path):
    bench, folder = Workbench(), captioned(tmp_path / "in", 12)
    first = bench.ingest("pets", folder, encoder="toy")
    key = bench.open("pets").space.key
    again = bench.ingest("pets", folder, encoder="toy")
    assert (first.images, first.texts, first.encoded) == (12, 12, 24)
    assert (again.images, again.texts, again.encoded) == (0, 0, 0)
    assert len(again.repeated) == 24
    assert bench.open("pets").space.key == key


def test_one_bad_file_never_stops_the_rest(tmp_path):
    files = {"a.png": png(1), "b.jpg": half(encoded(ramp(300, 300), "JPEG")), "c.png": png(2)}
    files |= {"empty.png": b"", "words.png": "not an image"}
    report = Workbench().ingest("pets", folder_of(tmp_path / "in", files), encoder="toy")
    assert report.images == 2
    assert {r.name for r in report.rejected} == {"b.jpg", "empty.png", "words.png"}
    assert all(r.reason for r in report.rejected)


def test_the_same_caption_twice_is_one_text_with_two_images(tmp_path):
    rows = [{"image": f"{i:03}.png", "caption": "a dog"} for i in range(2)]
    folder = folder_of(tmp_path / "in", {**images(2), "items.jsonl": jsonl(*rows)})
    bench = Workbench()
    report = bench.ingest("pets", folder, encoder="toy")
    assert (report.images, report.texts, report.repeated) == (2, 1, ["a dog"])
    assert bench.open("pets").space.pairs.tolist() == [[0, 2], [1, 2]]


def test_a_second_encoder_leaves_the_first_alone(tmp_path, monkeypatch):
    bench = Workbench()
    bench.ingest("pets", captioned(tmp_path / "in", 10), encoder="toy")
    before = bench.open("pets", "toy").space
    monkeypatch.setattr(encoders, "load", lambda name, backend="auto": Other())
    report = bench.add_encoder("pets", "other")
    assert (report.encoded, report.images, report.repeated) == (20, 0, [])
    assert bench.card("pets").encoders == ("toy", "other")
    assert bench.open("pets", "toy").space.key == before.key
    other = bench.open("pets", "other").space
    assert other.ids == before.ids
    np.testing.assert_allclose(other.vectors, before.vectors[:, ::-1], atol=1e-6)


TOY = encoders.load("toy")


class Other:
    """The toy encoder with its dimensions in reverse."""

    name = "other"
    d = 8

    def __init__(self, model="other", weights="w"):
        self.toy = TOY
        self.passport = Passport(model, weights, "mean color", 8)

    def prepare(self, image):
        return self.toy.prepare(image)

    def encode_prepared(self, pixels):
        return self.toy.encode_prepared(pixels)[:, ::-1]

    def encode_images(self, images):
        return self.toy.encode_images(images)[:, ::-1]

    def encode_texts(self, texts):
        return self.toy.encode_texts(texts)[:, ::-1]


def test_an_encoder_with_other_weights_is_rejected(tmp_path, monkeypatch):
    bench = Workbench()
    bench.ingest("pets", captioned(tmp_path / "in", 3), encoder="toy")
    monkeypatch.setattr(encoders, "load", lambda name, backend="auto": Other("toy", "changed"))
    with pytest.raises(PassportMismatch, match=r"weights is changed \(stored: none\)"):
        bench.search(bench.open("pets"), Query((Part("red"),)))
    with pytest.raises(PassportMismatch):
        bench.ingest("pets", captioned(tmp_path / "more", 5), encoder="toy")
    assert bench.card("pets").images == 3
    opened = bench.open("pets")
    assert len(bench.search(opened, Query((Part(item=opened.space.ids[0]),))).hits) == 5


def test_an_encoder_of_another_configuration_is_rejected(tmp_path, monkeypatch):
    bench, encoder = Workbench(), Other()
    monkeypatch.setattr(encoders, "load", lambda name, backend="auto": encoder)
    bench.ingest("old", captioned(tmp_path / "in", 3), encoder="other")
    encoder.passport = replace(encoder.passport, configuration='{"quick_gelu": true}')
    report = bench.ingest("old", captioned(tmp_path / "more", 5), encoder="other")
    assert (report.images, len(bench.home.open("old").passports())) == (2, 1)
    assert any("without the encoder's configuration" in note for note in report.notes)
    assert bench.search(bench.open("old"), Query((Part("red"),))).hits
    bench.ingest("new", captioned(tmp_path / "in", 3), encoder="other")
    encoder.passport = replace(encoder.passport, configuration="{}")
    with pytest.raises(PassportMismatch, match=r"quick_gelu is the default \(stored: true\)"):
        bench.search(bench.open("new"), Query((Part("red"),)))


def test_old_vectors_serve_until_the_new_ones_are_complete(tmp_path, monkeypatch):
    bench = Workbench()
    folder = captioned(tmp_path / "in", 40)
    bench.ingest("pets", folder, encoder="toy")
    before = bench.open("pets").space
    newer = Other("toy", "newer")
    monkeypatch.setattr(encoders, "load", lambda name, backend="auto": newer)

    def stop(done, total):
        if done == 50:
            raise Cancelled

    with pytest.raises(Cancelled):
        bench.encode_again("pets", stop)
    assert bench.open("pets").space.key == before.key
    assert bench.encoders("pets") == ("toy",)
    gone = next(folder.rglob("039.png"))
    gone.rename(tmp_path / "away.png")
    with pytest.raises(InputError, match=r"1 item of 'pets' cannot be encoded again.*39\.png"):
        bench.encode_again("pets")
    assert bench.open("pets").space.key == before.key
    (tmp_path / "away.png").rename(gone)
    report = bench.encode_again("pets")
    assert 0 < report.encoded < 40
    after = bench.open("pets").space
    assert after.ids == before.ids
    np.testing.assert_allclose(after.vectors, before.vectors[:, ::-1], atol=1e-6)
    assert bench.search(bench.open("pets"), Query((Part("red"),))).hits
    with pytest.raises(InputError, match="there is nothing to encode again"):
        bench.encode_again("pets")


def test_cancelling_stores_what_was_encoded(tmp_path):
    bench, folder = Workbench(), captioned(tmp_path / "in", 200)

    def stop(done, total):
        if done == 150:
            raise Cancelled

    with pytest.raises(Cancelled):
        bench.ingest("pets", folder, encoder="toy", progress=stop)
    stored = bench.open("pets").space.n
    assert 150 <= stored < 400
    report = bench.ingest("pets", folder, encoder="toy")
    assert report.encoded == 400 - stored
    assert bench.open("pets").space.n == 400


CHILD = """
import sys, time
from core import encoders
from core.ingest import writer
from core.workbench import Workbench

writer.CHUNK_ROWS = 40
toy = encoders.load("toy")
encode = type(toy).encode_prepared

def slow(self, pixels):
    time.sleep(0.05)
    rows = encode(self, pixels)
    print(len(pixels), flush=True)
    return rows

type(toy).encode_prepared = slow
writer.IMAGE_BATCH = 8
Workbench(sys.argv[1]).ingest("pets", sys.argv[2], encoder="toy")
"""


def test_after_kill_9_the_same_command_ends_in_the_same_collection(tmp_path):
    folder, home = captioned(tmp_path / "in", 120), tmp_path / "killed"
    whole = Workbench(tmp_path / "whole")
    whole.ingest("pets", folder, encoder="toy")
    encoded_images = 0
    for seconds in (0.3, 0.7, 1.1):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(home), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        encoded_images += int(child.stdout.readline() or 0)
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        encoded_images += sum(map(int, child.communicate()[0].split()))
    bench = Workbench(home)
    report = bench.ingest("pets", folder, encoder="toy")
    encoded_images += report.encoded  # counts texts too: an upper bound
    expected = whole.open("pets").space
    assert bench.open("pets").space.key == expected.key
    assert bench.card("pets").images == 120
    ids = list(expected.ids)
    assert bench.thumbnails("pets", ids) == whole.thumbnails("pets", ids)
    assert [i.attributes for i in bench.items("pets", ids)] == [
        i.attributes for i in whole.items("pets", ids)
    ]
    # Three kills: at most three chunks of images were encoded twice.
    assert encoded_images <= 240 + 3 * 48


def test_the_report_is_plain_json(tmp_path):
    report = Workbench().ingest("pets", captioned(tmp_path / "in", 3), encoder="toy").to_dict()
    assert json.loads(json.dumps(report)) == report
    assert set(report) >= {"collection", "added", "repeated", "refused", "encoded", "seconds"}


def test_a_corrected_table_replaces_captions_labels_and_attributes(tmp_path):
    rows = [
        {"image": "000.png", "captions": ["wrong", "a dog"], "label": "cat", "year": 1999},
        {"image": "001.png", "captions": ["wrong too", "a dog"], "label": "dog"},
        {"caption": "wrong too"},
    ]
    folder = folder_of(tmp_path / "in", {**images(2), "items.jsonl": jsonl(*rows)})
    bench = Workbench()
    bench.ingest("pets", folder, encoder="toy")
    rows[0] |= {"captions": ["right"], "label": "wolf", "year": "2001"}
    rows[1]["captions"] = ["right too", "a dog"]
    folder_of(folder, {"items.jsonl": jsonl(*rows)})
    report = bench.ingest("pets", folder, encoder="toy")
    collection = bench.home.open("pets")
    space = bench.open("pets").space
    items = bench.items("pets", space.ids)
    pairs = {(items[i].name, items[t].text) for i, t in space.pairs.tolist()}
    assert pairs == {("000.png", "right"), ("001.png", "right too"), ("001.png", "a dog")}
    texts = {item.text for item in items if item.kind == "text"}
    assert texts == {"right", "right too", "a dog", "wrong too"}  # the last one is a row of its own
    image = next(item for item in items if item.name == "000.png")
    assert (image.labels, image.attributes) == (("wolf",), {"year": "2001"})
    assert [id_ for id_, _ in collection.search_text("wolf")] == [image.id]
    assert collection.search_text("cat") == []
    assert (report.updated, report.texts) == (1, 2)
    assert "Deleted 3 captions that the source no longer has." in report.notes
    again = bench.ingest("pets", folder, encoder="toy")
    assert (again.updated, again.images, again.texts, again.encoded) == (0, 0, 0, 0)
    assert not any("Deleted" in note for note in again.notes)


def test_a_copy_elsewhere_adds_labels_and_leaves_the_file_that_is_still_there(tmp_path):
    bench = Workbench()
    one = folder_of(tmp_path / "one", {"cat/a.png": png(1), "dog/b.png": png(2)})
    two = folder_of(tmp_path / "two", {"pets/x.png": png(1), "wild/y.png": png(3)})
    bench.ingest("pets", one, encoder="toy")
    report = bench.ingest("pets", two, encoder="toy")
    assert report.updated == 1
    assert report.notes[-1] == (
        "1 image is in the collection under another name (first: pets/x.png is cat/a.png); "
        "1 got the labels of both."
    )
    items = {item.name: item for item in bench.items("pets", bench.open("pets").space.ids)}
    assert items["cat/a.png"].labels == ("cat", "pets")
    assert items["cat/a.png"].source == str(one / "cat/a.png")
    (one / "cat/a.png").unlink()
    bench.ingest("pets", two, encoder="toy")
    assert bench.image_bytes("pets", items["cat/a.png"].id) == png(1)
