"""Normalisation keeps every offset."""

import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.runtime import text as text_module
from model.runtime.text import normalise


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("부산시", "부산시"),
        (unicodedata.normalize("NFD", "부산시"), "부산시"),
        ("부산\u00a0시", "부산 시"),
        ("부산\t시", "부산 시"),
        ("부\u200b산", "부산"),
        ("\ufeff부산", "부산"),
        ("a\r\nb", "a\n\nb"),
        ("부\x00산", "부 산"),
        ("부\ud800산", "부\ufffd산"),
        ("", ""),
        ("😀 부산", "😀 부산"),
        ("e\u0301te\u0301", "été"),
        ("후쿠\u202c오\u2068카시\ufe0f", "후쿠오카시"),
        ("e\u200b\u0301", "é"),
        ("\u1100\u200b\u1161", "가"),
        ("\u200b\ufeff", ""),
    ],
)
def test_what_the_network_reads(original: str, expected: str) -> None:
    assert normalise(original).text == expected


def test_spans_point_into_the_decomposed_original() -> None:
    original = unicodedata.normalize("NFD", "가 부산시는")
    normalised = normalise(original)
    place = normalised.text.index("부산시")
    start, end = normalised.original_span(place, place + 3)
    assert unicodedata.normalize("NFC", original[start:end]) == "부산시"


@given(st.text())
def test_normal_form_and_places(original: str) -> None:
    normalised = normalise(original)
    assert len(normalised.text) == len(normalised.starts) == len(normalised.ends)
    assert unicodedata.is_normalized("NFC", normalised.text.replace("\ufffd", ""))
    assert all(0 <= s < e <= len(original) for s, e in zip(normalised.starts, normalised.ends, strict=True))
    assert all(a <= b for a, b in pairwise(normalised.starts))
    for char, start, end in zip(normalised.text, normalised.starts, normalised.ends, strict=True):
        if char not in " \n\ufffd":
            assert char in unicodedata.normalize("NFC", text_module._DROPPED.sub("", original[start:end]))


@given(st.text())
def test_normalising_again_changes_nothing(original: str) -> None:
    once = normalise(original).text
    assert normalise(once).text == once


def test_dropped_characters_inside_a_name_are_inside_its_span() -> None:
    original = "일본 후쿠\u202c오카\u2069시는"
    normalised = normalise(original)
    place = normalised.text.index("후쿠오카시")
    assert original[slice(*normalised.original_span(place, place + 5))] == "후쿠\u202c오카\u2069시"


def test_format_characters_are_dropped_but_for_those_that_show() -> None:
    shown = {0x70F, 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x600, 0x606)}
    for code in range(0x13000):  # behind that, Egyptian and newer scripts, of which Python's tables know more each year
        if unicodedata.category(chr(code)) == "Cf":
            assert (normalise(chr(code)).text == "") == (code not in shown), f"U+{code:04X}"


def test_list_of_backward_starters_is_complete() -> None:
    """Every starter that is the second half of a canonical decomposition is on the list."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if 0xAC00 <= code <= 0xD7A3:
            continue
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            second = chr(int(parts[1], 16))
            if unicodedata.combining(second) == 0:
                assert text_module._may_compose_backwards(second), f"U+{ord(second):04X}"


def test_every_kind_of_white_space_is_one_of_two() -> None:
    everything = "".join(chr(code) for code in range(sys.maxunicode + 1) if not unicodedata.combining(chr(code)))
    normalised = normalise(everything)
    assert normalised.spaces.tolist() == [char.isspace() for char in normalised.text]


@given(st.lists(st.sampled_from("부산a \t\u00a0\u200b\ud800\ufeff一😀\n\r"), max_size=30).map("".join))
def test_composed_text_is_normalised_as_character_by_character(original: str) -> None:
    normalised = normalise(original)
    each = [(char, place) for place, one in enumerate(original) for char in normalise(one).text]
    assert list(normalised.text) == [char for char, _ in each]
    assert normalised.starts.tolist() == [place for _, place in each]
    assert normalised.ends.tolist() == [place + 1 for _, place in each]
