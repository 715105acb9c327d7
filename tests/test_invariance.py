"""What an encoder ignores, on pictures whose answer can be seen by eye."""

import numpy as np
import pytest
from PIL import Image

from core.encoders import load
from core.encoders.toy import Toy
from core.errors import InputError, TooFew
from core.ingest.transforms import TRANSFORMS
from core.invariance import invariance


def painted(n=40, seed=0, size=(48, 32)):
    """Pictures of one colour each, with some noise."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (n, 1, 1, 3))
    noise = rng.integers(-40, 40, (n, size[1], size[0], 3))
    return [Image.fromarray(p) for p in np.clip(colours + noise, 0, 255).astype(np.uint8)]


class Constant(Toy):
    def encode_images(self, images):
        return np.tile(np.eye(8, dtype=np.float32)[:1], (len(images), 1))


def test_no_change_is_ignored_and_finds_itself():
    (found,) = invariance(painted(), load("toy"), transforms={"nothing": lambda image: image})
    assert found.value == pytest.approx(1, abs=1e-6)
    assert found.low <= found.value <= found.high
    assert found.high - found.low < 1e-5
    assert "finds itself first for 100%" in found.sentence
    assert found.verdict == "good"


def test_another_picture_keeps_nothing():
    images = painted(60)
    other = dict(zip(map(id, images), images[1:] + images[:1], strict=True))
    (found,) = invariance(images, load("toy"), transforms={"swap": lambda image: other[id(image)]})
    assert found.low < 0 < found.high
    assert found.verdict == "bad"
    assert "finds itself first for 0%" in found.sentence


def test_every_change_is_measured_and_counted():
    told = []
    found = invariance(painted(), load("toy"), progress=lambda *step: told.append(step))
    assert [f.name for f in found] == [f"invariance: {name}" for name in TRANSFORMS]
    assert told[-1] == (40 * 7, 40 * 7)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    for finding in found:
        assert np.isfinite([finding.low, finding.value, finding.high]).all()
        assert finding.low <= finding.value <= finding.high <= 1 + 1e-6
        assert finding.sentence.endswith(".")
        assert finding.curve.y.sum() == 40
    by_name = {f.name.removeprefix("invariance: "): f for f in found}
    # The toy encoder sees the mean colour: turning and blurring keep it, grey takes it away.
    assert by_name["blur"].value > 0.98
    assert by_name["rotation"].value > 0.9
    assert by_name["grey"].value < by_name["brightness"].value < by_name["jpeg"].value


def test_invariance_agrees_with_all_pairs():
    images, toy = painted(), load("toy")
    x = toy.encode_images(images).astype(np.float64)
    y = toy.encode_images([TRANSFORMS["grey"](i) for i in images]).astype(np.float64)
    unlike = (x @ x.T)[np.triu_indices(40, 1)].mean()
    (found,) = invariance(images, toy, transforms={"grey": TRANSFORMS["grey"]})
    direct = ((x * y).sum(axis=1).mean() - unlike) / (1 - unlike)
    assert found.value == pytest.approx(direct, abs=1e-6)
    first = ((y @ x.T).argmax(axis=1) == np.arange(40)).mean()
    assert f"itself first for {first:.0%}" in found.sentence


def test_the_interval_covers_what_many_pictures_would_give():
    toy, grey = load("toy"), {"grey": TRANSFORMS["grey"]}
    many = painted(1500, size=(8, 8))
    true = invariance(many, toy, transforms=grey)[0].value
    covered = 0
    for seed in range(100):
        chosen = np.random.default_rng(seed).choice(1500, 60, replace=False)
        found = invariance([many[i] for i in chosen], toy, transforms=grey)[0]
        covered += found.low <= true <= found.high
    assert covered >= 90


def test_copies_find_their_twin_and_that_counts():
    images = painted(12)
    (found,) = invariance(images + images, load("toy"), transforms={"nothing": lambda i: i})
    assert "finds itself first for 100%" in found.sentence


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_change_keeps_the_size_and_gives_colours(name, mode):
    image = painted(1)[0].convert(mode)
    before = image.tobytes()
    changed = TRANSFORMS[name](image)
    assert changed.size == image.size
    assert image.tobytes() == before
    if mode == "RGB":
        assert changed.mode == "RGB"
        assert changed.tobytes() != before
    tiny = TRANSFORMS[name](Image.new("RGB", (1, 1), "red"))
    assert tiny.size == (1, 1)


def test_an_encoder_that_sees_nothing_gives_a_sentence():
    with pytest.raises(InputError, match="gives all 40 pictures almost the same vector"):
        invariance(painted(), Constant())
    with pytest.raises(TooFew, match="needs at least 10 pictures; there are 3"):
        invariance(painted(3), load("toy"))
