"""The corpus on disk: inline files a split, compiled to the schema's JSON Lines."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.runtime.document import Document, read_jsonl, write_jsonl
from model.runtime.errors import DataError

from .inline import InlineArticle, read_inline
from .validate import SAFE_ID, UNSAFE_ID, Article, Finding

SPLITS = ("train", "dev", "test")
ANNOTATIONS = Path("data/annotations")
INLINE = "inline"


@dataclass(frozen=True)
class Corpus:
    """A folder with `<split>.jsonl` and, for hand-annotated ones, `inline/<split>/*.txt`."""

    folder: Path = ANNOTATIONS

    def jsonl(self, split: str) -> Path:
        return self.folder / f"{split}.jsonl"

    def inline_folder(self, split: str) -> Path:
        return self.folder / INLINE / split

    def has_inline(self) -> bool:
        """Whether the folder holds inline files a split, or places for them."""
        return any(self.inline_folder(split).is_dir() for split in SPLITS)

    def compile_command(self) -> str:
        """What the user types to compile this folder."""
        if self.folder.resolve() == ANNOTATIONS.resolve():
            return "make data"
        return f"python -m train.data compile --folder {shlex.quote(str(self.folder))}"

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
            raise DataError(f"{self.folder}: holds no inline/<split>/*.txt (train, dev, test); name another folder")
        return paths

    def unread(self) -> list[Finding]:
        """Files under `inline/` that are not read for their place or their ending; hidden ones are nobody's articles."""
        root = self.folder / INLINE
        read = {path for split in SPLITS for path in self.inline_folder(split).glob("*.txt")}
        return [
            Finding(str(path), 1, f"is not read; an article is {root}/<{'|'.join(SPLITS)}>/<id>.txt: move or remove it")
            for path in _files_under(root)
            if path not in read
        ]

    def compile(self) -> dict[str, int]:
        """Writes `<split>.jsonl` from the inline files; returns the articles a split. A broken file or id stops all of it.

        A split without inline files is left as it is.
        """
        compiled: dict[str, list[Document]] = {}
        for path in self.inline_files():
            if SAFE_ID.fullmatch(path.stem) is None:
                raise DataError(f"{path}: the id {path.stem!r} {UNSAFE_ID}")
            compiled.setdefault(path.parent.name, []).append(read_inline(path).document)
        for split, documents in compiled.items():
            write_jsonl(self.jsonl(split), documents)
        return {split: len(documents) for split, documents in compiled.items()}

    def stale(self) -> list[Finding]:
        """Splits whose JSON Lines file is not what the inline files compile to."""
        findings = []
        for split in SPLITS:
            try:
                findings.extend(self._stale(split))
            except DataError:
                continue  # `load_articles` names the broken file
        return findings

    def refuse_stale(self) -> None:
        """DataError when a split's JSON Lines file is not what its inline files compile to, or one of these is broken.

        A split without inline files passes. Reads all of them: 0.7 s for 650 articles.
        """
        for split in SPLITS:
            for finding in self._stale(split):
                raise DataError(str(finding))

    def _stale(self, split: str) -> list[Finding]:
        """A finding when the split is stale; DataError when an inline file is broken."""
        expected = [read_inline(path).document for path in sorted(self.inline_folder(split).glob("*.txt"))]
        if not expected or _holds(self.jsonl(split), expected):
            return []
        said = f"is not what the inline files compile to; run `{self.compile_command()}`"
        return [Finding(str(self.jsonl(split)), 1, said)]


def inline_under(folder: Path) -> list[Path]:
    """The inline files of a folder and its subfolders, only of its `inline/` where it has one; DataError when there is none."""
    root = folder / INLINE if (folder / INLINE).is_dir() else folder
    paths = [path for path in _files_under(root) if path.suffix.lower() == ".txt"]
    if not paths:
        raise DataError(f"{folder}: holds no inline file (.txt)")
    return paths


def _files_under(root: Path) -> list[Path]:
    """All files of a folder and its subfolders, hidden ones left out, in the order of their names."""
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


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


__all__ = [
    "ANNOTATIONS",
    "SPLITS",
    "Corpus",
    "InlineArticle",
    "inline_article",
    "inline_under",
    "jsonl_articles",
    "load_articles",
]
