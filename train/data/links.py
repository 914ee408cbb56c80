"""How right the rules for full names are (`model.runtime.canonical`), against links written by hand: `canonical/<split>.tsv`.

A row says that every mention of a surface in an article stands for a fuller surface of the article; what has no row stands for
itself. An article whose mentions all do has one row with its id alone, so that the file says which articles were looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.runtime.canonical import with_canonical
from model.runtime.document import Document
from model.runtime.errors import DataError
from train.metrics import Score, score_from_counts

LABELS = ("PERSON", "ORG", "CITY")
_COLUMNS = ["article", "label", "mention", "canonical"]

Links = dict[tuple[str, str], str]
"""Full name by label and surface."""


def links_file(folder: Path, split: str) -> Path:
    """The hand-written links of a split."""
    return folder / "canonical" / f"{split}.tsv"


def read_links(path: Path, documents: Sequence[Document]) -> dict[str, Links]:
    """Links by article; DataError with line when one names an article or a mention that is not there."""
    by_id = {document.id: document for document in documents}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not lines or lines[0].split("\t") != _COLUMNS:
        raise DataError(f"{path}:1: the columns are {', '.join(_COLUMNS)}, separated by tabs")
    links: dict[str, Links] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(_COLUMNS) or cells[0] not in by_id:
            raise DataError(f"{path}:{number}: expected an article of the split, label, mention and full name")
        article, label, mention, full = cells
        found = links.setdefault(article, {})
        if not label + mention + full:
            continue
        surfaces = {(e.label, e.text) for e in by_id[article].entities}
        for surface in (mention, full):
            if (label, surface) not in surfaces:
                raise DataError(f"{path}:{number}: {article} has no {label} “{surface}”")
        if (label, mention) in found or mention == full:
            raise DataError(f"{path}:{number}: “{mention}” is linked twice or to itself")
        found[label, mention] = full
    return links


@dataclass(frozen=True)
class WrongLink:
    """A mention whose full name is not the one written down; a name equal to the surface means no link."""

    article: str
    label: str
    surface: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.article}: {self.label} “{self.surface}” stands for “{self.expected}”, found “{self.found}”"


def link_scores(documents: Sequence[Document], links: Mapping[str, Links]) -> tuple[dict[str, Score], list[WrongLink]]:
    """Precision and recall of the rules over mentions, by label and for `all`, on gold mentions; and what is wrong.

    Only articles that `links` has count. A link to a wrong name counts against both precision and recall.
    """
    counts = {label: [0, 0, 0] for label in (*LABELS, "all")}
    wrong = []
    for document in (d for d in documents if d.id in links):
        expected = links[document.id]
        for entity in with_canonical(document).entities:
            if entity.label not in LABELS:
                continue
            gold = expected.get((entity.label, entity.text), entity.text)
            linked, wanted = entity.canonical != entity.text, gold != entity.text
            for name in (entity.label, "all"):
                hits = linked and entity.canonical == gold
                counts[name] = [a + b for a, b in zip(counts[name], (hits, linked, wanted), strict=True)]
            if entity.canonical != gold:
                wrong.append(WrongLink(document.id, entity.label, entity.text, gold, entity.canonical))
    return {name: score_from_counts(*found) for name, found in counts.items()}, wrong
