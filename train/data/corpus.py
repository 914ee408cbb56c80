"""The corpus on disk: inline files a split, compiled to the schema's JSON Lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.runtime.document import Document, read_jsonl, write_jsonl
from model.runtime.errors import DataError

from .inline import InlineArticle, read_inline
from .validate import Article, Finding

SPLITS = ("train", "dev", "test")
ANNOTATIONS = Path("data/annotations")


@dataclass(frozen=True)
class Corpus:
    """A folder with `<split>.jsonl` and, for hand-annotated ones, `inline/<split>/*.txt`."""

    folder: Path = ANNOTATIONS

    def jsonl(self, split: str) -> Path:
        return self.folder / f"{split}.jsonl"

    def inline_folder(self, split: str) -> Path:
        return self.folder / "inline" / split

    def read(self, split: str) -> list[Document]:
        """Documents of a split; DataError when the file is missing, broken, or has no article."""
        documents = list(read_jsonl(self.jsonl(split)))
        if not documents:
            raise DataError(f"{self.jsonl(split)}: holds no article")
        return documents

    def inline_files(self) -> list[Path]:
        """All inline files, split by split, in the order of their names; DataError when there is none."""
        paths = [path for split in SPLITS for path in sorted(self.inline_folder(split).glob("*.txt"))]
        if not paths:
            raise DataError(f"{self.folder}: holds no inline/<split>/*.txt; name another folder")
        return paths

    def compile(self) -> dict[str, int]:
        """Writes `<split>.jsonl` from the inline files; returns the articles a split. A broken file stops all of it.

        A split without inline files is left as it is.
        """
        compiled: dict[str, list[Document]] = {}
        for path in self.inline_files():
            compiled.setdefault(path.parent.name, []).append(read_inline(path).document)
        for split, documents in compiled.items():
            write_jsonl(self.jsonl(split), documents)
        return {split: len(documents) for split, documents in compiled.items()}

    def stale(self) -> list[Finding]:
        """Splits whose JSON Lines file is not what the inline files compile to."""
        findings = []
        for split in SPLITS:
            path = self.jsonl(split)
            try:
                expected = [read_inline(path).document for path in sorted(self.inline_folder(split).glob("*.txt"))]
            except DataError:
                continue  # `load_articles` names the broken file
            if expected and not _holds(path, expected):
                findings.append(Finding(str(path), 1, "is not what the inline files compile to; run `make data`"))
        return findings


def _holds(path: Path, expected: list[Document]) -> bool:
    try:
        return list(read_jsonl(path)) == expected
    except DataError:
        return False


def inline_article(path: Path) -> tuple[Article | None, list[Finding]]:
    """An inline file as the validator takes it, with what only shows in the file; no article when it does not parse."""
    try:
        parsed = read_inline(path)
    except DataError as error:
        return None, [_finding_from(error, path)]
    article = Article(parsed.document, path.parent.name, str(path), parsed.line_of)
    return article, parsed.misplaced_breaks()


def _finding_from(error: DataError, path: Path) -> Finding:
    """What the error says, at the line that it names."""
    said = str(error).removeprefix(f"{path}:")
    place = re.match(r"(\d*):?\s*", said)
    assert place is not None
    return Finding(str(path), int(place[1] or 1), said[place.end() :])


def jsonl_articles(path: Path, split: str) -> list[Article]:
    """The articles of a JSON Lines file as the validator takes them."""
    documents = list(read_jsonl(path))
    with path.open(encoding="utf-8", newline="\n") as file:
        lines = [number for number, line in enumerate(file, 1) if line.strip()]
    return [
        Article(document, split, str(path), lambda _, line=line: line)  # type: ignore[misc]
        for line, document in zip(lines, documents, strict=True)
    ]


def load_articles(paths: Sequence[Path]) -> tuple[list[Article], list[Finding]]:
    """Articles of inline (`.txt`) and JSON Lines files, and the findings of those that do not parse."""
    articles: list[Article] = []
    findings: list[Finding] = []
    for path in paths:
        if path.suffix == ".jsonl":
            try:
                articles.extend(jsonl_articles(path, path.stem))
            except DataError as error:
                findings.append(_finding_from(error, path))
        else:
            article, problems = inline_article(path)
            findings.extend(problems)
            if article is not None:
                articles.append(article)
    return articles, findings


__all__ = ["ANNOTATIONS", "SPLITS", "Corpus", "InlineArticle", "inline_article", "jsonl_articles", "load_articles"]
