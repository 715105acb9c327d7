"""The passport: which table vectors lie in, and what makes an encoder another one."""

import json
from dataclasses import replace

import pytest

from core.errors import PassportMismatch
from core.types import Passport

OLD = Passport("clip", "w1", "p1", 4)
NEW = replace(OLD, configuration='{"embed_dim": 4, "quick_gelu": true}')


def test_a_passport_stored_without_a_configuration_is_read():
    stored = json.loads(OLD.to_json())
    del stored["configuration"]
    read = Passport.from_json(json.dumps(stored))
    assert read == OLD
    assert read.key == "bd4fc7b8e7a0"


def test_the_configuration_is_part_of_identity_and_key():
    other = replace(NEW, configuration='{"embed_dim": 4}')
    assert len({OLD.key, NEW.key, other.key}) == 3
    assert len({OLD.identity, NEW.identity, other.identity}) == 3
    assert replace(NEW, backend="openvino", version="2").key == NEW.key


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (replace(NEW, d=8), "number of dimensions is 8 (stored: 4)."),
        (replace(NEW, weights="w2"), "digest of the weights is w2 (stored: w1)."),
        (
            replace(NEW, configuration='{"embed_dim": 4, "text_cfg.heads": 2}'),
            "quick_gelu is the default (stored: true), text_cfg.heads is 2 (stored: the default).",
        ),
    ],
)
def test_a_mismatch_names_what_differs(found, difference):
    with pytest.raises(PassportMismatch) as caught:
        NEW.check(found)
    assert f"'clip' is not the encoder of this collection: {difference}" in str(caught.value)


def test_without_a_stored_configuration_the_preprocessing_is_compared():
    OLD.check(NEW)
    assert "cannot be checked" in OLD.unchecked(NEW)
    assert NEW.unchecked(NEW) == ""
    with pytest.raises(PassportMismatch, match=r"preprocessing is p2 \(stored: p1\)"):
        OLD.check(replace(NEW, preprocessing="p2"))


def test_imported_vectors_are_compared_by_dimension():
    brought = Passport("clip", "", "", 4)
    brought.check(NEW)
    assert brought.unchecked(NEW) == ""
