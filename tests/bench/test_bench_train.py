"""``bench train``: both sides compute the same thing, and memory follows k. Needs torch (the learn extra)."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

from hemoview.bench import train  # noqa: E402
from hemoview.learn.moe.config import ModelConfig  # noqa: E402

pytestmark = pytest.mark.learn


def test_fields_equality_and_memory_on_a_small_mixture() -> None:
    threads = torch.get_num_threads()
    teacher = ModelConfig(num_experts=6, hidden_channels=16, k=2, expert_type="msfgm", n_blocks=1)
    result = train.run(teacher, {"resnet": ModelConfig(num_experts=6, hidden_channels=16, k=2)}, batch=16)
    assert torch.get_num_threads() == threads
    assert result["ratio_vs_dense"] > 1
    assert result["ratio_vs_dense"] == pytest.approx(
        result["windows_per_s"] / result["dense_windows_per_s"], rel=0.05
    )
    assert result["from_sparsity"] * result["from_vectorising"] == pytest.approx(
        result["ratio_vs_dense"], rel=0.05
    )
    assert 0 <= result["largest_difference"] < 1e-5
    few, more_experts, more_chosen = (row["kept_mb"] for row in result["memory"])
    assert [(row["num_experts"], row["k"]) for row in result["memory"]] == [(6, 2), (12, 2), (12, 4)]
    assert more_experts < 1.1 * few and more_chosen > 1.3 * few
    assert result["others"]["resnet"]["from_vectorising"] == 1.0
    assert result["macs_dense"] > result["macs_as_run"]
    assert result["peak_mb"] is None or 100 < result["peak_mb"] < 24_000


@pytest.mark.slow
def test_the_teacher_trains_many_times_faster_than_a_naive_dense_mixture_and_fits() -> None:
    result = train.run(others={})
    assert result["ratio_vs_dense"] > 8, "the bar is 10; a neighbour's load on the caches may cost some of it"
    assert result["peak_mb"] is None or result["peak_mb"] < 24_000
