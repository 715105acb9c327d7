"""Work in the background and the steps that are running."""

from threading import Event

import pytest

from core.encoders import steps
from core.errors import Cancelled


def test_a_step_is_announced_while_it_runs():
    with steps.step("clip", "loading"):
        (step,) = steps.preparing()
        assert (step.name, step.seconds < 5) == ("clip: loading", True)
    assert steps.preparing() == ()


def test_a_step_that_fails_is_over():
    with pytest.raises(ValueError, match="bad"), steps.step("clip", "loading"):
        raise ValueError("bad")
    assert steps.preparing() == ()


def test_waiting_for_work_in_the_background():
    go = Event()
    steps.in_background(lambda: go.wait(60), "work")
    assert not steps.finish(0.01)
    go.set()
    assert steps.finish(60)


def test_work_in_the_background_ends_with_the_process(monkeypatch):
    class Ended:
        def is_alive(self):
            return False

    monkeypatch.setattr(steps, "main_thread", Ended)
    with pytest.raises(Cancelled), steps.step("clip", "loading"):
        pytest.fail("the step was run")
