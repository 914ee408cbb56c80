"""What the tokenizer promises."""

import unicodedata
from pathlib import Path

import pytest
from tiny_pretraining import sentences
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from train.pretrain.config import Vocabulary
from train.pretrain.vocabulary import character_class, choose_alphabet, count_characters, save_tokenizer, train_tokenizer

SETTINGS = Vocabulary(size=800, min_syllable_count=1, other_characters=20, min_piece_count=2)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = [*sentences(300), "文 대통령은 中國을 찾았다."]
    return train_tokenizer(count_characters(texts), texts, SETTINGS)


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return list(tokenizer.encode(text, add_special_tokens=False).tokens)


def test_an_unknown_character_costs_one_piece_for_itself_alone(tokenizer: Tokenizer) -> None:
    text = "나주시뷁전주시 😀"
    encoding = tokenizer.encode(text, add_special_tokens=False)
    unknown = [span for piece, span in zip(encoding.tokens, encoding.offsets, strict=True) if piece == "[UNK]"]
    assert [text[a:b] for a, b in unknown] == ["뷁", "😀"]
    assert encoding.tokens[: encoding.tokens.index("[UNK]")] == pieces(tokenizer, "나주시")


def test_an_endless_word_is_not_unknown(tokenizer: Tokenizer) -> None:
    assert "[UNK]" not in pieces(tokenizer, "나주시" * 100)


def test_offsets_cover_every_visible_character_once(tokenizer: Tokenizer) -> None:
    text = "  고흥군(군수 공영민)은\u00a02026년 3월 15일,\t‘관·학 협력’(MOU)을 맺었다…  뷁 文대통령"
    covered = [i for a, b in tokenizer.encode(text, add_special_tokens=False).offsets for i in range(a, b)]
    assert covered == [i for i, character in enumerate(text) if not character.isspace()]


def test_starts_are_right_in_decomposed_text(tokenizer: Tokenizer) -> None:
    text = unicodedata.normalize("NFD", "나주시와 전주시")
    encoding = tokenizer.encode(text, add_special_tokens=False)
    assert encoding.tokens == pieces(tokenizer, "나주시와 전주시")
    assert encoding.offsets[0][0] == 0
    assert text.index(" ") + 1 in [start for start, _ in encoding.offsets]


def test_digits_and_marks_stand_alone(tokenizer: Tokenizer) -> None:
    assert pieces(tokenizer, "2026.3") == ["2", "0", "2", "6", ".", "3"]
    assert pieces(tokenizer, "‘(12")[:2] == ["‘", "("]


def test_every_character_in_use_starts_and_continues_words(tokenizer: Tokenizer) -> None:
    vocabulary = tokenizer.get_vocab()
    for character in "고흥시aZ9~文中ㅋ「":
        assert character in vocabulary
        assert f"##{character}" in vocabulary
    assert len(vocabulary) <= SETTINGS.size


def test_no_piece_crosses_a_space(tokenizer: Tokenizer) -> None:
    assert not any(" " in piece for piece in tokenizer.get_vocab())


def test_ties_between_characters_are_broken_by_code_point() -> None:
    counts = count_characters(["漢字漢字", "가나가나", "あい"])
    alphabet = choose_alphabet(counts, SETTINGS.model_copy(update={"other_characters": 3}))
    assert set("漢字가나あ") <= set(alphabet)
    assert "い" not in alphabet


def test_auto_tokenizer_loads_the_pipeline_as_it_is(tokenizer: Tokenizer, tmp_path: Path) -> None:
    save_tokenizer(tokenizer, tmp_path, max_length=64)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "나주시뷁전주시 2026"
    assert loaded.is_fast
    assert loaded.model_max_length == 64
    assert loaded(text)["input_ids"] == tokenizer.encode(text).ids
    assert loaded.convert_ids_to_tokens(loaded(text)["input_ids"])[0] == "[CLS]"


def test_a_vocabulary_smaller_than_the_alphabet_is_refused() -> None:
    texts = sentences(50)
    with pytest.raises(ValueError, match="cannot hold"):
        train_tokenizer(count_characters(texts), texts, SETTINGS.model_copy(update={"size": 120}))


def test_character_classes_are_ranges() -> None:
    assert character_class("cabx") == r"\x{61}-\x{63}\x{78}"
