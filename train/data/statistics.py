"""Counts of the corpus."""

from collections import Counter

from rich.table import Table

from model.runtime.schema import LABELS, RELATIONS

from .corpus import SPLITS, Corpus


def statistics_table(corpus: Corpus) -> Table:
    """Articles, characters, mentions a label and relations a type, one column a split."""
    table = Table("", *SPLITS, title="corpus")
    splits = [corpus.read(split) for split in SPLITS]
    table.add_row("articles", *(str(len(documents)) for documents in splits))
    table.add_row("characters", *(f"{sum(len(d.text) for d in documents):,}" for documents in splits))
    labels = [Counter(e.label for d in documents for e in d.entities) for documents in splits]
    for label in LABELS:
        table.add_row(label, *(str(count[label]) for count in labels))
    table.add_row("mentions", *(str(count.total()) for count in labels))
    types = [Counter(r.type for d in documents for r in d.relations) for documents in splits]
    for name in RELATIONS:
        table.add_row(name, *(str(count[name]) for count in types))
    table.add_row("relations", *(str(count.total()) for count in types))
    return table
