"""The house stands as drawn: imports look one way, the window is light, a wheel carries what it needs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "hemoview", "recorder", "resources", "models_bin", "tests",
    "pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md",
}  # fmt: skip


def tracked(pattern: str = "*") -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in names.splitlines()]


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_top_level_is_fixed() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


def test_the_rooms_import_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_review_is_open_before_drawings_and_clients_of_other_programs_are_loaded() -> None:
    loaded = python(
        "import sys, hemoview.ui.review.page; print(*sorted(m.split('.')[0] for m in sys.modules))"
    ).split()
    assert not {"matplotlib", "httpx", "pandas", "torch", "onnxruntime"} & set(loaded)


def needed_by(path: Path) -> set[str]:
    """Modules a file imports, at its top, inside a function or for types only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_no_module_needs_itself_over_others() -> None:
    files = [p for p in (*tracked("recorder/*.py"), *tracked("hemoview/*.py")) if p.name != "__init__.py"]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}
    needs = {name: needed_by(path) & modules.keys() - {name} for name, path in modules.items()}
    while ready := {name for name, others in needs.items() if not others & needs.keys()}:
        needs = {name: others for name, others in needs.items() if name not in ready}
    while unneeded := needs.keys() - set[str]().union(*needs.values()):
        needs = {name: others for name, others in needs.items() if name not in unneeded}
    assert not sorted(needs), "they need each other"


def test_the_window_pulls_in_no_learning_and_no_service() -> None:
    loaded = python("import sys, hemoview.app; print(*sorted(m.split('.')[0] for m in sys.modules))").split()
    assert not {"torch", "fastapi", "pandas", "scipy", "wfdb", "matplotlib"} & set(loaded)


def test_the_core_pulls_in_no_qt() -> None:
    loaded = python(
        "import sys, recorder.cli, recorder.acquire, recorder.host.client; print(*sys.modules)"
    ).split()
    assert not [name for name in loaded if name.startswith(("PySide6", "pyqtgraph", "hemoview"))]


def functions(path: Path) -> list[tuple[int, str]]:
    """(lines, place) of every function in a file."""
    nodes = (
        n
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        ((n.end_lineno or 0) - n.lineno + 1, f"{path.relative_to(ROOT)}:{n.lineno} {n.name}") for n in nodes
    ]


def test_files_and_functions_can_be_seen_whole() -> None:
    files = [*tracked("recorder/*.py"), *tracked("hemoview/*.py"), *tracked("tests/*.py")]
    assert not [str(path.relative_to(ROOT)) for path in files if path.read_text().count("\n") > 420]
    assert not [place for path in files for lines, place in functions(path) if lines > 60]


def test_no_two_modules_of_tests_have_one_name() -> None:
    """They are imported by it: of two that share one the second is not collected."""
    counted = Counter(path.name for path in tracked("tests/*.py"))
    assert not [name for name, times in counted.items() if times > 1 and name != "conftest.py"]


def test_marks_that_choose_a_suite_stand_in_the_modules_they_choose() -> None:
    """By their text tests/conftest.py knows which modules a suite can pass over."""
    chosen = re.compile(r"mark\.(slow|learn|services|soak)\b")
    shared = [path for path in tracked("tests/*.py") if not path.name.startswith("test_")]
    assert not [path.name for path in shared if chosen.search(path.read_text())]


def test_what_tests_share_stands_in_no_test_module() -> None:
    tests = {path.stem for path in tracked("tests/*.py") if path.stem.startswith("test_")}
    sharing = {path.name: needed_by(path) & tests for path in tracked("tests/*.py")}
    assert not {name: shared for name, shared in sharing.items() if shared}


def test_every_script_of_pyproject_exists() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for target in scripts.values():
        module, function = target.split(":")
        assert python(f"import {module}; print(callable({module}.{function}))") == "True"


@pytest.mark.slow
def test_a_wheel_in_an_empty_environment_finds_resources_and_models(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(ROOT)],
        check=True,
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    wheel = next(tmp_path.glob("hemoview-*.whl"))
    venv.create(tmp_path / "empty", with_pip=True)
    here = tmp_path / "empty" / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([here / "python", "-m", "pip", "install", "--quiet", f"{wheel}[app]"], check=True, env=env)
    done = subprocess.run(
        [here / "hemoview", "models", "verify", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    assert '"ok": true' in done.stdout
    code = (
        "from recorder.host import places; print(places.models_dir());"
        "print(*(p.name for p in (places.resources_dir() / 'profiles').iterdir()))"
    )
    found = subprocess.run(
        [here / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=env
    )
    assert "site-packages" in found.stdout
    assert "lab-adc-ascii.toml" in found.stdout


@pytest.mark.parametrize(
    "words", [["models"], ["models", "verify"], ["models", "show", "lsm2oe-student-0.2.1"]]
)
def test_models_answer_with_their_defaults(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from hemoview import cli  # noqa: PLC0415

    assert cli.main([*words, "--json"]) == 0
    assert "lsm2oe-student" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("program", ["recorder", "hemoview"])
def test_every_command_has_help_with_an_example(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script itself once; its commands without a process each."""
    ask = import_module(f"{program}.cli").main
    here = Path(sys.executable).parent / program
    top = subprocess.run([here, "--help"], capture_output=True, text=True, check=True).stdout
    commands = [
        line.split()[0] for line in top.splitlines() if line.startswith("    ") and line[4:5].isalpha()
    ]
    assert {
        "recorder": {"serve", "record", "verify", "recover", "erase", "devices"},
        "hemoview": {"demo", "models"},
    }[program] <= set(commands)
    for command in set(commands) - {"bench"}:
        with pytest.raises(SystemExit) as ended:
            ask([command, "--help"])
        assert ended.value.code == 0
        assert "example" in capsys.readouterr().out.lower(), command
