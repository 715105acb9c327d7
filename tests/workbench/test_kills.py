"""Processes killed at any moment of any verb: the rerun loses, doubles and leaves nothing."""

import random
import re
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import pytest

from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl

pytestmark = [pytest.mark.hardening, pytest.mark.slow]
TOP = Path(__file__).parents[2]
N = 40
VERBS = {
    "ingest": "bench.ingest('c', source, encoder='toy')",
    "second encoder": "bench.add_encoder('c', 'starter')",
    "tokens": "bench.add_tokens(bench.open('c'))",
    "labels": "bench.set_labels('c', ids[:10], ['seen'])",
    "tags": "bench.tag('c', 'seen', ids[:10])",
    "items deleted": "bench.delete_items('c', ids[:10])",
    "undo": "bench.last_edit('c') and bench.undo('c')",
    "measured": "bench.measure_all(bench.open('c'))",
    "exported": "bench.save_export('c', 'folder', vectors=True)",
    "renamed": "bench.rename('c', 'd') if 'c' in bench.names() else None",
    "deleted": "bench.delete('c') if 'c' in bench.names() else None",
}
KILLS = 10  # of each verb
KEY = re.compile("[0-9a-f]{16}")  # the folder of a collection
RUN = """
import sys
from core.workbench import Workbench
bench, source, *ids = Workbench(sys.argv[1]), *sys.argv[2:]
print("begins", flush=True)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    from PIL import Image

    rows = [
        {
            "image": f"{i}.png",
            "captions": [f"a square of {i}", f"number {i}"],
            "labels": [str(i % 3)],
        }
        for i in range(N)
    ]
    files = {
        f"{i}.png": encoded(Image.new("RGB", (16, 16), (6 * i, 255 - 6 * i, 99))) for i in range(N)
    }
    folder = tmp_path_factory.mktemp("source")
    return folder_of(folder / "a", {**files, "items.jsonl": jsonl(*rows)}) / "items.jsonl"


@pytest.fixture(scope="module")
def begun(tmp_path_factory, source):
    """A home in which the verbs run, but that of an ingest."""
    home = tmp_path_factory.mktemp("begun") / "home"
    Workbench(home).ingest("c", source, encoder="toy")
    return home


def started(home, source, ids, verb):
    """A process that is about to run a verb."""
    command = [sys.executable, "-W", "ignore", "-c", RUN + VERBS[verb], home, source, *ids]
    process = subprocess.Popen(
        list(map(str, command)), cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begins\n", process.stderr.read()[-2000:]
    return process


def completed(process):
    """Seconds until it has ended."""
    began = time.perf_counter()
    error = process.communicate(timeout=300)[1]
    assert process.returncode == 0, error[-2000:]
    return time.perf_counter() - began


def state(home):
    """What is in the home, by collection."""
    bench = Workbench(home)
    return {
        name: (
            sorted(bench.home.open(name).ids()),
            bench.card(name).pairs,
            {e: bench.open(name, e).space.n for e in bench.encoders(name)},
        )
        for name in bench.names()
    }


@pytest.mark.parametrize("verb", VERBS)
def test_a_killed_verb_reads_and_running_it_again_completes_it(
    tmp_path, source, begun, verb, record_property
):
    record_property("cases", KILLS)
    pick, ids = random.Random(verb), sorted(Workbench(begun).open("c").space.ids)
    takes, expected = 0.0, {}
    for n in range(KILLS + 1):
        home = tmp_path / f"{n}"
        if verb != "ingest":
            copytree(begun, home)
        if verb == "undo":
            Workbench(home).delete_items("c", ids[:10])
        process = started(home, source, ids, verb)
        if not n:
            takes, expected = completed(process), state(home)
            continue
        time.sleep(pick.uniform(0, takes))
        process.kill()
        process.communicate()
        state(home)  # reads
        completed(started(home, source, ids, verb))
        assert state(home) == expected
        for name in expected:
            Workbench(home).check(name, repair=True)
            assert Workbench(home).check(name) == ()
        assert len([p for p in home.iterdir() if KEY.fullmatch(p.name)]) == len(expected)
