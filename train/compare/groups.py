"""Scores of parts of the split: mentions and relations whose names training has seen or not, short and long articles, genres."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.runtime.document import Document, Entity
from model.runtime.sentences import sentence_spans

from ..metrics import RelationKey, Score, entity_keys, relation_keys, score_from_counts

Surface = tuple[str, str]
"""Label and surface of a mention."""

SEEN, UNSEEN = "seen in training", "not seen in training"
ARGUMENTS = ("both arguments seen", "one argument seen", "no argument seen")

# Genres of the corpus are free text ("press release with bullets", "column"). First word that occurs decides.
_GENRES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("opinion and interview", ("column", "editorial", "interview", "notebook")),
    ("press release", ("press release",)),
    ("council", ("council",)),
    ("agreement and anniversary", ("agreement", "joint statement", "anniversary")),
    ("trip", ("trip", "visit", "itinerary")),
    ("brief and captions", ("brief", "caption", "photo")),
    ("feature", ("feature", "human interest", "festival", "scene")),
    ("policy and budget", ("policy", "budget")),
    ("news", ("news", "daily", "report", "article")),
)
OTHER_GENRE = "other"


@dataclass(frozen=True)
class GroupScore:
    """Scores of one group of articles; `articles` counts them."""

    articles: int
    entities: Score
    relations: Score


def training_surfaces(train: Sequence[Document]) -> frozenset[Surface]:
    """Label and surface of every mention of the training split."""
    return frozenset((e.label, e.text) for document in train for e in document.entities)


def seen_scores(gold: Sequence[Document], found: Sequence[Document], seen: frozenset[Surface]) -> dict[str, Score]:
    """Strict scores of mentions, those with a label and surface of the training split and the others apart.

    A hit has the same label and surface on both sides, so precision and recall are those of the group.
    """
    return {
        name: _entity_score([_only(d, keep) for d in gold], [_only(d, keep) for d in found])
        for name, keep in _memberships(seen).items()
    }


def _memberships(seen: frozenset[Surface]) -> Mapping[str, Callable[[Entity], bool]]:
    return {SEEN: lambda e: (e.label, e.text) in seen, UNSEEN: lambda e: (e.label, e.text) not in seen}


def _only(document: Document, keep: Callable[[Entity], bool]) -> Document:
    return replace(document, entities=tuple(e for e in document.entities if keep(e)), relations=())


def argument_scores(gold: Sequence[Document], found: Sequence[Document], seen: frozenset[Surface]) -> dict[str, Score]:
    """End-to-end scores of relations by how many of their arguments occur in the training split."""
    counts = np.zeros((3, 3), dtype=np.int64)
    for expected, answered in _relation_keys(gold, found):
        for column, part in enumerate((expected & answered, answered, expected)):
            for _, _, arguments in part:
                counts[sum(argument not in seen for argument in arguments), column] += 1
    return {name: score_from_counts(*(int(c) for c in row)) for name, row in zip(ARGUMENTS, counts, strict=True)}


def _relation_keys(gold: Sequence[Document], found: Sequence[Document]) -> list[tuple[set[RelationKey], set[RelationKey]]]:
    cut = [sentence_spans(document.text) for document in gold]
    return [(relation_keys(g, s), relation_keys(f, s)) for g, f, s in zip(gold, found, cut, strict=True)]


def _entity_score(gold: Sequence[Document], found: Sequence[Document]) -> Score:
    pairs = [(entity_keys(g), entity_keys(f)) for g, f in zip(gold, found, strict=True)]
    return score_from_counts(sum(len(g & f) for g, f in pairs), sum(len(f) for _, f in pairs), sum(len(g) for g, _ in pairs))


def group_scores(
    gold: Sequence[Document], found: Sequence[Document], groups: Mapping[str, Sequence[int]]
) -> dict[str, GroupScore]:
    """Scores of each group, given as indices of its articles."""
    results = {}
    for name, indices in groups.items():
        expected, answered = [gold[i] for i in indices], [found[i] for i in indices]
        keys = _relation_keys(expected, answered)
        relations = score_from_counts(
            sum(len(g & f) for g, f in keys), sum(len(f) for _, f in keys), sum(len(g) for g, _ in keys)
        )
        results[name] = GroupScore(len(indices), _entity_score(expected, answered), relations)
    return results


def length_groups(gold: Sequence[Document]) -> dict[str, list[int]]:
    """The split in three parts of about equal size, by characters; fewer when lengths do not part them."""
    lengths = np.array([len(document.text) for document in gold])
    edges = np.quantile(lengths, [1 / 3, 2 / 3], method="lower")
    part = (lengths > edges[0]).astype(int) + (lengths > edges[1]).astype(int)
    groups = {}
    for index, word in enumerate(("short", "middle", "long")):
        members = np.flatnonzero(part == index)
        if len(members):
            shortest, longest = lengths[members].min(), lengths[members].max()
            groups[f"{word}, {shortest:,}–{longest:,} characters"] = [int(i) for i in members]
    return groups


def genre_groups(gold: Sequence[Document]) -> dict[str, list[int]]:
    """Articles by the genre of their `meta`, families first by size; empty when no article names one."""
    groups: dict[str, list[int]] = {}
    for index, document in enumerate(gold):
        if genre := str(document.meta.get("genre", "")):
            groups.setdefault(genre_family(genre), []).append(index)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def genre_family(genre: str) -> str:
    """The family of a free-text genre."""
    lowered = genre.lower()
    return next((family for family, words in _GENRES if any(word in lowered for word in words)), OTHER_GENRE)
