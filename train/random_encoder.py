"""An encoder that knows nothing yet: the baseline against which a pretrained one is measured, and what the tests train."""

from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import ElectraConfig, ElectraModel

from model.encoder import Encoder

from .config import RandomEncoder

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LONGEST_PIECE = 4


def random_encoder(texts: Iterable[str], size: RandomEncoder) -> Encoder:
    """ELECTRA's architecture with random weights (torch's seed) and a WordPiece vocabulary of the texts."""
    tokenizer = wordpiece(texts, size.vocabulary)
    config = ElectraConfig(
        vocab_size=tokenizer.get_vocab_size(),
        embedding_size=size.embedding,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.intermediate,
        max_position_embeddings=size.positions,
    )
    config._attn_implementation = "eager"
    place = _SPECIAL.index
    return Encoder(ElectraModel(config), tokenizer, place("[CLS]"), place("[SEP]"), place("[PAD]"))


def wordpiece(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A cased WordPiece tokenizer, cut at spaces and punctuation: all characters, then the most frequent strings up to four.

    Not the library's trainer: its ties fall by chance, and one seed would not give one result.
    """
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False, clean_text=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text))
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + _LONGEST_PIECE) + 1):
                counts[("##" if start else "") + word[start:end]] += count
    characters = sorted({prefix + char for word in words for char in word for prefix in ("", "##")})
    longer = sorted((p for p in counts if len(p.removeprefix("##")) > 1), key=lambda piece: (-counts[piece], piece))
    pieces = [*_SPECIAL, *characters, *longer][: max(vocabulary, len(_SPECIAL) + len(characters))]
    tokenizer.model = models.WordPiece({piece: index for index, piece in enumerate(pieces)}, unk_token="[UNK]")
    return tokenizer
