"""A run learns what is there to learn, the same way every time, alone or in company, in one go or in two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

from hemoview import cli  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.labels.datasets.folder import HOLDS_WITHDRAWN  # noqa: E402
from hemoview.labels.datasets.splits import make_split  # noqa: E402
from hemoview.labels.datasets.write import write_dataset  # noqa: E402
from hemoview.learn import checkpoint, loop, prepare  # noqa: E402
from hemoview.learn.batches import Drawing, Part, batches  # noqa: E402
from hemoview.learn.checkpoint import RunFacts  # noqa: E402
from hemoview.learn.losses import Target, TaskWeights, total_loss  # noqa: E402
from hemoview.learn.moe.config import ModelConfig  # noqa: E402
from hemoview.learn.moe.model import LSM2oE  # noqa: E402
from hemoview.learn.run_config import RunConfig, Weights  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402

pytestmark = pytest.mark.learn

SMALL = ModelConfig(num_experts=3, hidden_channels=16, k=2, n_blocks=1, dropout=0.0)
RATE_HZ = 64.0


def waves(n_subjects: int = 12, each: int = 16, seed: int = 3) -> Dataset:
    """Pulse waves whose second harmonic tells the pressure; ten labels for half of the subjects, three for the rest."""
    rng = np.random.default_rng(seed)
    n = n_subjects * each
    time_s = np.arange(round(6 * RATE_HZ)) / RATE_HZ
    rate_hz, phase, shape = (
        rng.uniform(0.9, 1.5, (n, 1)),
        rng.uniform(0, 6.3, (n, 1)),
        rng.uniform(0, 1, (n, 1)),
    )
    turn = 2 * np.pi * rate_hz * time_s + phase
    ppg = np.sin(turn) + 0.6 * shape * np.sin(2 * turn + 1) + 0.02 * rng.normal(size=turn.shape)
    sbp = 100 + 40 * shape[:, 0]
    dbp, sv = 60 + 20 * shape[:, 0], 70 + 30 * shape[:, 0]
    labels = np.full((n, 10), np.nan)
    labels[:, 0], labels[:, 2] = sbp, dbp
    labels[:, 1] = dbp + 0.38 * (sbp - dbp)
    labels[: n // 2, 6] = sv[: n // 2]
    subject = np.repeat([f"s{i:02d}" for i in range(n_subjects)], each)
    return make_dataset(
        ppg,
        RATE_HZ,
        labels,
        subject,
        name="waves",
        numbers={"t0_s": np.tile(np.arange(each) * 6.0, n_subjects)},
    )


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return waves()


def facts_of(part: Part, **changes: object) -> RunFacts:
    config = RunConfig(model=SMALL, passes=4, lr=1e-2, patience=0, seed=1, drawing=Drawing(batch_size=32))
    return RunFacts(run=replace(config, **changes), scale=prepare.scale_of([part]))


def test_it_learns_what_the_wave_tells_and_only_from_known_labels(dataset: Dataset) -> None:
    split = make_split(dataset, 0.25, 0.25, seed=2)
    part, other = prepare.part_of(dataset, split.train), prepare.part_of(dataset, split.test)
    model = loop.train([part], None, facts_of(part, passes=40))
    found = loop.predict(model, other.views[0])[0]
    names = model.parameters_out
    scale = prepare.scale_of([part])
    constant = np.tile([scale.mean[loop.PARAMETERS.index(n)] for n in names], (len(other), 1))
    assert loop.score_of(found, other, scale, names) < 0.5 * loop.score_of(constant, other, scale, names)
    assert (found[:, 2] < found[:, 1]).all() and (found[:, 1] < found[:, 0]).all()


def test_the_same_seed_gives_the_same_network_and_another_another(dataset: Dataset) -> None:
    part = prepare.part_of(dataset, dataset.subjects)
    one, same, other = (
        loop.train([part], None, facts_of(part, passes=1, seed=s)).state_dict() for s in (5, 5, 6)
    )
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(dataset: Dataset, tmp_path: Path) -> None:
    noisy = replace(SMALL, noisy_gating=True, dropout=0.2)
    split = make_split(dataset, 0.25, 0.25, seed=2)
    part, chooser = prepare.part_of(dataset, split.train), prepare.part_of(dataset, split.val)
    whole = loop.train([part], chooser, facts_of(part, model=noisy), folder=made(tmp_path / "whole"))

    class Pulled(Exception):
        pass

    def pull(number: int, *_: object) -> None:
        if number == 2:
            raise Pulled

    facts, broken = facts_of(part, model=noisy), made(tmp_path / "broken")
    with pytest.raises(Pulled):
        loop.train([part], chooser, facts, folder=broken, on_pass=pull)
    mended = loop.train([part], chooser, facts, folder=broken, resume=True)
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.state_dict().values(), mended.state_dict().values(), strict=True)
    )
    texts = [(tmp_path / name / "log.jsonl").read_text() for name in ("whole", "broken")]
    lines = [[json.loads(line) for line in text.splitlines()] for text in texts]
    assert [x["score"] for x in lines[0]] == [x["score"] for x in lines[1]]
    with pytest.raises(ConfigError, match="another configuration"):
        loop.train([part], chooser, facts_of(part, model=noisy, lr=1e-4), folder=broken, resume=True)


def test_a_checkpoint_gives_the_network_back_or_says_why_not(dataset: Dataset, tmp_path: Path) -> None:
    part = prepare.part_of(dataset, dataset.subjects)
    facts = facts_of(part, passes=1)
    model = loop.train([part], None, facts, folder=made(tmp_path / "run"))
    again, found = checkpoint.load(tmp_path / "run")
    assert np.array_equal(loop.predict(model, part.views[0]), loop.predict(again, part.views[0]))
    assert (found.run, found.scale, found.pass_no) == (facts.run, facts.scale, 1)
    path = tmp_path / "run" / "checkpoint.pt"
    wider = LSM2oE(replace(SMALL, hidden_channels=32), facts.scale)
    with pytest.raises(ConfigError, match="another network than 3 experts, 32 channels"):
        checkpoint.restore(wider, checkpoint.read(path)["state"], path, wider.config)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="damaged, or not a checkpoint"):
        checkpoint.load(tmp_path / "run")
    with pytest.raises(ConfigError, match="train first"):
        checkpoint.load(tmp_path / "nothing")


def test_a_missing_label_moves_nothing() -> None:
    part = prepare.part_of(waves(4, 4), [f"s{i:02d}" for i in range(4)])
    model = LSM2oE(SMALL, prepare.scale_of([part]))
    output = model.train()(torch.from_numpy(part.views[0][:, None]))
    label = torch.tensor([[120.0, 90.0, 75.0, 80.0]]).repeat(len(part), 1)
    known = torch.ones_like(label, dtype=torch.bool)
    known[:, 3] = False
    tasks, unit = TaskWeights(4), torch.tensor([12.0, 8.0, 8.0, 7.0])
    group = torch.arange(len(part))
    target = Target(label, known, group, unit, label[0])
    total_loss(output, target, tasks, Weights()).backward()
    moved = model.towers.last_bias.grad.abs().sum(dim=(1, 2))
    assert (moved[:3] > 0).all() and moved[3] == 0 and tasks.log_variance.grad[3] == 0


def test_inside_a_subject_its_level_does_not_count() -> None:
    part = prepare.part_of(waves(4, 6), [f"s{i:02d}" for i in range(4)])
    model = LSM2oE(SMALL, prepare.scale_of([part])).train()
    output = model(torch.from_numpy(part.views[0][:, None]))
    group = torch.from_numpy(part.subject_no)
    unit, n = torch.ones(4), len(part)
    label = torch.from_numpy(part.labels[:, [0, 1, 2, 6]]).nan_to_num(80.0)
    shifted = label + 7.0 * group[:, None]
    known = torch.ones(n, 4, dtype=torch.bool)
    losses = [
        total_loss(output, Target(y, known, group, unit, unit * 0), TaskWeights(4), Weights(level=0.0))
        for y in (label, shifted)
    ]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-4)


def test_batches_depend_on_seed_and_pass_alone_and_mix_sets_without_mixing_people(dataset: Dataset) -> None:
    one = prepare.part_of(dataset, dataset.subjects[:6])
    two = prepare.part_of(dataset, dataset.subjects[6:], share=0.5)
    drawing = Drawing(batch_size=48, windows_a_subject=8)
    first, again = ([*batches([one, two], drawing, 4, 2)] for _ in range(2))
    assert all(np.array_equal(a.ppg, b.ppg) for a, b in zip(first, again, strict=True))
    for batch in first:
        assert len(batch.ppg) == 48 and 320 <= batch.ppg.shape[2] <= 384
        assert len(np.unique(batch.group)) == 6, "four subjects of one set, two of the other"
        halves = [batch.of_process(rank, 2) for rank in (0, 1)]
        assert not set(halves[0].group.tolist()) & set(halves[1].group.tolist())
        assert sum(len(h.ppg) for h in halves) == 48


TWO = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from tests.learn.test_training import facts_of, waves
from hemoview.learn import distributed, loop, prepare  # noqa: E402
torch.set_num_threads(1)
with distributed.joined("cpu"):
    dataset = waves(8, 8)
    part = prepare.part_of(dataset, dataset.subjects)
    model = loop.train([part], None, facts_of(part, passes=2))
    if distributed.rank() == 0:
        torch.save(model.state_dict(), sys.argv[2])
"""


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    script = tmp_path / "two.py"
    script.write_text(TWO)
    found = []
    for count in (1, 2):
        out = str(tmp_path / f"{count}.pt")
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            f"--nproc_per_node={count}",
            "--master_port=0",
        ]
        command = [
            *command[:-1],
            "--rdzv-backend=c10d",
            "--rdzv-endpoint=127.0.0.1:0",
            str(script),
            root,
            out,
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(torch.load(out, weights_only=True))
    for name, value in found[0].items():
        assert torch.allclose(value.float(), found[1][name].float(), atol=2e-3, rtol=2e-2), name


def test_the_command_trains_and_refuses_with_reasons(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", dataset)
    small = ["--num_experts", "2", "--hidden_channels", "8", "--k", "1", "--epochs", "2", "--device", "cpu"]
    done = hemoview(
        "train", "--dataset", tmp_path / "set", "--output_dir", tmp_path / "run", *small, "--json"
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["train_subjects"], said["val_subjects"], said["test_subjects"]) == (8, 2, 2)
    assert checkpoint.load(tmp_path / "run")[1].dataset_version == dataset.version
    assert set(said["parameters"]) == set(loop.PARAMETERS) and "SIMULATED" not in said
    report = Path(said["report"])
    assert report == tmp_path / "run" / "report" / "report.html" and "SBP" in report.read_text()
    for flags, why in (
        (["--dataset", tmp_path / "set", "--output_dir", tmp_path / "run"], "a training run already"),
        (
            ["--dataset", tmp_path / "set", "--output_dir", tmp_path / "x", "--k", "20"],
            "k = 20 of num_experts",
        ),
        (["--dataset", tmp_path / "absent", "--output_dir", tmp_path / "x"], "absent"),
        (
            ["--dataset", tmp_path / "set", "--split", "mine", "--output_dir", tmp_path / "x"],
            "no split called 'mine'",
        ),
    ):
        refused = hemoview("train", *flags)
        assert refused.returncode == 1 and why in refused.stderr and "Traceback" not in refused.stderr


def hemoview(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hemoview", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_some_parameters_can_be_trained_alone_from_another_network(dataset: Dataset) -> None:
    """Stroke volume known from one set is learned on features another set has made, and changes no pressure."""
    pressures = prepare.part_of(dataset, dataset.subjects)
    pressures.labels[:, 6] = np.nan
    start = loop.train([pressures], None, facts_of(pressures, passes=2))
    volumes = prepare.part_of(dataset, dataset.subjects[:6])
    volumes.labels[:, :3] = np.nan
    facts = replace(facts_of(volumes, passes=6), scale=prepare.scale_of([pressures, volumes]))
    towers = {f"towers.{name}" for name in ("hidden", "hidden_bias", "last", "last_bias")}
    alone = replace(
        facts, run=replace(facts.run, weight_decay=0.0, weights=Weights(balance=0.0, router_z=0.0))
    )
    ends = loop.train([volumes], None, alone, start=start, only=towers)
    moved = {n for n, v in start.state_dict().items() if not torch.equal(v, ends.state_dict()[n])}
    assert moved - {n for n in moved if n.startswith("units.")} == towers
    for tower in towers:
        before, after = start.state_dict()[tower], ends.state_dict()[tower]
        assert torch.equal(before[:3], after[:3]) and not torch.equal(before[3], after[3])


def test_a_dataset_that_somebody_withdrew_from_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "data", waves())
    (tmp_path / "data" / "withdrawn.json").write_text(json.dumps({HOLDS_WITHDRAWN: ["s03"]}), "utf-8")
    words = ["train", "--dataset", str(tmp_path / "data"), "--output_dir", str(tmp_path / "run")]
    assert cli.main(words) == 1
    assert f"{HOLDS_WITHDRAWN} s03: build it again without" in capsys.readouterr().err
