"""The Formats page: every form of the readers, with its name and example."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.workbench import FORMS

TOP = Path(__file__).parents[2]


def test_every_form_is_shown_with_its_name_and_example(monkeypatch):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90).run()
    app.switch_page("pages/about/formats.py").run()
    assert not app.exception
    assert [one.value for one in app.code] == [form.example for form in FORMS]
    shown = "\n".join(one.value for one in app.markdown)
    assert all(form.name in shown for form in FORMS)
    assert len({form.name for form in FORMS}) == len(FORMS)
