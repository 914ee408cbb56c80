"""The WordPiece vocabulary for Korean, and the fast tokenizer around it.

Plain WordPiece turns a whole eojeol into one ``[UNK]`` when a single character of it is unknown. Here the pre-tokenizer isolates
every character outside the alphabet: it costs one ``[UNK]`` for itself alone, and its neighbours keep their pieces and offsets.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from train.pretrain.config import Corpus, Vocabulary
from train.pretrain.corpus import paragraphs, source_files

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(5)
CONTINUING = "##"

_ASCII = [chr(code) for code in range(0x21, 0x7F)]
# Marks of Korean newspapers and press releases that a small sample may miss.
_NEWS_MARKS = "“”‘’·ㆍ…「」『』《》〈〉【】〔〕△▲▷▶▽▼■□○●◎◆◇★☆※→←↑↓⇒℃㎡㎞㎏㎝㎜％～―–—㈜①②③④⑤⑥⑦⑧⑨⑩"
_JAMO = [chr(code) for code in range(0x3131, 0x3164)]
# Greedy longest match is cubic in the length of a word, so endless "words" are cut; nobody writes an eojeol of this length.
_LONGEST_WORD = 64


def is_syllable(character: str) -> bool:
    """Whether a character is a precomposed Hangul syllable."""
    return "가" <= character <= "힣"


def choose_alphabet(counts: Counter[str], settings: Vocabulary) -> list[str]:
    """Characters with pieces of their own: ASCII, news marks, jamo, syllables in use, and the commonest others (Hanja …)."""
    syllables = [c for c, n in counts.items() if is_syllable(c) and n >= settings.min_syllable_count]
    fixed = set(_ASCII) | set(_NEWS_MARKS) | set(_JAMO)
    # Ties are broken by code point: the same counts give the same alphabet.
    others = sorted(
        (c for c in counts if not is_syllable(c) and c not in fixed and _is_visible(c)), key=lambda c: (-counts[c], c)
    )
    return sorted(fixed | set(syllables) | set(others[: settings.other_characters]))


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ"


def character_class(characters: Iterable[str]) -> str:
    """The inside of a regular-expression class for the characters, as ranges of code points."""
    ranges: list[tuple[int, int]] = []
    for code in sorted(map(ord, characters)):
        if ranges and ranges[-1][1] + 1 == code:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"\\x{{{a:X}}}" if a == b else f"\\x{{{a:X}}}-\\x{{{b:X}}}" for a, b in ranges)


def build_tokenizer(pieces: dict[str, int], alphabet: Iterable[str]) -> Tokenizer:
    """The whole pipeline around a vocabulary: NFC, words, lone digits and marks, WordPiece, ``[CLS] … [SEP]``.

    Offsets refer to the text as passed. In decomposed text (NFD) the start of a piece is right, and its end
    is that of the first jamo of its last syllable: compose (NFC) before tokenising where ends matter.
    """
    tokenizer = Tokenizer(
        models.WordPiece(pieces, unk_token="[UNK]", continuing_subword_prefix=CONTINUING, max_input_chars_per_word=_LONGEST_WORD)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False),
            normalizers.NFC(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"[\p{N}\p{P}\p{S}]"), "isolated"),
            pre_tokenizers.Split(Regex(f"[^{character_class(alphabet)}]"), "isolated"),
            pre_tokenizers.Split(Regex(f".{{{_LONGEST_WORD}}}"), "isolated"),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUING)
    tokenizer.add_special_tokens(list(SPECIAL_PIECES))
    return tokenizer


def count_characters(texts: Iterable[str]) -> Counter[str]:
    """How often each character occurs (in NFC)."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(unicodedata.normalize("NFC", text))
    return counts


def train_tokenizer(counts: Counter[str], sample: Iterable[str], settings: Vocabulary) -> Tokenizer:
    """Train the vocabulary: its characters from the counts, its longer pieces from a sample.

    Every character of the alphabet is in, word-initial and continuing; the rest is the first merges of WordPiece training.
    Among merges of one frequency the trainer's choice is not repeatable, so the tokenizer is kept as the weights are.

    Raises:
        ValueError: the vocabulary is too small for the alphabet.
    """
    alphabet = choose_alphabet(counts, settings)
    single = list(SPECIAL_PIECES) + alphabet + [CONTINUING + c for c in alphabet]
    if len(single) > settings.size:
        raise ValueError(f"vocabulary of {settings.size} pieces cannot hold {len(single)} specials and characters")
    merged = _train_merged_pieces(sample, alphabet, settings)
    pieces = single + merged[: settings.size - len(single)]
    return build_tokenizer({piece: index for index, piece in enumerate(pieces)}, alphabet)


def _train_merged_pieces(sample: Iterable[str], alphabet: list[str], settings: Vocabulary) -> list[str]:
    """Pieces of two and more characters, in the order of their merges."""
    trainee = build_tokenizer({piece: index for index, piece in enumerate(SPECIAL_PIECES)}, alphabet)
    trainer = trainers.WordPieceTrainer(
        vocab_size=settings.size,
        min_frequency=settings.min_piece_count,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        special_tokens=list(SPECIAL_PIECES),
        continuing_subword_prefix=CONTINUING,
        show_progress=False,
    )
    trainee.train_from_iterator(sample, trainer)
    by_index = sorted(trainee.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    return [piece for piece, _ in by_index if piece not in SPECIAL_PIECES and len(piece.removeprefix(CONTINUING)) > 1]


def corpus_texts(corpus: Corpus, share: float = 1.0) -> Iterator[str]:
    """Paragraphs for the vocabulary: a share of every source; the repeated ones (news) are read whole and repeated."""
    for path, part, repeat in source_files(corpus):
        for _ in range(repeat):
            yield from paragraphs(path, 1.0 if repeat > 1 else part * share, corpus.seed)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_length: int) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` such that ``AutoTokenizer`` loads them as they are."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    fast.save_pretrained(folder)
    # The generic class that every release of transformers knows; a model's own class would rebuild the pipeline its own way.
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8")) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
