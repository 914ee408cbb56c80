"""Candidate pairs, the window that scores them, their layout."""

from dataclasses import fields

import numpy as np
import pytest

from model.encoder import Encoder
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import MAX_GAP, Mention, batch_pairs, candidates, home_windows, join_pairs, sentence_pairs
from model.runtime.schema import LABELS
from model.runtime.windows import WindowedText, WindowSettings, window_text


def _ends(mentions: list[Mention]) -> set[tuple[int, int]]:
    pairs = candidates(mentions)
    return set(zip(pairs.head.tolist(), pairs.tail.tolist(), strict=True))


def test_candidates_are_the_pairs_the_schema_types() -> None:
    mentions = [Mention(i, i + 1, label) for i, label in enumerate(LABELS)]
    found = {(mentions[head].label, mentions[tail].label) for head, tail in _ends(mentions)}
    parties = {"CITY", "ORG"}
    expected = {("PERSON", x) for x in (*parties, "DATE")}
    expected |= {(x, y) for x in parties for y in (*parties, "FIELD", "DATE") if x != y}
    assert found == expected


def test_two_persons_are_one_pair_and_two_cities_are_two() -> None:
    assert _ends([Mention(0, 1, "PERSON"), Mention(2, 3, "PERSON")]) == {(0, 1)}
    assert _ends([Mention(0, 1, "CITY"), Mention(2, 3, "CITY")]) == {(0, 1), (1, 0)}


def test_far_pairs_are_not_looked_at() -> None:
    places = (0, 2 + MAX_GAP, 5 + 2 * MAX_GAP)
    assert _ends([Mention(start, start + 2, "CITY") for start in places]) == {(0, 1), (1, 0)}


def test_no_mentions_no_pairs() -> None:
    assert len(candidates([])) == 0


def _long(encoder: Encoder) -> WindowedText:
    settings = WindowSettings(32, 4, encoder.cls_id, encoder.sep_id, encoder.pad_id)
    return window_text("부산시와 후쿠오카시가 " * 10, encoder.tokenizer, settings, Lexicon.empty())


def test_home_holds_both_mentions(tiny_encoder: Encoder) -> None:
    cut = _long(tiny_encoder)
    (sentence,) = cut.sentences
    assert len(sentence.windows) > 1
    starts = [i for i in range(len(cut.normalised.text)) if cut.normalised.text.startswith(("부산시", "후쿠오카"), i)]
    mentions = [Mention(i, i + 3, "CITY") for i in starts]
    pairs = candidates(mentions)
    homes = home_windows(cut.windows, sentence, mentions, pairs)
    assert (homes == -1).any() and (homes >= 0).any()
    for head, tail, home in zip(pairs.head, pairs.tail, homes, strict=True):
        ends = [mentions[head], mentions[tail]]
        holding = [i for i, w in enumerate(cut.windows) if all(w.start <= m.start and m.end <= w.end for m in ends)]
        deciding = [i for i in holding if cut.windows[i].core_start <= ends[0].start < cut.windows[i].core_end]
        assert home == next(iter(deciding or holding), -1)


def test_layout_points_at_the_mentions_in_their_window(tiny_encoder: Encoder) -> None:
    cut = _long(tiny_encoder)
    (sentence,) = cut.sentences
    mentions = [Mention(i, i + 3, "CITY") for i in range(0, 100, 12)]
    rows = {index: 10 + index for index in sentence.windows}
    pairs, batch = sentence_pairs(cut.windows, rows, sentence, mentions)
    assert len(pairs) == len(batch) > 0
    for i in range(len(batch)):
        head, tail = batch.head[i], batch.tail[i]
        assert batch.window[head] == batch.window[tail]
        window = cut.windows[batch.window[head] - 10]
        assert window.start + batch.start[head] == mentions[pairs.head[i]].start
        assert window.start + batch.end[tail] == mentions[pairs.tail[i]].end
        assert 0 <= batch.sentence_start[head] < batch.sentence_end[head] <= window.end - window.start


def test_joining_and_parting(tiny_encoder: Encoder) -> None:
    assert len(join_pairs([])) == 0 and join_pairs([]).window.dtype == np.int64
    cut = _long(tiny_encoder)
    rows = {index: index for index in cut.sentences[0].windows}
    batches = [
        sentence_pairs(cut.windows, rows, cut.sentences[0], [Mention(s, s + 2, "CITY") for s in m])[1] for m in ([0, 9], [4, 20])
    ]
    joined = join_pairs(batches)
    assert len(joined) == sum(map(len, batches))
    starts = [*batches[0].start[batches[0].head], *batches[1].start[batches[1].head]]
    assert joined.start[joined.head].tolist() == starts
    assert joined.part(1, 3).head.tolist() == joined.head[1:3].tolist()


@pytest.mark.parametrize("length", [32, 128])
def test_a_batch_of_sentences_is_laid_out_as_one_by_one(tiny_encoder: Encoder, length: int) -> None:
    """With long windows every sentence lies in one; with short ones some do not."""
    settings = WindowSettings(length, 4, tiny_encoder.cls_id, tiny_encoder.sep_id, tiny_encoder.pad_id)
    text = "부산시는 3일 후쿠오카시를 방문했다. 두 도시는 웃었다. " + "부산시와 후쿠오카시가 " * 8 + "만났다. 서울시도."
    cut = window_text(text, tiny_encoder.tokenizer, settings, Lexicon.empty())
    assert {len(sentence.windows) > 1 for sentence in cut.sentences} == ({False} if length == 128 else {False, True})
    labels = ["CITY", "DATE", "ORG", "PERSON"]
    mentions = [
        [Mention(i, i + 2, labels[i % 4]) for i in range(s.start, s.end - 3, 5)] if number != 1 else []
        for number, s in enumerate(cut.sentences)
    ]
    rows = [{index: 2 * index for index in sentence.windows} for sentence in cut.sentences]
    views = [cut.windows] * len(cut.sentences)
    pairs, counts, layout = batch_pairs(views, rows, cut.sentences, mentions)
    alone = [sentence_pairs(*one) for one in zip(views, rows, cut.sentences, mentions, strict=True)]
    assert counts == [len(one) for one, _ in alone] and counts[1] == 0 < counts[0]
    for name in ("head", "tail", "types"):
        assert getattr(pairs, name).tolist() == [value for one, _ in alone for value in getattr(one, name).tolist()]
    expected = join_pairs([one for _, one in alone])
    for field in fields(expected):
        assert getattr(layout, field.name).tolist() == getattr(expected, field.name).tolist()


def test_no_sentences_no_layout() -> None:
    pairs, counts, layout = batch_pairs([], [], [], [])
    assert len(pairs) == len(layout) == len(counts) == 0
