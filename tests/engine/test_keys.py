import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.engine import keys

from .examples import STEADY


@pytest.mark.parametrize(
    ("given", "part"),
    [("1", "01"), ("01", "01"), ("7 ", "07"), ("100", "100"), ("0", "00"), (" spring  sale ", "spring sale"),
     ("a-b", "a-b"), ("März", "März"), ("٣", "٣"), ("1a", "1a")],
)  # fmt: skip
def test_a_part_is_trimmed_and_its_digits_padded(given: str, part: str) -> None:
    assert keys.normalized(given) == part


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "must not be empty"),
        (" \n\t", "must not be empty"),
        ("x" * 61, "60 characters at most; this one has 61"),
        ("a\x1b[31m", "control or invisible"),
        ("a\u200bb", "control or invisible"),
        ("gpj\u202eexe", "control or invisible"),
        ("\ud800", "control or invisible"),
    ],
)
def test_what_can_be_no_part_is_refused_with_the_reason(given: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        keys.normalized(given)


@pytest.mark.parametrize(
    ("taken", "proposed"),
    [
        ([], "01"),
        (["01"], "02"),
        (["01", "03"], "04"),
        (["09"], "10"),
        (["99"], "100"),
        (["spring", "2b", "٣", "²"], "01"),
        (["9" * 60], "01"),
    ],
)
def test_the_number_after_the_highest_is_proposed(taken: list[str], proposed: str) -> None:
    assert keys.next_part(taken) == proposed


@STEADY
@given(st.lists(st.integers(0, 10**70).map(str) | st.text(max_size=3)))
def test_what_is_proposed_is_free_and_can_be_a_part(taken: list[str]) -> None:
    proposed = keys.next_part(taken)
    assert proposed not in taken
    assert keys.normalized(proposed) == proposed


@pytest.mark.parametrize("profile", ["Acme", "my-shop", "A B - C", "x-survey-01", "", "ümlaut"])
@pytest.mark.parametrize("part", ["01", "spring-sale", "survey-01"])
def test_a_whole_key_and_its_part_mean_the_same_whatever_the_profile_is_called(profile: str, part: str) -> None:
    key = keys.compose(profile, "survey", part)
    assert key == f"{profile}-survey-{part}"
    assert keys.part_of(key, profile, "survey") == part
    assert keys.part_of(part, profile, "survey") == part


def test_the_key_of_another_profile_is_a_part_like_any_text() -> None:
    assert keys.part_of("other-survey-1", "acme", "survey") == "other-survey-1"
    assert keys.part_of("acme-survey-1", "acme", "survey") == "01"
