"""The self-contained bundle: built, copied elsewhere, and the whole chain runs from it without this environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle in a folder it was not built in."""
    if sys.platform != "linux":
        pytest.skip("the bundle is only built on Linux here")
    place = tmp_path_factory.mktemp("bundle")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"),
            *("--distpath", str(place / "built"), "--workpath", str(place / "work")),
            str(ROOT / ".ci" / "bundle" / "hemoview.spec"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    moved = place / "elsewhere" / "hemoview"
    shutil.move(place / "built" / "hemoview", moved)
    return moved


def run(program: Path, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """With nothing of this environment: no Python, no path, no display."""
    alone = {"PATH": "/usr/bin:/bin", "HOME": str(home), "HEMOVIEW_HOME": str(home), "LANG": "C.UTF-8"}
    return subprocess.run(
        [program, *words], env=alone, cwd=home, capture_output=True, text=True, check=False, timeout=240
    )


def test_the_whole_chain_runs_from_the_bundle(bundle: Path, tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    done = run(
        bundle / "hemoview", "demo", "--seconds", "8", "--out", str(tmp_path / "demo"),
        "--screenshot", str(picture), "--json", home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["estimates"]["n"] > 0, "the edge process ran from the bundle"
    sent = {name: s for name, s in told["streams"].items() if s["expected"] and not s["gaps"]}
    assert "adc.wave" in sent
    assert not {name: s for name, s in sent.items() if s["on_disk"] != s["expected"]}
    assert picture.stat().st_size > 20_000
    whole = run(bundle / "recorder", "verify", told["session"], "--json", home=tmp_path)
    assert json.loads(whole.stdout.splitlines()[-1])["ok"]


def test_the_bundle_knows_its_models_and_has_no_learning(bundle: Path, tmp_path: Path) -> None:
    checked = run(bundle / "hemoview", "models", "verify", "--json", home=tmp_path)
    assert json.loads(checked.stdout.splitlines()[-1])["ok"], checked.stderr
    trained = run(bundle / "hemoview", "train", "--dataset", "nowhere", home=tmp_path)
    assert trained.returncode == 1
    assert "not part of this bundle" in trained.stderr
    assert "Traceback" not in trained.stderr
    assert not list((bundle / "_internal").glob("torch*"))
    assert os.access(bundle / "recorder", os.X_OK)
