"""An encoder that knows nothing yet: the baseline against which a pretrained one is measured, and what the tests train."""

from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import ElectraConfig, ElectraModel

from model.encoder import Encoder

from .config import RandomEncoder

# The trainer numbers them in this order.
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


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
    """A cased WordPiece tokenizer, cut at spaces and punctuation, with no post-processing."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False, clean_text=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=list(_SPECIAL), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
