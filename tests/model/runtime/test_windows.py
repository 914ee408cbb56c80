"""Windows: every character decided once, whole sentences, pieces and characters aligned."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.encoder import Encoder
from model.runtime.lexicon import Lexicon
from model.runtime.windows import CHAR_VOCABULARY, WindowedText, WindowSettings, batch_windows, window_text

ARTICLE = (
    "부산시, 후쿠오카와 협력\n" + "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다고 밝혔다. 두 도시는 웃었다. " * 12
)


def _cut(encoder: Encoder, text: str, length: int = 64, context: int = 8) -> WindowedText:
    return window_text(text, encoder.tokenizer, _settings(encoder, length, context), Lexicon.empty())


def _settings(encoder: Encoder, length: int, context: int) -> WindowSettings:
    return WindowSettings(length, context, encoder.cls_id, encoder.sep_id, encoder.pad_id)


def _check(cut: WindowedText, settings: WindowSettings) -> None:
    text = cut.normalised.text
    decided = np.zeros(len(text), dtype=int)
    for window in cut.windows:
        assert window.start <= window.core_start < window.core_end <= window.end
        assert len(window.piece_ids) <= settings.length
        assert window.piece_ids[0] == settings.cls_id and window.piece_ids[-1] == settings.sep_id
        assert len(window.char_ids) == len(window.char_piece) == len(window.char_kind) == window.end - window.start
        assert window.char_piece.max(initial=0) < len(window.piece_ids)
        assert (window.char_ids < CHAR_VOCABULARY).all() and (window.char_ids > 0).all()
        decided[window.core_start : window.core_end] += 1
    assert (decided <= 1).all()
    for sentence in cut.sentences:
        assert (decided[sentence.start : sentence.end] == 1).all()
        parts = [cut.windows[i] for i in sentence.windows]
        assert parts[0].core_start <= sentence.start and sentence.end <= parts[-1].core_end


def test_every_character_of_a_sentence_is_decided_once(tiny_encoder: Encoder) -> None:
    cut = _cut(tiny_encoder, ARTICLE)
    assert len(cut.windows) > 3
    _check(cut, _settings(tiny_encoder, 64, 8))


@given(data=st.data())
def test_any_text(tiny_encoder: Encoder, data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet=st.sampled_from("부산시는 가😀x.\n\u200b\ud800一 "), max_size=400))
    length, context = data.draw(st.integers(16, 60)), data.draw(st.integers(0, 3))
    _check(_cut(tiny_encoder, text, length, context), _settings(tiny_encoder, length, context))


def test_sentences_are_whole_where_they_fit(tiny_encoder: Encoder) -> None:
    assert all(len(sentence.windows) == 1 for sentence in _cut(tiny_encoder, ARTICLE).sentences)


def test_a_long_sentence_is_cut_at_eojeol_with_overlap(tiny_encoder: Encoder) -> None:
    cut = _cut(tiny_encoder, "부산시와 후쿠오카시가 " * 60, length=32, context=4)
    (sentence,) = cut.sentences
    assert len(sentence.windows) > 1
    for before, after in pairwise(cut.windows):
        assert before.core_end == after.core_start
        assert cut.normalised.text[after.core_start - 1] == " "
        assert before.end > after.core_start > after.start


def test_an_endless_eojeol_is_cut_too(tiny_encoder: Encoder) -> None:
    cut = _cut(tiny_encoder, "가" * 10_000)
    _check(cut, _settings(tiny_encoder, 64, 8))
    assert max(window.end - window.start for window in cut.windows) < 1_000


def test_context_is_seen_and_not_decided(tiny_encoder: Encoder) -> None:
    without, with_context = _cut(tiny_encoder, ARTICLE, 64, 0), _cut(tiny_encoder, ARTICLE, 64, 8)
    assert all((w.start, w.end) == (w.core_start, w.core_end) for w in without.windows)
    assert any(w.start < w.core_start for w in with_context.windows)


def test_a_character_reads_the_piece_that_covers_it(tiny_encoder: Encoder) -> None:
    text = "부산시는 후쿠오카시를 방문했다."
    (window,) = _cut(tiny_encoder, text).windows
    encoding = tiny_encoder.tokenizer.encode(text)
    for index, (start, end) in enumerate(encoding.offsets, 1):
        assert (window.char_piece[start:end] == index).all()
        assert window.piece_ids[index] == encoding.ids[index - 1]
        assert window.char_kind[start] == (1 if start == 0 or text[start - 1] == " " else 2)
        assert (window.char_kind[start + 1 : end] == 3).all()
    assert window.char_kind[text.index(" ")] == 0


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b"])
def test_nothing_to_read(tiny_encoder: Encoder, text: str) -> None:
    cut = _cut(tiny_encoder, text)
    assert cut.sentences == () and cut.windows == ()


def test_padding(tiny_encoder: Encoder) -> None:
    windows = [*_cut(tiny_encoder, "부산시").windows, *_cut(tiny_encoder, "부산시는 후쿠오카시를 방문했다.").windows]
    batch = batch_windows(windows, tiny_encoder.pad_id)
    assert batch.piece_ids.shape == batch.piece_mask.shape and batch.char_ids.shape == batch.char_mask.shape
    assert batch.char_mask.sum(1).tolist() == [len(w.char_ids) for w in windows]
    assert batch.piece_mask.sum(1).tolist() == [len(w.piece_ids) for w in windows]
    assert (batch.piece_ids[batch.piece_mask == 0] == tiny_encoder.pad_id).all()
