"""Why this result: maps, words and rivals against what they are by definition."""

import numpy as np
import pytest

from core.encoders import encoder
from core.errors import NoTokens, UnknownItem
from core.search.explanation import ExplainedQuery, explain
from core.types.query import Part, Query
from core.types.tokens import Tokens, additive_tokens
from core.workbench import Workbench
from tests.fixtures import spaces
from tests.fixtures.calibrated import calibrate_all
from tests.fixtures.files import painted


@pytest.fixture
def bench(tmp_path):
    bench = Workbench()
    bench.ingest("halves", painted(tmp_path / "halves"), encoder="toy")
    return bench


def unit(x):
    return (x / np.linalg.norm(x)).astype(np.float32)


def whole(tokens):
    return (tokens.weights @ tokens.vectors).astype(np.float32)


def test_shares_of_places_and_words_sum_to_the_cosine(rng):
    places = additive_tokens(rng.normal(size=(12, 8)).astype(np.float32), (3, 4))
    named_tokens = ("red", "old", "dog", "")
    words = additive_tokens(rng.normal(size=(4, 8)).astype(np.float32), words=named_tokens)
    other = spaces.directions(5, 8)
    space = spaces.space(np.concatenate([whole(places)[None], other]), spaces.directions(4, 8, 2))
    named = spaces.directions(3, 8, 4)
    asked = ExplainedQuery(whole(words), words, spaces.directions(3, 8, 1), named)
    found = explain(space, 0, asked, patches=places)
    assert found.exact
    assert found.maps[""].shape == (3, 4)
    assert found.maps[""].sum() == pytest.approx(found.cosine, abs=1e-5)
    rest = words.weights[3] * (words.vectors[3] @ space.vectors[0])
    assert sum(w.share for w in found.words) + rest == pytest.approx(found.cosine, abs=1e-5)
    np.testing.assert_allclose(
        [w.drop for w in found.words],
        found.cosine - asked.leave_one_out @ space.vectors[0],
        atol=1e-6,
    )
    for word, vector in zip(found.words, named, strict=True):
        np.testing.assert_allclose(
            found.maps[word.text].ravel(), places.vectors @ vector, atol=1e-6
        )
    best = [found.maps[w.text].max() for w in found.words]
    np.testing.assert_allclose([w.best_patch for w in found.words], best, atol=1e-6)
    texts = space.texts @ space.vectors[0]
    assert found.captions[0][1] == pytest.approx(texts.max(), abs=1e-6)
    assert found.closer_texts == (texts > found.cosine).sum()


def test_the_rival_stands_next_and_its_words_are_the_difference(rng):
    space = spaces.space(spaces.directions(30, 8))
    words = additive_tokens(rng.normal(size=(3, 8)).astype(np.float32), words=("red", "dog", ""))
    asked = ExplainedQuery(whole(words), words, spaces.directions(2, 8, 1))
    scores = space.vectors @ asked.vector
    order = np.argsort(-scores)
    for at in (0, 1, 7):
        found = explain(space, int(order[at]), asked)
        assert found.rank == at + 1
        other = 1 if at == 0 else at - 1
        assert found.competitor.id == space.ids[order[other]]
        assert found.competitor.above == (at > 0)
        assert found.competitor.margin == pytest.approx(
            abs(scores[order[at]] - scores[order[other]]), abs=1e-6
        )
        rest = words.weights[2] * (
            words.vectors[2]
            @ (space.vectors[order[max(at - 1, 0)]] - space.vectors[order[max(at, 1)]])
        )
        assert sum(d for _, d in found.competitor.words) + rest == pytest.approx(
            found.competitor.margin, abs=1e-5
        )


def test_a_word_that_decides_is_named():
    red, dog, cat = np.eye(3, dtype=np.float32)
    space = spaces.space([unit(red + dog), unit(dog + 0.2 * cat)])
    words = additive_tokens(np.stack([red, dog]), words=("red", "dog"))
    asked = ExplainedQuery(whole(words), words, np.stack([dog, red]))
    found = explain(space, 0, asked)
    assert found.rank == 1
    assert found.competitor.decisive == ("red",)
    assert found.competitor.words[0][0] == "red"


