"""How far two annotators of the same articles agree, and where they do not.

Strict entity F1 and relation F1 take the first annotation as gold (F1 is the same the other way round); Cohen's kappa (1960) is
over the characters' labels, beginnings apart from insides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sklearn.metrics import cohen_kappa_score

from model.runtime.document import Document
from model.runtime.errors import DataError
from model.runtime.sentences import sentence_spans
from train.metrics import Scores, character_tags, entity_scores, relation_keys, relation_scores


@dataclass(frozen=True)
class Agreement:
    """Scores of the second annotation against the first, and kappa over characters."""

    documents: int
    entities: Scores
    relations: Scores
    kappa: float


@dataclass(frozen=True)
class Difference:
    """What only one annotator has in a sentence; `side` is `first` or `second`."""

    document: str
    sentence: str
    side: str
    what: str

    def __str__(self) -> str:
        return f"{self.document}: only {self.side}: {self.what}    in “{self.sentence}”"


def paired(first: Sequence[Document], second: Sequence[Document]) -> list[tuple[Document, Document]]:
    """The articles both have, by id; DataError when there are none or a text differs."""
    others = {document.id: document for document in second}
    pairs = [(document, others[document.id]) for document in first if document.id in others]
    if not pairs:
        raise DataError("the two annotations share no article id; nothing to compare")
    for one, other in pairs:
        if one.text != other.text:
            raise DataError(f"{one.id}: the two annotators' texts differ; annotate the same text")
    return pairs


def unpaired(first: Sequence[Document], second: Sequence[Document]) -> tuple[list[str], list[str]]:
    """Ids of the articles that only the first annotation has, and of those that only the second has, in their order."""
    ids = [[document.id for document in side] for side in (first, second)]
    known = [set(side) for side in ids]
    return [name for name in ids[0] if name not in known[1]], [name for name in ids[1] if name not in known[0]]


def agreement(pairs: Sequence[tuple[Document, Document]]) -> Agreement:
    """Measures agreement over articles annotated twice."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    tags = [[tag for document in side for tag in character_tags(document.text, document.entities)] for side in (first, second)]
    return Agreement(
        len(pairs), entity_scores(first, second), relation_scores(first, second), float(cohen_kappa_score(tags[0], tags[1]))
    )


def differences(pairs: Sequence[tuple[Document, Document]]) -> Iterator[Difference]:
    """Every mention and relation that only one annotator has, sentence by sentence."""
    for one, other in pairs:
        spans = sentence_spans(one.text)
        found = [_by_sentence(document, spans) for document in (one, other)]
        for index, (start, end) in enumerate(spans):
            for side, (mine, theirs) in (("first", found), ("second", (found[1], found[0]))):
                for what in sorted(mine[index] - theirs[index]):
                    yield Difference(one.id, one.text[start:end], side, what)


def _by_sentence(document: Document, spans: Sequence[tuple[int, int]]) -> list[set[str]]:
    found: list[set[str]] = []
    for start, end in spans:
        inside = [e for e in document.entities if start <= e.start < end]
        found.append({f"{e.label} “{e.text}” at {e.start - start}" for e in inside})
    for kind, sentence, (head, tail) in relation_keys(document, spans):
        found[sentence].add(f"{kind}({head[1]}, {tail[1]})")
    return found
