"""spaCy 3's entity recogniser, from a blank Korean pipeline with characters for tokens.

spaCy's own Korean tokenizer wants mecab-ko installed by hand, and on its words half of the mentions could not be cut from their
particles. The config is the one that `spacy init config --pipeline ner` writes; beyond it only what characters need: the
space behind a token as a feature (as in spaCy's own multi-language model), and a tok2vec deep enough to see an eojeol and its
neighbours. Everything is trained on the articles alone.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import spacy
import spacy.about
from spacy.cli.init_config import init_config
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.util import fix_random_seed

from model.runtime.document import Document
from model.runtime.sentences import sentence_spans

from ..articles import Articles
from ..config import SpacySettings
from ..measure import Fitted
from . import Found
from .spans import document_of

_TOKENIZER = "dosilink.characters.v1"
_ATTRIBUTES = {"NORM": 5000, "PREFIX": 1000, "SUFFIX": 2500, "SHAPE": 2500, "SPACY": 50}
_BATCH = 64


class CharacterTokenizer:
    """Every character is a token; a single space belongs to the token before it, as spaCy has it."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """A Doc whose text is the text, to the last space."""
        words: list[str] = []
        spaces: list[bool] = []
        for char in text:
            if char == " " and words and not spaces[-1]:
                spaces[-1] = True
            else:
                words.append(char)
                spaces.append(False)
        return Doc(self.vocab, words=words, spaces=spaces)

    # There is nothing to store, but a pipeline on disk asks its tokenizer.
    def to_disk(self, path: Path, **_: object) -> None: ...

    def from_disk(self, path: Path, **_: object) -> "CharacterTokenizer":
        return self

    def to_bytes(self, **_: object) -> bytes:
        return b""

    def from_bytes(self, data: bytes, **_: object) -> "CharacterTokenizer":
        return self


@registry.tokenizers(_TOKENIZER)
def _character_tokenizer():  # type: ignore[no-untyped-def]  # its registry reads annotations and knows no Language
    return lambda nlp: CharacterTokenizer(nlp.vocab)


def fit(settings: SpacySettings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """`spacy train` until dev has not improved for `patience` steps; its best model stays."""
    logging.getLogger("spacy").setLevel(logging.ERROR)
    fix_random_seed(seed)
    vocab = Vocab()
    for name, documents in (("train", articles.train), ("dev", articles.dev)):
        DocBin(docs=[doc for d in documents for doc in _docs(d, vocab)]).to_disk(folder / f"{name}.spacy")
    # For “ko” this would make a pipeline with the tokenizer that wants mecab-ko; the language is set below.
    config = init_config(lang="xx", pipeline=["ner"], optimize=settings.optimize, silent=True)
    config = config.merge(_changes(settings, seed, folder))
    config.to_disk(folder / "config.cfg")
    nlp = init_nlp(config, use_gpu=-1)
    with (folder / "training.log").open("w", encoding="utf-8") as log:
        train(nlp, folder, use_gpu=-1, stdout=log, stderr=log)
    best = spacy.load(folder / "model-best")

    def read(texts: Sequence[str]) -> list[Document]:
        return _read(best, texts)

    performance = best.meta["performance"]
    facts = {"best_dev (its own score)": round(performance["ents_f"], 4), "spacy": spacy.about.__version__}
    return Fitted(_parameters(best), read=read, facts=facts)


def _changes(settings: SpacySettings, seed: int, folder: Path) -> dict[str, object]:
    embed = {"attrs": list(_ATTRIBUTES), "rows": list(_ATTRIBUTES.values())}
    return {
        "paths": {"train": str(folder / "train.spacy"), "dev": str(folder / "dev.spacy")},
        "system": {"seed": seed},
        "nlp": {"lang": "ko", "tokenizer": {"@tokenizers": _TOKENIZER}},
        "components": {
            "tok2vec": {"model": {"embed": embed, "encode": {"depth": settings.depth, "width": settings.width}}},
        },
        "training": {
            "seed": seed,
            "dropout": settings.dropout,
            "patience": settings.patience,
            "max_steps": settings.max_steps,
            "eval_frequency": settings.eval_frequency,
        },
    }


def _docs(document: Document, vocab: Vocab) -> list[Doc]:
    """A Doc a sentence, with its mentions."""
    tokenizer = CharacterTokenizer(vocab)
    docs = []
    for start, end in sentence_spans(document.text):
        doc = tokenizer(document.text[start:end])
        inside = [e for e in document.entities if start <= e.start < end]
        spans = [doc.char_span(e.start - start, e.end - start, label=e.label) for e in inside]
        doc.set_ents([span for span in spans if span is not None])
        docs.append(doc)
    return docs


def _read(nlp: Language, texts: Sequence[str]) -> list[Document]:
    places = [(index, start, end) for index, text in enumerate(texts) for start, end in sentence_spans(text)]
    spans: list[list[tuple[int, int, str]]] = [[] for _ in texts]
    docs = nlp.pipe((texts[index][start:end] for index, start, end in places), batch_size=_BATCH)
    for (index, start, _), doc in zip(places, docs, strict=True):
        spans[index].extend((start + e.start_char, start + e.end_char, e.label_) for e in doc.ents)
    return [document_of(text, found) for text, found in zip(texts, spans, strict=True)]


def _parameters(nlp: Language) -> int:
    """Numbers in all layers of the pipeline; a listener counts nothing of its own."""
    arrays = {
        id(node): sum(int(np.prod(node.get_param(name).shape)) for name in node.param_names if node.has_param(name))
        for _, component in nlp.pipeline
        if hasattr(component, "model")
        for node in component.model.walk()
    }
    return sum(arrays.values())