def test_what_may_not_be_found_is_no_rival(rng):
    space = spaces.space(spaces.directions(10, 8))
    order = np.argsort(-(space.vectors @ space.vectors[3]))
    allowed = np.ones(10, bool)
    allowed[order[0]] = False
    found = explain(space, int(order[1]), ExplainedQuery(space.vectors[3]), allowed=allowed)
    assert (found.rank, found.n) == (1, 9)
    assert found.competitor.id == space.ids[order[2]]
    assert (
        explain(spaces.space(np.eye(1)), 0, ExplainedQuery(np.ones(1, np.float32))).competitor
        is None
    )


def test_the_map_of_a_colour_lies_where_it_is(bench):
    query = Query((Part("red, beside cyan"),), kinds=("image",))
    hit = bench.search(bench.open("halves"), query).hits[0]
    for candidate in bench.search(bench.open("halves"), query).hits:
        caption = bench.partners("halves", candidate.id)[0].text
        if caption.startswith("red beside"):
            hit = candidate
            break
    found = bench.explain(bench.open("halves"), query, hit.id)
    left, right = found.maps["red"][:, :2].mean(), found.maps["red"][:, 2:].mean()
    assert left > right + 0.1
    assert [w.text for w in found.words] == ["red", "beside", "cyan"]
    assert found.words[0].drop > 0
    assert found.note == ""
    assert found.cosine == pytest.approx(hit.cosine, abs=1e-5)
    assert found.rank == hit.plain_rank


def test_questions_of_other_forms_are_explained_as_a_whole(bench):
    space = bench.open("halves").space
    first, text = space.ids[0], space.ids[space.n_images]
    for query, id_ in (
        (Query((Part(item=first),), kinds=("image",)), space.ids[1]),
        (Query((Part(image=bench.image_bytes("halves", first)),)), space.ids[1]),
        (Query((Part("red"), Part("blue", weight=-0.5))), first),
    ):
        found = bench.explain(bench.open("halves"), query, id_)
        assert found.words == ()
        assert list(found.maps) == [""]
        assert found.closer_texts is None
    found = bench.explain(bench.open("halves"), Query((Part("red"),), kinds=("text",)), text)
    assert found.maps == {}
    assert found.captions == ()
    assert len(found.words) == 1
    with pytest.raises(UnknownItem):
        bench.explain(bench.open("halves"), Query((Part("red"),)), "nobody")


def test_an_encoder_without_places_says_so_and_tells_the_rest(bench, monkeypatch):
    def refuse(self, given):
        raise NoTokens("toy")

    for verb in ("image_tokens", "text_tokens"):
        monkeypatch.setattr(type(encoder.load("toy")), verb, refuse)
    space = bench.open("halves").space
    found = bench.explain(bench.open("halves"), Query((Part("red"),)), space.ids[0])
    assert "has no patch or text tokens" in found.note
    assert found.maps == {}
    assert found.captions
    assert found.competitor


def test_tokens_that_do_not_add_up_give_cosines(rng):
    x = spaces.directions(4, 8)
    places = Tokens(x, (2, 2))
    space = spaces.space(spaces.directions(3, 8, 5))
    found = explain(space, 0, ExplainedQuery(space.vectors[1]), patches=places)
    assert not found.exact
    np.testing.assert_allclose(found.maps[""].ravel(), x @ space.vectors[1], atol=1e-6)


def test_the_probabilities_are_those_of_the_result(bench, monkeypatch):
    calibrate_all(monkeypatch)
    opened, query = bench.open("halves"), Query((Part("red"),), kinds=("image",))
    hit = bench.search(opened, query).hits[1]
    why = bench.explain(opened, query, hit.id)
    assert why.p_null == pytest.approx(hit.p_null, rel=1e-5)
    assert why.probability == pytest.approx(hit.probability, rel=1e-5)
