"""What an encoder ignores, predicts and crowds, where the answer is known beforehand."""

import re

import numpy as np
import pytest
from PIL import Image

from core.encoders.encoder import load
from core.errors import BadParameter, InputError, TooFew
from core.ingest.augmentations import AUGMENTATIONS
from core.measure.probe_data import Augmented, ProbeData
from core.measure.probes import PROBES
from core.measure.probes.equivariance import equivariance
from core.measure.probes.invariance import invariance
from core.measure.probes.truncation import truncation

probes = pytest.mark.parametrize("part", PROBES.all().values(), ids=lambda p: p.name)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def directions(*shape, seed=0):
    return unit(np.random.default_rng(seed).standard_normal(shape))


def painted(n=40, seed=0, size=(48, 32)):
    """Images of one color each, with some noise."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (n, 1, 1, 3))
    noise = rng.integers(-40, 40, (n, size[1], size[0], 3))
    return [Image.fromarray(p) for p in np.clip(colours + noise, 0, 255).astype(np.uint8)]


def changed(rows, usual=0):
    rows = rows if rows.ndim == 3 else rows[:, None]
    return Augmented(rows, tuple(f"step {i + 1}" for i in range(rows.shape[1])), usual)


def probe_data(pictures, *views, usual=0):
    """Images and one change of them, from its rows at each strength."""
    return ProbeData(pictures, {"change": changed(np.stack(views, axis=1), usual)})


def encoded(images, names=tuple(AUGMENTATIONS), usual=True):
    """The toy encoder's rows of images before and after some transforms."""
    toy = load("toy")
    changes = {}
    for name in names:
        transform = AUGMENTATIONS[name]
        rows = np.stack([toy.encode_images(transform.views(i)) for i in images])
        changes[name] = Augmented(rows, transform.words, transform.usual)
    return ProbeData(toy.encode_images(images), changes)


# Every probe


@probes
def test_a_probe_is_documented_and_judged(part):
    assert part.family == "Encoder"
    assert part.summary.endswith(".")
    assert re.search(r"\b20\d\d\b", part.source)
    assert part.traits["takes"] in ("images", "texts")
    for section in ("Args:", "Returns:", "Raises:", ">>>"):
        assert section in part.about
    assert part.traits["threshold"].source
    assert part.traits["advice"].what.endswith(".")


@probes
def test_nothing_is_too_few(part):
    with pytest.raises(TooFew, match=r"needs at least \d+ .*; there are none\. Add"):
        part(ProbeData())


@probes
def test_settings_outside_their_range_are_refused(part):
    for param in part.params:
        with pytest.raises(BadParameter, match=f"{param.name} is .*allowed"):
            part(ProbeData(), **{param.name: param.allowed.low - 1})


def whole(findings):
    for f in findings:
        assert np.isfinite([f.low, f.value, f.high, f.reference.value]).all()
        assert f.low <= f.value <= f.high
        assert f.sentence.endswith(".") and re.search(r"\d", f.sentence)
        assert not re.search(r"\b(nan|inf)\b", f.sentence)
        assert f.sampled and f.verdict in ("good", "watch", "bad", "unknown")
    return findings


# Invariance


def test_no_change_is_ignored_and_finds_itself():
    rows = load("toy").encode_images(painted())
    (found,) = whole(invariance(probe_data(rows, rows)))
    assert found.value == pytest.approx(1, abs=1e-6)
    assert found.high - found.low < 1e-5
    assert "original first for 100%" in found.detail
    assert found.verdict == "good"


def test_another_picture_keeps_nothing():
    rows = load("toy").encode_images(painted(60))
    (found,) = invariance(probe_data(rows, np.roll(rows, 1, axis=0)))
    assert found.low < 0 < found.high
    assert found.verdict == "bad"
    assert "original first for 0%" in found.detail


def test_every_change_is_measured_at_its_usual_strength():
    found = whole(invariance(encoded(painted())))
    assert [f.name for f in found] == [f"invariance: {name}" for name in AUGMENTATIONS]
    by_name = {f.name.removeprefix("invariance: "): f for f in found}
    for name, finding in by_name.items():
        assert finding.curve.y[0] == 1
        assert finding.curve.y[1 + AUGMENTATIONS[name].usual] == pytest.approx(finding.value)
        assert finding.per_item.shape == (40,)
    # The toy encoder sees the mean color: turning and blurring keep it, gray takes it away.
    assert by_name["blur"].value > 0.98
    assert by_name["rotation"].value > 0.9
    assert by_name["grey"].value < by_name["brightness"].value < by_name["jpeg"].value
    assert (np.diff(by_name["grey"].curve.y) < 0).all()


