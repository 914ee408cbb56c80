"""A linear-chain CRF over characters (CRFsuite), sentence by sentence."""

from collections.abc import Sequence
from pathlib import Path

import pycrfsuite

from model.runtime.document import Document
from model.runtime.sentences import sentence_spans
from train.metrics import character_tags

from ..articles import Articles
from ..config import CrfSettings
from ..measure import Fitted
from . import Found
from .crf_features import sentence_features
from .spans import Span, document_of, spans_of_tags

_MODEL = "model.crfsuite"


def fit(settings: CrfSettings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """L-BFGS to convergence or the settings' iterations; the seed makes no difference."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for document in articles.train:
        tags = character_tags(document.text, document.entities)
        for start, end in sentence_spans(document.text):
            trainer.append(sentence_features(document.text[start:end]), tags[start:end])
    trainer.set_params(
        {
            "c1": settings.c1,
            "c2": settings.c2,
            "max_iterations": settings.max_iterations,
            "feature.minfreq": settings.min_occurrences,
        }
    )
    model = folder / _MODEL
    trainer.train(str(model))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(model))
    info = tagger.info()
    facts = {"iterations": len(trainer.logparser.iterations), "attributes": len(info.attributes)}

    def read(texts: Sequence[str]) -> list[Document]:
        return [document_of(text, _spans(tagger, text)) for text in texts]

    return Fitted(len(info.state_features) + len(info.transitions), read=read, facts=facts)


def _spans(tagger: "pycrfsuite.Tagger", text: str) -> list[Span]:
    return [
        (start + first, start + last, label)
        for start, end in sentence_spans(text)
        for first, last, label in spans_of_tags(tagger.tag(sentence_features(text[start:end])))
    ]
