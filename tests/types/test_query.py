"""What a query accepts."""

from typing import get_args

import pytest

from core.errors import BadParameter
from core.types import Part, Query
from core.types.query import FirstStage, FullText, Mix, Template


@pytest.mark.parametrize(
    ("name", "known"),
    [("mix", Mix), ("template", Template), ("first_stage", FirstStage), ("full_text", FullText)],
)
def test_a_setting_is_one_of_the_documented_values(name, known):
    for value in get_args(known):
        assert getattr(Query((Part("a dog"),), **{name: value}), name) == value
        assert f'"{value}"' in Query.__doc__ or name == "template"
    with pytest.raises(BadParameter, match=f"{name} is 'bogus'; allowed: "):
        Query((Part("a dog"),), **{name: "bogus"})
