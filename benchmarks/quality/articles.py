"""The articles that entrants learn from and are scored on."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from model.runtime.document import Document, write_jsonl
from model.runtime.sentences import sentence_spans
from train.data.corpus import SPLITS, Corpus

SCORED = ("dev", "test")


@dataclass(frozen=True)
class Articles:
    """The three splits and the folder that holds them as `<split>.jsonl`."""

    folder: Path
    train: tuple[Document, ...]
    dev: tuple[Document, ...]
    test: tuple[Document, ...]

    def split(self, name: str) -> tuple[Document, ...]:
        """Articles of `dev` or `test`."""
        return {"dev": self.dev, "test": self.test}[name]

    def digest(self) -> str:
        """SHA-256 of the three files: what a result was made with."""
        digest = hashlib.sha256()
        for name in SPLITS:
            digest.update(hashlib.sha256(Corpus(self.folder).jsonl(name).read_bytes()).digest())
        return digest.hexdigest()


def read_articles(folder: Path) -> Articles:
    """Reads the splits; DataError when one is missing, broken or empty."""
    corpus = Corpus(folder)
    train, dev, test = (tuple(corpus.read(name)) for name in SPLITS)
    return Articles(folder, train, dev, test)


def nested_share(articles: Articles, share: float, seed: int, folder: Path) -> Articles:
    """The same dev and test with a share of the training articles, written to `folder`.

    The articles are drawn by the seed and the smaller shares lie inside the larger ones. The whole is the articles as they are.
    """
    if share >= 1:
        return articles
    order = list(range(len(articles.train)))
    random.Random(seed).shuffle(order)
    kept = sorted(order[: max(1, round(share * len(order)))])
    write_jsonl(folder / "train.jsonl", [articles.train[index] for index in kept])
    for name in SCORED:
        write_jsonl(folder / f"{name}.jsonl", articles.split(name))
    return read_articles(folder)


def count_sentences(documents: tuple[Document, ...]) -> int:
    """Sentences in all."""
    return sum(len(sentence_spans(document.text)) for document in documents)
