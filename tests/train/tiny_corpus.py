"""A corpus of three articles that a tiny network learns by heart in seconds."""

from pathlib import Path

from train.data.corpus import SPLITS, Corpus

ARTICLE = """source: 시험
---
[부산시/C1], [후쿠오카/C2]와 [수소/F1] 협력
> C1 COOPERATES_WITH C2
> C1,C2 COOPERATES_IN F1

[박형준/P1] [부산/C1]시장은 [3일/D1] [후쿠오카시/C2]를 방문했다.
> P1 HEAD_OF C1
> P1 VISITS C2
> P1 ON_DATE D1
[부산항만공사/O1]와 [하카타항/O2]은 [물류/F1] 분야 협약을 맺었다.
> O1 COOPERATES_WITH O2
> O1,O2 COOPERATES_IN F1
"""

TINY = [
    "encoder.random.layers=1",
    "encoder.random.hidden=32",
    "encoder.random.heads=2",
    "encoder.random.intermediate=64",
    "encoder.random.embedding=16",
    "encoder.random.vocabulary=300",
    "network.char_dim=16",
    "network.hidden=32",
    "network.relation_hidden=32",
    "window.length=64",
    "window.context=4",
    "training.threads=1",
    "training.precision=fp32",
    "training.batch_size=2",
    "training.evaluate_every=1",
]


def write_tiny_corpus(folder: Path, articles: int = 3) -> Path:
    """The same article under several ids in every split (near-duplicates on purpose: these tests memorise)."""
    corpus = Corpus(folder)
    for split in SPLITS:
        corpus.inline_folder(split).mkdir(parents=True)
        for index in range(articles):
            (corpus.inline_folder(split) / f"{split}-{index}.txt").write_text(ARTICLE, encoding="utf-8")
    corpus.compile()
    return folder
