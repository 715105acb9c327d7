"""The exports of a collection are offered on its card."""

from streamlit.testing.v1 import AppTest

from core.workbench import Workbench, tasks
from tests.fixtures.screens import TOP, run, words


def test_an_export_in_the_background_is_offered_on_the_card_until_it_is_deleted(filled):
    bench = Workbench(filled)
    job = tasks.start(bench, "export", "Export", name="colours", form="csv", vectors=True)
    job.thread.join()
    (saved,) = bench.saved_exports("colours")
    assert saved.place.name == "colours.csv" and not saved.is_file
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    run(app.switch_page("pages/explore/collections.py"))
    app.button(key="_exports_colours").click()
    run(app)
    assert "Earlier exports" in words(app) and app.code[0].value == str(saved.place)
    bench.rename("colours", "colors")
    assert len(bench.saved_exports("colors")) == 1
    bench.rename("colors", "colours")
    bench.delete_export(saved)
    run(app)
    assert not [b for b in app.button if b.key == "_exports_colours"]
