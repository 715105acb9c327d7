"""When collections were last used: by any process, and never in the way."""

import json
from time import time

from core.workbench import Workbench
from core.workbench.last_used import LastUsed


def test_a_use_is_noted_once_a_minute_and_seen_by_other_processes(tmp_path):
    path = tmp_path / "home" / "last_used.json"
    used, other = LastUsed(path), LastUsed(path)
    assert used.times() == {}
    used.note("birds")
    first = other.times()["birds"]
    assert abs(time() - first) < 60
    used.note("birds")
    assert other.times()["birds"] == first
    other.note("cats")
    assert list(sorted(used.times(), key=used.times().get)) == ["birds", "cats"]
    used.note("birds")  # back within a minute: it is the last again
    assert max(other.times(), key=other.times().get) == "birds"


def test_a_damaged_file_costs_only_the_order(tmp_path):
    path = tmp_path / "last_used.json"
    for text in ("", "[1]", '{"birds": "yesterday", "cats": 3}'):
        path.write_text(text)
        assert LastUsed(path).times() == ({"cats": 3.0} if "cats" in text else {})
    LastUsed(path).note("birds")
    assert json.loads(path.read_text()).keys() == {"birds", "cats"}


def test_cards_have_the_time_and_a_rename_keeps_it(home):
    bench = Workbench()
    bench.home.ensure("birds")
    assert bench.card("birds").used == 0.0
    bench.last_used.note("birds")
    bench.rename("birds", "more birds")
    assert abs(time() - bench.card("more birds").used) < 60
