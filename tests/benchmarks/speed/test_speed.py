"""The benchmark as it is run, on a tiny model: every entrant takes its turns, the pages hold what was measured."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "train"))

from tiny_corpus import write_tiny_corpus

from benchmarks.quality.config import load_config
from benchmarks.speed.__main__ import CONFIG, run_benchmark
from benchmarks.speed.config import Benchmark
from benchmarks.speed.limit import Shape, Work
from benchmarks.speed.measure import Result, Timings
from benchmarks.speed.processes import Worker, WorkerError
from benchmarks.speed.table import BEGIN, END, short_table, summary, tables, write_results
from model.checkpoint import save_model
from model.network import JointNetwork
from model.runtime.errors import ConfigError
from model.runtime.predictor import Predictor


@pytest.fixture(scope="module")
def run_folder(tiny_predictor: Callable[..., Predictor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an untrained tiny model."""
    folder = tmp_path_factory.mktemp("run")
    predictor = tiny_predictor()
    assert isinstance(predictor.network, JointNetwork)
    save_model(folder / "model", predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    return folder


def _benchmark(tmp_path: Path, run_folder: Path, entrants: list[dict[str, object]]) -> Benchmark:
    page, readme = tmp_path / "speed.md", tmp_path / "README.md"
    for path in (page, readme):
        path.write_text(f"before\n\n{BEGIN}\n{END}\n\nafter\n", encoding="utf-8")
    return Benchmark.model_validate(
        {
            "data": write_tiny_corpus(tmp_path / "data"),
            "run": run_folder,
            "work": tmp_path / "work",
            "results": tmp_path / "results",
            "page": page,
            "readme": readme,
            "articles": 3,
            "single": 2,
            "repeats": 2,
            "cold_starts": 1,
            "threads": [1],
            "batch_sizes": [2],
            "matrix": 32,
            "entrants": entrants,
        }
    )


def test_a_crf_takes_its_turns(tmp_path: Path, run_folder: Path) -> None:
    pytest.importorskip("pycrfsuite")
    benchmark = _benchmark(tmp_path, run_folder, [{"name": "crf", "kind": "crf"}])
    (result,) = run_benchmark(benchmark)
    (timings,) = result.timings
    assert len(timings.seconds) == len(timings.single) == len(result.peaks) == 2 and len(timings.cold) == 1
    assert result.sentences >= result.articles == 3 and set(result.peaks[0]) == {"fp32", "bf16", "int8"}
    assert "times torch" not in summary(result)["crf"]


@pytest.mark.slow
def test_from_a_run_to_the_pages(tmp_path: Path, run_folder: Path) -> None:
    pytest.importorskip("pycrfsuite")
    entrants: list[dict[str, object]] = [
        {"name": "ours-fp32", "kind": "exported"},
        {"name": "torch", "kind": "torch"},
        {"name": "huggingface", "kind": "huggingface"},
        {"name": "crf", "kind": "crf"},
    ]
    benchmark = _benchmark(tmp_path, run_folder, entrants)
    (result,) = run_benchmark(benchmark)
    write_results(benchmark, [result])
    by_name = {timings.entrant: timings for timings in result.timings}
    assert list(by_name) == [entrant["name"] for entrant in entrants]
    assert by_name["ours-fp32"].mentions == by_name["torch"].mentions > 0 == by_name["huggingface"].mentions
    for timings in result.timings:
        assert len(timings.seconds) == len(timings.single) == 2 and len(timings.cold) == 1
        assert min(*timings.seconds, *timings.cold) > 0 and timings.bytes > 1_000 and timings.peak_memory > 10_000_000
    assert by_name["crf"].peak_memory < by_name["torch"].peak_memory
    assert by_name["huggingface"].batch_size == 2
    stored = json.loads((tmp_path / "results/threads-1.json").read_text())
    assert stored["sentences"] == result.sentences and stored["facts"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert result.work is not None and result.work.windows >= 3 and result.operations is not None
    page, readme = ((tmp_path / name).read_text() for name in ("speed.md", "README.md"))
    assert page.startswith("before") and page.endswith("after\n") and readme.endswith("after\n")
    median = summary(result)["torch"]["sentences/s"]["median"]
    assert f"{median:.0f}" in readme and "the limit" in page


def _result(**changes: object) -> Result:
    facts = {"machine": "m", "system": "s", "usable cores": 2, "load at start": 0.1}
    slow = Timings("huggingface", "pipeline", 10, None, [2.0, 4.0], [2.0, 4.0], [[0.2], [0.4]], [3.0], 5_000_000)
    fast = Timings("ours-int8", "ours", 10, None, [1.0, 1.0], [1.0, 1.0], [[0.1], [0.1]], [1.0], 5_000_000)
    return Result(1, 10, 100, 1000, facts | dict(changes), [fast, slow])


def test_ratios_are_of_the_same_round() -> None:
    ratio = summary(_result())["ours-int8"]["times huggingface"]
    assert ratio == {"median": 3.0, "lowest": 2.0, "highest": 4.0}
    assert "3.00 (2.00–4.00)" in tables([_result()])


def test_a_busy_machine_is_said_to_be_busy() -> None:
    assert "busy" not in tables([_result()])
    assert "busy" in short_table(_result(**{"load at start": 3.0}))


def test_operations_are_those_of_the_layers(tiny_predictor: Callable[..., Predictor]) -> None:
    """Against the sizes of the weights: a linear layer multiplies and adds each of them once an item."""
    network = tiny_predictor().network
    assert isinstance(network, JointNetwork)
    config, size = network.encoder.config, network.size
    widths = (config.num_hidden_layers, config.hidden_size, config.intermediate_size, config.embedding_size)
    d, head = size.char_dim + size.lexicon_dim, network.relations.output.out_features
    shape = Shape(*widths, d, size.hidden, size.kernel, network.tagger.output.out_features, size.relation_hidden, head)

    def weights(part: torch.nn.Module) -> int:
        kinds = (torch.nn.Linear, torch.nn.Conv1d)
        return sum(m.weight.numel() for m in part.modules() if isinstance(m, kinds))

    assert shape.operations(Work(pieces=5)) == 10 * weights(network.encoder)
    assert shape.operations(Work(characters=3)) == 6 * (weights(network.tagger) - weights(network.tagger.lexicon))
    assert shape.operations(Work(mentions=1)) == 2 * network.relations.ends.weight.numel()
    assert shape.operations(Work(pairs=1)) == 2 * (weights(network.relations) - network.relations.ends.weight.numel())
    assert shape.operations(Work(squares=1)) == 4 * config.num_hidden_layers * config.hidden_size


def test_a_worker_that_dies_says_why(tmp_path: Path) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text('["부산"]', encoding="utf-8")
    job = {"kind": "exported", "path": str(tmp_path), "threads": 1, "texts": str(texts)}
    with pytest.raises(WorkerError, match="is no dosilink model"):
        Worker("ours", job)


def test_the_shipped_config_loads_and_unknown_entrants_are_refused() -> None:
    benchmark = load_config(CONFIG, Benchmark)
    assert {entrant.kind for entrant in benchmark.entrants} == {"exported", "torch", "huggingface", "crf"}
    assert [e.name for e in benchmark.only(["crf"]).entrants] == ["crf"]
    with pytest.raises(ConfigError, match="no entrant is called nobody"):
        benchmark.only(["nobody"])


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no finished run"):
        run_benchmark(_benchmark(tmp_path, tmp_path / "nothing", [{"name": "torch", "kind": "torch"}]))
