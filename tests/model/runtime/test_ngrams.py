"""Hashed n-grams: the same strings in the same buckets, wherever they stand."""

import numpy as np

from model.runtime.ngrams import BUCKETS, FEATURES, hashed_ngrams

WHOLE, UP_TO, FROM, PREVIOUS, NEXT = range(FEATURES - 5, FEATURES)


def test_a_string_has_its_bucket_wherever_it_stands() -> None:
    here, there = hashed_ngrams("어제 그 부산시는 갔다 왔다"), hashed_ngrams("길을 어제 그 부산시는 갔다 왔네")
    np.testing.assert_array_equal(here[5:9], there[8:12])


def test_other_strings_have_other_buckets() -> None:
    rows = hashed_ngrams("부산시는 후쿠오카시와 갔다")
    assert len(set(rows[:4, FROM].tolist())) == 4
    assert rows[0, WHOLE] != rows[5, WHOLE]
    assert rows[0, WHOLE] != rows[3, UP_TO], "each kind of string has a salt of its own"


def test_an_eojeol_knows_its_neighbours() -> None:
    rows = hashed_ngrams("가 나다 라")
    assert (rows[2:4, PREVIOUS] > 0).all()
    assert rows[0, PREVIOUS] == 0
    assert rows[5, NEXT] == 0
    assert rows[0, NEXT] == hashed_ngrams("마 나다")[0, NEXT]


def test_white_space_belongs_to_no_eojeol() -> None:
    assert (hashed_ngrams("가 나")[1, WHOLE:] == 0).all()


def test_any_text_is_described() -> None:
    for text in ("", " ", "\n", "가", "𝒳 漢字 é\n\n끝"):
        rows = hashed_ngrams(text)
        assert rows.shape == (len(text), FEATURES)
        assert ((rows >= 0) & (rows < BUCKETS)).all()


def test_buckets_are_used_evenly() -> None:
    text = " ".join(chr(0xAC00 + i % 11_000) + chr(0xAC00 + i * 7 % 11_000) for i in range(5_000))
    used = np.unique(hashed_ngrams(text)[:, WHOLE])
    expected = BUCKETS * (1 - np.exp(-5_000 / BUCKETS))
    assert abs(len(used) - expected) < 0.03 * expected
