"""The steps of an encoder's first use on the Search page and beside a job."""

import pytest
from streamlit.testing.v1 import AppTest

from core.encoders import Step
from core.workbench import Workbench
from tests.fixtures.screens import TOP, run, words

STEP = Step("clip (texts)", "converting to OpenVINO", 1, 3, started=-1e6)
SHOWN = r"clip \(texts\), step 1 of 3\: converting to OpenVINO, "


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def test_steps_are_shown_until_the_encoder_is_ready(app, monkeypatch):
    monkeypatch.setattr(Workbench, "encoder_steps", staticmethod(lambda: (STEP,)))
    monkeypatch.setattr(Workbench, "finish_encoders", staticmethod(lambda seconds: False))
    run(app, collection="colours")
    assert SHOWN in words(app)
    monkeypatch.undo()
    run(app)
    assert SHOWN not in words(app)