def test_invariance_agrees_with_all_pairs():
    given = encoded(painted(), ["grey"])
    x, y = given.images.astype(np.float64), given.changed["grey"].rows[:, 3].astype(np.float64)
    unlike = (x @ x.T)[np.triu_indices(40, 1)].mean()
    (found,) = invariance(given)
    direct = ((x * y).sum(axis=1).mean() - unlike) / (1 - unlike)
    assert found.value == pytest.approx(direct, abs=1e-6)
    first = ((y @ x.T).argmax(axis=1) == np.arange(40)).mean()
    assert f"original first for {first:.0%}" in found.detail


def test_copies_find_their_twin_and_that_counts():
    rows = load("toy").encode_images(painted(12) * 2)
    (found,) = invariance(probe_data(rows, rows))
    assert "original first for 100%" in found.detail


def test_the_interval_of_invariance_covers_what_many_pictures_would_give():
    many = encoded(painted(1500, size=(8, 8)), ["grey"])
    true, covered = invariance(many)[0].value, 0
    for seed in range(100):
        kept = np.random.default_rng(seed).choice(1500, 60, replace=False)
        part = ProbeData(
            many.images[kept], {"grey": Augmented(many.changed["grey"].rows[kept], ("",) * 4, 3)}
        )
        found = invariance(part)[0]
        covered += found.low <= true <= found.high
    assert covered >= 90


def test_an_encoder_that_sees_nothing_gives_a_sentence():
    rows = np.tile(np.eye(8, dtype=np.float32)[:1], (40, 1))
    for part in (invariance, equivariance):
        with pytest.raises(InputError, match="gives all 40 images almost the same vector"):
            part(probe_data(rows, rows))


# Equivariance


def turns(d, v, seed=0):
    rng = np.random.default_rng(seed)
    return [np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(v)]


def test_a_change_that_turns_the_space_is_predicted_exactly():
    rows = directions(120, 12)
    (found,) = whole(
        equivariance(probe_data(rows, *(unit(rows @ q) for q in turns(12, 4)), usual=2))
    )
    assert found.value == pytest.approx(1, abs=1e-3)
    assert "picks the right one for 100%" in found.detail
    assert "MRR 1, by chance" in found.detail
    assert found.curve.y == pytest.approx(np.ones(4), abs=1e-3)
    assert found.verdict == "good"


def test_a_change_to_anything_is_not_predicted_and_views_are_guessed():
    rows = directions(300, 12)
    (found,) = whole(equivariance(probe_data(rows, *directions(4, 300, 12, seed=1))))
    assert abs(found.value) < 0.02
    assert found.low - 0.02 <= 0
    assert found.verdict == "bad"
    mrr = float(re.search(r"MRR (\d\.\d+)", found.detail)[1])
    assert mrr == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, abs=0.03)


def test_drawing_every_picture_to_the_mean_is_no_equivariance():
    """It can be told from a vector alone, so a linear map that finds it has found nothing."""
    rows = directions(200, 12)
    (found,) = equivariance(probe_data(rows, unit(0.6 * rows + 0.8 * directions(200, 12, seed=1))))
    assert abs(found.value) < 0.05


def test_one_shift_for_all_is_predicted_and_told_apart():
    rows = directions(200, 12)
    steps = [unit(rows + s * np.eye(12)[0]) for s in (0.3, 0.6, 0.9)]
    (found,) = equivariance(probe_data(rows, *steps, usual=1))
    assert found.value > 0.9
    shift = float(re.search(r"shift for all images predicts ([\d.]+)\.", found.detail)[1])
    assert 0.8 < shift < found.value
    assert float(re.search(r"R2 of ([\d.]+)\.", found.detail)[1]) > 0.5


def test_where_nothing_moves_there_is_nothing_to_predict():
    rows = directions(60, 12)
    (found,) = whole(equivariance(probe_data(rows, rows, rows)))
    assert found.value == found.low == found.high == 0
    assert found.verdict == "good"
    assert "no change to predict" in found.sentence


def test_equivariance_is_the_same_in_a_turned_space():
    rows, (q,) = directions(100, 12), turns(12, 1, seed=5)
    views = [unit(rows + 0.5 * s * directions(100, 12, seed=s)[:, ::-1]) for s in (1, 2)]
    plain = equivariance(probe_data(rows, *views))[0]
    turned = equivariance(probe_data(unit(rows @ q), *(unit(v @ q) for v in views)))[0]
    assert turned.value == pytest.approx(plain.value, abs=1e-4)
    assert turned.verdict == plain.verdict


