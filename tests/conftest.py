"""What all tests share: one thread, no network, a fixed random order, tiny encoders built in memory."""

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
import torch
from hypothesis import HealthCheck, settings

from model.checkpoint import new_settings
from model.encoder import Encoder
from model.network import JointNetwork, NetworkSize
from model.runtime.lexicon import Lexicon
from model.runtime.predictor import Predictor
from train.config import RandomEncoder
from train.random_encoder import random_encoder

torch.set_num_threads(1)
settings.register_profile("dosilink", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=True)
settings.load_profile("dosilink")

TEXTS = (
    "부산시는 3일 일본 후쿠오카시를 방문해 수소와 관광 분야 협력을 논의했다고 밝혔다.",
    "박형준 부산시장은 다카시마 소이치로 시장과 만나 스마트시티 협약을 체결했다.",
    "두 도시는 2007년 자매결연을 맺었다. 부산항만공사(BPA)도 함께했다.",
)
TINY_ENCODER = RandomEncoder(vocabulary=300, layers=1, hidden=32, heads=2, intermediate=64, embedding=16, positions=128)
TINY_SIZE = NetworkSize(char_dim=16, hidden=32, relation_hidden=32, kernel=3, dropout=0.0, char_dropout=0.0)


def pytest_configure(config: pytest.Config) -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_encoder() -> Encoder:
    """One layer, 32 wide, random weights, a vocabulary of three sentences."""
    torch.manual_seed(7)
    return random_encoder(TEXTS, TINY_ENCODER)


@pytest.fixture(scope="session")
def tiny_predictor(tiny_encoder: Encoder) -> Callable[..., Predictor]:
    """Builds an untrained predictor with a given window; its answers are arbitrary and deterministic.

    `outside` favours the outside tag: an untrained tagger sees a mention at every other character.
    """

    def build(
        length: int = 64, context: int = 8, threshold: float = 0.5, batch_tokens: int = 256, outside: float = 0.0
    ) -> Predictor:
        torch.manual_seed(7)
        network = JointNetwork(tiny_encoder.model, TINY_SIZE).eval()
        with torch.no_grad():
            network.tagger.output.bias[0] += outside
        model_settings = new_settings(tiny_encoder, length, context, TINY_SIZE, threshold, "tiny")
        return Predictor(network, tiny_encoder.tokenizer, model_settings, Lexicon.empty(), batch_tokens)

    return build


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent
