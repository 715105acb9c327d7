"""Finding one's way: the bar, every page by a click, Back and Forward, at three widths."""

import re


def test_a_deep_link_opens_without_errors(visit):
    page = visit("evaluate?collection=colours")
    page.get_by_text(re.compile("recall@10", re.I)).first.wait_for()