def test_the_interval_of_equivariance_covers_its_mean_over_many_samples():
    turn, found = turns(6, 1)[0], []
    for seed in range(100):
        rows = directions(60, 6, seed=seed)
        noise = directions(60, 6, seed=1000 + seed)
        found.append(equivariance(probe_data(rows, unit(rows @ turn + 0.7 * noise)))[0])
    true = np.mean([f.value for f in found])
    assert 0.2 < true < 0.8
    assert sum(f.low <= true <= f.high for f in found) >= 90


# Truncation


def narrowing(spread, m=60, d=8, seed=0):
    """The same m texts at each length: a common direction, and each its own share of another."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((m, d))
    own[:, 0] = 0
    own = unit(own)
    return np.stack([unit(np.eye(d)[0] + s * own) for s in spread])


def of_cuts(spread, **other):
    return ProbeData(cut=narrowing(spread), cut_to=np.array([4, 8, 16, 32][: len(spread)]), **other)


def test_texts_that_narrow_as_they_grow_are_the_encoders_doing():
    (found,) = whole(truncation(of_cuts([2, 1.5, 1, 0.6])))
    assert found.name == "truncation: cut"
    assert found.low > 0.08
    assert found.verdict == "bad"
    assert "The encoder itself crowds longer texts." in found.sentence


def test_the_slope_is_that_of_all_pairs():
    given = of_cuts([2, 1, 0.5, 0.25])
    upper = np.triu_indices(60, 1)
    crowding = [(rows @ rows.T)[upper].mean() for rows in given.cut.astype(np.float64)]
    slope = np.polyfit(np.log2(given.cut_to), crowding, 1)[0]
    found = truncation(given)[0]
    assert found.value == pytest.approx(slope, abs=1e-5)
    np.testing.assert_allclose(found.curve.y, crowding, atol=1e-6)


def test_more_words_that_set_texts_apart_are_good():
    found = truncation(of_cuts([0.5, 1, 2, 4]))[0]
    assert found.high < 0
    assert found.verdict == "good"
    assert "The encoder does not crowd longer texts." in found.sentence


def test_lengths_that_do_not_matter_are_chance():
    rng = np.random.default_rng(3)
    cut = unit(narrowing([1, 1, 1, 1]) + 0.02 * rng.standard_normal((4, 60, 8)))
    found = truncation(ProbeData(cut=cut, cut_to=np.array([4, 8, 16, 32])))[0]
    assert found.low < 0 < found.high
    assert "does not crowd" in found.sentence
    assert found.verdict == "good"


def test_long_texts_about_one_thing_are_told_from_an_encoder_that_crowds():
    words = np.repeat([4, 8, 16, 32], 60)
    texts = np.concatenate(narrowing([2, 1.5, 1, 0.6], seed=1))
    cut, natural = whole(truncation(of_cuts([1, 1.2, 1.4, 1.6], texts=texts, words=words)))
    assert natural.low > 0.08
    assert natural.curve.x.tolist() == [4, 8, 16, 32]
    assert cut.high < 0
    assert "because of their topics" in cut.sentence


def test_texts_of_one_length_have_no_natural_slope():
    texts = directions(40, 8)
    assert len(truncation(of_cuts([1, 2], texts=texts, words=np.full(40, 7)))) == 1


# Transforms


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_change_keeps_the_size_and_gives_colours(name, mode):
    image = painted(1)[0].convert(mode)
    before = image.tobytes()
    for view in AUGMENTATIONS[name].views(image):
        assert view.size == image.size
        assert image.tobytes() == before
        if mode == "RGB":
            assert view.mode == "RGB"
            assert view.tobytes() != before
    assert AUGMENTATIONS[name].usually(Image.new("RGB", (1, 1), "red")).size == (1, 1)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_stronger_change_changes_more(name):
    smooth = Image.fromarray(np.add.outer(np.arange(96), np.arange(96)).astype(np.uint8))
    image = Image.merge("RGB", (smooth, smooth.rotate(90), Image.new("L", smooth.size, 90)))
    image.paste((250, 10, 30), (30, 10, 60, 40))
    pixels = np.asarray(image, np.float64)
    away = [np.abs(np.asarray(v) - pixels).mean() for v in AUGMENTATIONS[name].views(image)]
    assert away == sorted(away)
