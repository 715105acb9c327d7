"""Token vectors: stored once per item, resumed, deleted with the item, used to rerank."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from core.cli import main
from core.errors import Cancelled, InputError
from core.store.schema import tokens_name
from core.store.token_vectors import tokens_schema
from core.types.query import Part, Query
from core.types.tokens import Pooling
from core.workbench import Workbench, tasks
from tests.fixtures.files import painted
from tests.fixtures.items import database


@pytest.fixture
def bench(tmp_path):
    bench = Workbench()
    bench.ingest("halves", painted(tmp_path / "halves"), encoder="toy")
    return bench


def ask(text, **settings):
    return Query((Part(text),), kinds=("image",), **settings)


def test_tokens_are_stored_once_for_each_item(bench):
    assert bench.tokens_stored(bench.open("halves")).items == 0
    report = bench.add_tokens(bench.open("halves"))
    assert report.encoded == 48
    stored = bench.tokens_stored(bench.open("halves"))
    assert stored.items == 48
    assert 0 < stored.bytes_per_item <= 8 * 8 * 2
    assert bench.add_tokens(bench.open("halves")).encoded == 0
    collection, space = bench.home.open("halves"), bench.open("halves").space
    passport = collection.passport()
    tokens = collection.tokens.read(passport, [*space.ids, "nobody"])
    assert set(tokens) == set(space.ids)
    for vectors in tokens.values():
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
    # Deleting an item deletes its vectors.
    bench.delete_items("halves", space.ids[:2])
    assert bench.tokens_stored(bench.open("halves")).items == 46
    assert collection.tokens.read(passport, list(space.ids[:2])) == {}


def test_another_pooling_replaces_the_stored_one(bench):
    def stop(done, total):
        if done == 44:
            raise Cancelled

    bench.add_tokens(bench.open("halves"))
    assert bench.tokens_stored(bench.open("halves")).poolings == {"ward keep 8": 48}
    fewer = Pooling("kmeans", ratio=0.1)
    with pytest.raises(Cancelled):
        bench.add_tokens(bench.open("halves"), pooling=fewer, progress=stop)
    mixed = bench.tokens_stored(bench.open("halves")).poolings
    assert mixed.keys() == {"ward keep 8", "kmeans ratio 0.1"}
    assert sum(mixed.values()) == 48
    bench.add_tokens(bench.open("halves"), pooling=fewer)
    stored = bench.tokens_stored(bench.open("halves"))
    assert stored.poolings == {"kmeans ratio 0.1": 48}
    collection, space = bench.home.open("halves"), bench.open("halves").space
    tokens = collection.tokens.read(collection.passport(), space.ids)
    assert {len(tokens[id_]) for id_ in space.ids[: space.n_images]} == {2}  # of 16 patches
    # By default later items are pooled like the stored ones.
    bench.delete_items("halves", space.ids[:2])
    assert bench.add_tokens(bench.open("halves")).encoded == 0
    assert bench.tokens_stored(bench.open("halves")).poolings == {"kmeans ratio 0.1": 46}


def test_vectors_without_a_recorded_pooling_count_as_the_default(bench, home):
    collection, space = bench.home.open("halves"), bench.open("halves").space
    passport = collection.passport()
    old = pa.schema([f for f in tokens_schema(passport.d) if f.name != "pooling"])
    table = database(home).ensure(tokens_name(passport), old)
    vectors = [row.astype(np.float16)[None].tolist() for row in space.vectors[:3]]
    table.merge(pa.table([list(space.ids[:3]), vectors], schema=old), ["id"])
    assert bench.tokens_stored(bench.open("halves")).poolings == {"ward keep 8": 3}
    assert bench.add_tokens(bench.open("halves")).encoded == 45
    assert bench.tokens_stored(bench.open("halves")).poolings == {"ward keep 8": 48}


def test_a_stopped_run_is_resumed(bench):
    def stop(done, total):
        if done == 44:
            raise Cancelled

    with pytest.raises(Cancelled):
        bench.add_tokens(bench.open("halves"), progress=stop)
    before = bench.tokens_stored(bench.open("halves")).items
    assert 0 < before < 48
    assert bench.add_tokens(bench.open("halves")).encoded == 48 - before


@pytest.mark.slow
def test_another_process_resumes_a_killed_one(bench):
    code = (
        "import os; from core.ingest import token_vectors as tokens\n"
        "from core.workbench import Workbench\n"
        "tokens.CHUNK_ITEMS = 16\n"
        "def stop(done, total):\n"
        "    if done == 40: os._exit(9)\n"
        "bench = Workbench(); bench.add_tokens(bench.open('halves'), progress=stop)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == 9
    before = bench.tokens_stored(bench.open("halves")).items
    assert 16 <= before < 48
    job = tasks.start(bench, "add_tokens", "Tokens", name="halves", encoder=None).wait(60)
    assert job.state == "done"
    assert bench.tokens_stored(bench.open("halves")).items == 48


@pytest.mark.parametrize("name", ["max_sim", "orthogonal_fusion"])
def test_rerankers_need_token_vectors_and_say_so(bench, name):
    with pytest.raises(InputError, match="Store them: sextant tokens NAME"):
        bench.search(bench.open("halves"), ask("red and cyan", rerank=name))
    bench.add_tokens(bench.open("halves"))
    hits = bench.search(bench.open("halves"), ask("red and cyan", rerank=name)).hits
    assert len(hits) == 24
    like = Query((Part(item=hits[0].id),), kinds=("image",), rerank=name)
    assert hits[0].id not in {hit.id for hit in bench.search(bench.open("halves"), like).hits}
    by_image = Query((Part(image=bench.image_bytes("halves", hits[0].id)),), rerank=name)
    assert bench.search(bench.open("halves"), by_image).hits


def test_both_words_must_match_a_patch(bench):
    """Half red, half cyan is gray as a whole; its patches are not."""
    bench.add_tokens(bench.open("halves"))
    captions = {}
    for hit in bench.search(bench.open("halves"), ask("red cyan", rerank="max_sim")).hits[:4]:
        captions[hit.rank] = bench.partners("halves", hit.id)[0].text
    assert {"red", "cyan"} <= set(captions[1].split())


def test_an_item_without_tokens_counts_as_one_token(bench, tmp_path):
    bench.add_tokens(bench.open("halves"))
    Image.new("RGB", (9, 9), "red").save(tmp_path / "new.png")
    (tmp_path / "more").mkdir()
    (tmp_path / "new.png").rename(tmp_path / "more" / "new.png")
    bench.ingest("halves", tmp_path / "more", encoder="toy")
    hits = bench.search(bench.open("halves"), ask("red", rerank="max_sim")).hits
    assert bench.items("halves", [hits[0].id])[0].name.endswith("new.png")


def test_the_command_stores_them_and_counts_bytes(bench, capsys):
    assert main(["tokens", "halves", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["items"] == document["encoded"] == 48
    assert 0 < document["bytes_per_item"] <= 128
    assert document["pooling"] == {"ward keep 8": 48}
    assert main(["tokens", "nothing"]) == 2


def test_the_command_line_chooses_the_pooling(bench, capsys):
    assert main(["tokens", "halves", "--pool", "kmeans", "--keep", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["pooling"] == {"kmeans keep 2": 48}
    assert document["bytes_per_item"] <= 2 * 2 * 8
    for wrong in (["--keep", "0"], ["--ratio", "0"], ["--ratio", "1.1"]):
        with pytest.raises(SystemExit, match="2"):
            main(["tokens", "halves", *wrong])
        assert "allowed" in capsys.readouterr().err
    assert main(["tokens", "halves"]) == 0
    assert bench.tokens_stored(bench.open("halves")).poolings == {"kmeans keep 2": 48}
