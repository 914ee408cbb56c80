"""Lists of names: what is marked, what is not, and how they are kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.runtime.errors import ModelError
from model.runtime.lexicon import LISTS, Lexicon, read_lexicon, read_lists, write_lexicon


def _lexicon(**lists: tuple[str, ...]) -> Lexicon:
    return Lexicon({name: lists.get(name, ()) for name in LISTS})


def _bits(name: str, pattern: str) -> list[int]:
    """`B` begins a name of the list, `I` goes on with it."""
    return [{"B": 1, "I": 2, ".": 0}[char] << 2 * LISTS.index(name) for char in pattern]


def test_the_longest_name_at_a_word_start_counts() -> None:
    lexicon = _lexicon(foreign_municipalities=("빈", "빈롱", "탐페레"))
    assert lexicon.mark("빈롱과 빈, 탐페레시").tolist() == _bits("foreign_municipalities", "BI..B..BII.")


def test_names_begin_where_words_begin_and_endings_anywhere() -> None:
    lexicon = _lexicon(korean_municipalities=("부산",), organisation_endings=("공사",))
    assert lexicon.mark("서부산공사").tolist() == _bits("organisation_endings", "...BI")
    assert lexicon.mark("서울·부산").tolist() == _bits("korean_municipalities", "...BI")


def test_a_given_name_counts_behind_a_surname_only() -> None:
    lexicon = _lexicon(korean_surnames=("김", "남궁"), korean_given_names=("민수", "연"))
    surname, given = (_bits(name, pattern) for name, pattern in (("korean_surnames", "B.."), ("korean_given_names", ".BI")))
    assert lexicon.mark("김민수").tolist() == [a | b for a, b in zip(surname, given, strict=True)]
    assert lexicon.mark("민수연").tolist() == [0, 0, 0]
    assert lexicon.mark("남궁연")[2] == _bits("korean_given_names", "..B")[2]


def test_a_surface_in_two_lists_is_marked_for_both() -> None:
    lexicon = _lexicon(korean_municipalities=("광주",), foreign_municipalities=("광주",))
    assert lexicon.mark("광주")[0] == _bits("korean_municipalities", "B")[0] | _bits("foreign_municipalities", "B")[0]


def test_nothing_is_marked_without_lists_or_text() -> None:
    assert Lexicon.empty().mark("부산").tolist() == [0, 0]
    assert _lexicon(regions=("유럽",)).mark("").tolist() == []


def test_a_name_that_the_text_cuts_off_is_not_marked() -> None:
    assert _lexicon(regions=("유럽연합",)).mark("유럽").tolist() == [0, 0]


def test_lists_are_read_from_a_folder_and_kept_with_a_model(tmp_path: Path) -> None:
    (tmp_path / "regions.txt").write_text("# continents\n유럽\n\n유럽\n", encoding="utf-8")
    lexicon = read_lists(tmp_path)
    assert lexicon.lists["regions"] == ("유럽",)
    write_lexicon(tmp_path, lexicon)
    assert read_lexicon(tmp_path).lists == lexicon.lists


def test_bad_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no lists"):
        read_lists(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_lexicon(tmp_path)
    (tmp_path / "lexicon.json").write_text('{"cities": ["부산"]}', encoding="utf-8")
    with pytest.raises(ModelError, match="cities"):
        read_lexicon(tmp_path)


@given(
    st.text(alphabet="부산김 민수시장_1", max_size=20),
    st.lists(st.text(alphabet="부산김민수시장 ", min_size=1, max_size=3), max_size=6),
)
def test_marks_are_those_of_looking_at_every_place(text: str, names: list[str]) -> None:
    names = [name for name in names if name.strip() == name]
    lexicon = _lexicon(regions=tuple(names), titles=tuple(names[:2]))
    expected = [0] * len(text)
    for known, anywhere in (("regions", False), ("titles", True)):
        for place in range(len(text)):
            begins = text[place].isalnum() and (place == 0 or not text[place - 1].isalnum())
            here = [name for name in lexicon.lists[known] if text.startswith(name, place)]
            if here and (anywhere or begins):
                for shift, bit in enumerate(_bits(known, "B" + "I" * (len(max(here, key=len)) - 1))):
                    expected[place + shift] |= bit
    assert lexicon.mark(text).tolist() == expected
