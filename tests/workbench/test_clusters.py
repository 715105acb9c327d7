"""Clusters of a layout: stored with it, and with its places, not with its name alone."""

from dataclasses import replace

import numpy as np
import pytest

from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp


@pytest.fixture
def bench(tmp_path):
    rows = [{"image": f"{i}.png", "caption": f"a thing of kind {i}"} for i in range(24)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(24)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench(tmp_path / "home")
    bench.ingest("things", source / "items.jsonl", encoder="toy")
    return bench


def test_clusters_are_those_of_the_places_of_a_layout(bench):
    opened = bench.open("things")
    noise = np.random.default_rng(0).normal(size=(opened.space.n, 2)) / 50
    layout = bench.layout(opened, "pca")
    two = replace(layout, xy=(noise + (np.arange(len(noise)) % 2)[:, None]).astype("f4"))
    three = replace(layout, xy=(noise + (np.arange(len(noise)) % 3)[:, None]).astype("f4"))
    assert not bench.has_clusters(opened, two)
    assert bench.clusters(opened, two).sizes.tolist() == [24, 24]
    assert bench.has_clusters(opened, two) and not bench.has_clusters(opened, three)
    assert bench.clusters(opened, three).sizes.tolist() == [16, 16, 16]
    assert bench.clusters(opened, two).sizes.tolist() == [24, 24]


def test_the_words_that_name_clusters_are_encoded_once_and_followed(tmp_path):
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(24)}
    bench = Workbench(tmp_path / "home")
    bench.ingest("plain", folder_of(tmp_path / "images", files), encoder="toy")
    opened = bench.open("plain")
    layout = bench.layout(opened, "pca")
    two = replace(layout, xy=(np.arange(24) % 2 + np.zeros((2, 24))).T.astype("f4"))
    before = bench.clusters(opened, two)
    assert before.lacks_names and not bench.has_words(opened)
    seen = []
    named = bench.clusters(opened, two, encode=True, progress=lambda *at: seen.append(at))
    assert seen[0] == (0, named.words) and bench.has_words(opened)
    assert not named.lacks_names and len(set(named.names)) == 2
    assert bench.clusters(opened, two).names == named.names
