"""Names, and what is said about names that are none."""

import pytest

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry


def make():
    things = Registry("thing")

    @things.register
    def first(x):
        """The first line.

        More.
        """

    @things.register(name="second")
    class Other:
        pass

    return things, first, Other


def test_things_go_by_their_names_in_order():
    things, first, other = make()
    assert list(things) == ["first", "second"]
    assert things["first"] is first
    assert things["second"] is other
    assert "third" not in things
    assert things.summary("first") == "The first line."
    assert things.summary("second") == ""


def test_an_unknown_name_is_told_with_the_near_match_and_the_list():
    things, *_ = make()
    with pytest.raises(UserError) as told:
        things["frist"]
    sentence = "unknown thing 'frist'; did you mean 'first'? (there is: first, second)"
    assert str(told.value) == sentence
    with pytest.raises(KeyError):
        things["x"]


def test_a_name_is_given_once():
    things, first, _ = make()
    with pytest.raises(ValueError, match="registered already"):
        things.register(first)
