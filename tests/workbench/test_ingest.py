"""The demo, as a first visitor meets it: its first part, searched with everyday words."""

import pytest

from core.ingest import demo
from core.workbench import Workbench

RIGHT = {
    "a dog": {"dog", "dog face"},
    "a cat": {"black cat", "cat face", "chelsea", "smiling cat with heart-eyes"},
    "pizza": {"pizza"},
    "a red car": {"automobile", "racing car"},
    "people": {
        *("barista", "baby", "firefighter", "man cook", "woman scientist", "woman dancing"),
        *("people holding hands", "woman and man holding hands", "astronaut"),
    },
    "food": {"french fries", "hamburger", "pizza", "sushi", "spaghetti", "hot dog", "pancakes"},
    "a flag": {"chequered flag", "pirate flag", "rainbow flag"},
    "snow on a mountain": {"snow-capped mountain"},
    "something to play music on": {
        *("drum", "guitar", "musical keyboard", "radio", "saxophone", "trumpet", "violin"),
    },
    "a happy face": {"grinning face", "smiling face with smiling eyes"},
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    built = Workbench(tmp_path_factory.mktemp("demo"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "DEMO_PARTS", ("first",))
        built.build_demo()
    yield built
    built.finish_encoders()


def test_the_first_part_is_about_200_images_with_their_captions(bench):
    card = bench.card("demo")
    assert 180 <= card.images <= 240
    assert card.texts > 2 * card.images


@pytest.mark.parametrize("query", RIGHT)
def test_everyday_words_find_a_right_image_among_the_first_three(bench, query):
    hits = bench.search(bench.open("demo"), query).hits[:3]
    found = {item.attributes["name"] for item in bench.items("demo", [hit.id for hit in hits])}
    assert found & RIGHT[query], found
