"""A tiny corpus of our own sentences, and a recipe small enough for a test."""

import random
from pathlib import Path

from train.pretrain.config import PretrainConfig

CITIES = ["고흥군", "나주시", "전주시", "강릉시", "통영시", "가고시마시", "다롄시", "웨이하이시"]
SUBJECTS = ["관광", "농업", "교육", "청소년 교류", "수산물 판매", "재난 대응"]
TEMPLATES = [
    "{a}와 {b}는 {y}년 {m}월 {d}일 {s} 분야의 업무협약을 맺었다.",
    "{a} 대표단이 {d}일 {b}를 찾아 {s} 협력을 의논했다.",
    "{b}(시장 홍길동)는 {a}의 ‘{s}’ 사업에 {m}억 {d}00만 원을 보탠다고 밝혔다.",
    "{a}는 지난 {y}년부터 {b}와 {s} 행사를 함께 열고 있다.",
]


def sentences(count: int, seed: int = 1) -> list[str]:
    """Invented news sentences."""
    rng = random.Random(seed)
    return [
        rng.choice(TEMPLATES).format(
            a=rng.choice(CITIES),
            b=rng.choice(CITIES),
            s=rng.choice(SUBJECTS),
            y=rng.randint(1995, 2026),
            m=rng.randint(1, 12),
            d=rng.randint(1, 28),
        )
        for _ in range(count)
    ]


def tiny_recipe(corpus: Path, output: Path, kind: str = "masked", steps: int = 12, tokens: int = 0) -> PretrainConfig:
    """A recipe that runs in a second; ``tokens`` above 0 asks for the warm start."""
    return PretrainConfig.model_validate(
        {
            "output": output,
            "export": output / "export",
            "corpus": {"folder": corpus, "sources": [{"pattern": "press.txt", "repeat": 2}, {"pattern": "*.txt*"}]},
            "vocabulary": {
                "size": 800,
                "sample_share": 1.0,
                "min_syllable_count": 1,
                "other_characters": 20,
                "min_piece_count": 2,
            },
            "architecture": {
                "num_hidden_layers": 2,
                "hidden_size": 32,
                "num_attention_heads": 2,
                "intermediate_size": 64,
                "embedding_size": 16,
                "max_position_embeddings": 64,
            },
            "generator": {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 1, "intermediate_size": 32},
            "warm_start": {"tokens": tokens},
            "objective": {"kind": kind},
            "training": {
                "budget": {"steps": steps},
                "batch": 4,
                "length": 32,
                "rate": 0.003,
                "dropout": 0.1,
                "log_every": 1,
                "autocast": "off",
            },
        }
    )
