"""Sentence boundaries on hand-made cases, and properties on any text."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.runtime.sentences import MAX_SENTENCE, sentence_spans

# `|` marks the boundaries.
CASES = [
    "부산시는 3일 밝혔다. | 후쿠오카시도 화답했다.",
    "시는 “하겠다. 또 하겠다.” 고 밝혔다. | 끝.",
    "그는 “좋다.”라고 했다. | 다음 문장이다.",
    "“협력은 이제 시작이다.” | 박 시장은 웃었다.",
    "2023. 5. 3. 협약을 맺었다. | 두 도시는 웃었다.",
    "’23. 5. 3. 협약을 맺었다.",
    "St. Louis에서 만났다. | J. Kim 교수도 왔다.",
    "손잡는다… 수소 협력 ‘물꼬’",
    "예산은 1.5배 늘었다. | 3.5%다.",
    "만났다(3일. 부산). | 이어 갔다!",
    "왜 지금인가? | 답은 없다.",
    "닫히지 않은 “인용이 있다. | 다음 문장이다.",
    "1. 개요",
    '"끝났다. 정말 끝났다"며 웃었다. | 그렇다.',
    "▲ 사진 설명이다. | 또 있다.",
    "그는 '가자. 나도 간다'라고 했다. | 끝이다.",
    "시는 '26. 7. 8. 협약을 맺었다. | 'Xi'an'도 왔다. | '25년 말이다.",
    "닫히지 않은 '인용이 있다. | 다음 '문장'이다.",
    "회의는 오는 7.21. 서울에서 열린다. | 신청은 (~7. 9. 마감) 받는다.",
    "비율은 13.40. | 다음이다.",
    "행사(7. 8.) 열린다. | 그는 (7. 8.) 왔다. | ▷5.4. 귀국한다.",
    "오는 07. 08. 열린다. | 개막일=7. 8. 열린다. | 오전:7. 8. 열린다.",
    "'26학년도 예산이다. | 시민들' 모임이다. | 끝.",
    "“(가다. 나다.) 다.” 라고 했다. | (그는 “갔다. 왔다”며 웃었다. 또 웃었다) 했다. | 끝.",
    "2021. 3. 실시설계를 마쳤다. | ’24. 11. 준공했다.",
    "7. 13.(월)-8. 31.(월) 열린다. | 7.1.~31. 신청을 받고 7. 13.∼8. 2. 뽑는다.",
]


@pytest.mark.parametrize("case", CASES)
def test_boundaries(case: str) -> None:
    expected = case.split(" | ")
    text = " ".join(expected)
    assert [text[start:end] for start, end in sentence_spans(text)] == expected


def test_a_line_break_always_ends_a_sentence() -> None:
    text = "부산시, 손잡는다\n\n“열린 인용\n닫힘” 뒤"
    assert [text[a:b] for a, b in sentence_spans(text)] == ["부산시, 손잡는다", "“열린 인용", "닫힘” 뒤"]


@given(st.text(alphabet=st.sampled_from('가나다 .?!\n“”‘’()"12aA…\t')))
def test_no_text_is_lost(text: str) -> None:
    spans = sentence_spans(text)
    covered = set()
    for start, end in spans:
        assert start < end and not text[start].isspace() and not text[end - 1].isspace()
        covered.update(range(start, end))
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("text", ["가" * 5_000, "가나 " * 3_000, "가" * 999 + " " + "나" * 3_000])
def test_endless_lines_are_bounded(text: str) -> None:
    spans = sentence_spans(text)
    assert all(end - start <= MAX_SENTENCE for start, end in spans)
    assert "".join(text[a:b] for a, b in spans).replace(" ", "") == text.replace(" ", "")


def test_time_is_linear_in_the_length_of_a_line() -> None:
    """Ten times the text takes far less than a hundred times the steps: marks that are never closed are looked at once."""
    for part in ("(", "‘26년 예산은 3억 원이다. ", "부산시는 “좋다. 간다”고 (3일) 밝혔다. ", "'가 나. ", '"가 나. '):
        seconds = []
        for times in (2_000, 20_000):
            started = time.process_time()
            sentence_spans(part * times)
            seconds.append(time.process_time() - started)
        assert seconds[1] < 40 * max(seconds[0], 0.002), part


def test_a_run_of_marks_is_read_once() -> None:
    for line in ("표 " + "." * 200_000 + "1쪽", "?!" * 100_000, "가" + ".”" * 100_000):
        assert sentence_spans(line)[-1][1] == len(line)
    assert [len(part) for part in ("와!!! 정말?! 네.").split(" ")] == [e - s for s, e in sentence_spans("와!!! 정말?! 네.")]
