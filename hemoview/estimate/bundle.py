"""A model bundle on disk: ``model.onnx``, ``card.json``, ``golden.npz`` and ``SHA256``; believed only when whole."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate.card import Card, parse_card
from recorder.errors import ConfigError

MODEL, CARD, GOLDEN, HASHES = "model.onnx", "card.json", "golden.npz", "SHA256"
FILES: Final = (MODEL, CARD, GOLDEN)

OUTPUTS: Final = ("mean", "q05", "q95")
"""Outputs every bundle has, each float32 ``(batch, parameter)`` in the card's order and units."""

GOLDEN_TOLERANCE: Final = 1e-4
"""Largest allowed ``|difference| / (1 + |golden|)`` of an output, so it reads the same for mmHg and mL."""

GoldenCase = tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A bundle whose every hash matched. The model is held as the very bytes that were hashed.

    Args:
        folder: where it lies.
        card: its checked card.
        model: the ONNX file, hashed.
        model_sha256: hex digest of ``model``.
        golden: inputs and outputs of the equality test, hashed ``.npz`` bytes.
    """

    folder: Path
    card: Card
    model: bytes
    model_sha256: str
    golden: bytes

    @property
    def name(self) -> str:
        """``<name>-<version>``, the folder's name."""
        return f"{self.card.name}-{self.card.version}"


def load(folder: Path) -> Bundle:
    """Read a bundle and check every hash and every field of the card.

    Raises:
        ConfigError: a file is missing or unreadable, a hash does not match, or the card is wrong; says which.
    """
    expected = _expected_hashes(folder)
    content = {name: _read(folder, name) for name in FILES}
    for name, blob in content.items():
        if hashlib.sha256(blob).hexdigest() != expected[name]:
            raise _refuse(folder, f"{name} does not match its SHA-256, it was changed or damaged")
    try:
        value = json.loads(content[CARD])
    except ValueError as error:
        raise _refuse(folder, f"card.json is no JSON ({error})") from error
    card = parse_card(value, f"bundle {folder.name}")
    if folder.resolve().name not in (f"{card.name}-{card.version}", card.name):
        raise _refuse(folder, f"its card says {card.name}-{card.version}, the folder is named otherwise")
    return Bundle(folder, card, content[MODEL], expected[MODEL], content[GOLDEN])


def list_bundles(root: Path) -> list[Path]:
    """Folders below ``root`` that want to be bundles (a card or a model inside), by name; not yet checked."""
    if not root.is_dir():
        return []
    return sorted(p for p in root.iterdir() if p.is_dir() and any((p / name).is_file() for name in FILES))


def default_bundle(root: Path) -> Path:
    """The bundle that runs where none is named: the newest student (``…-student-<version>``) by version and name, else
    the newest of all. A teacher is there to be asked for.

    Raises:
        ConfigError: none is installed.
    """
    folders = list_bundles(root)
    if not folders:
        raise ConfigError("a model bundle: none installed; install HemoView again or name one of models_bin")
    students = [f for f in folders if "-student-" in f.name]
    return max(students or folders, key=lambda f: (_version(f.name), f.name))


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.rpartition("-")[2].split(".") if part.isdigit())


def open_model(bundle: Bundle, threads: int = 1) -> Any:
    """An ``onnxruntime.InferenceSession`` of the hashed bytes, on the CPU.

    Raises:
        ConfigError: onnxruntime is absent or refuses the model.
    """
    return open_onnx(bundle.model, bundle.folder, threads)


def open_onnx(model: bytes, folder: Path, threads: int = 1) -> Any:
    """:func:`open_model` of any ONNX bytes; ``folder`` is named in errors."""
    try:
        import onnxruntime  # noqa: PLC0415 – slow to import, and absent on a recorder-only board
    except ImportError as error:
        raise _refuse(folder, "onnxruntime is not installed (pip install 'hemoview[app]')") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exception types are not public
        first_line = str(error).splitlines()[0]
        raise _refuse(folder, f"onnxruntime cannot run the model: {first_line}") from error


def verify(folder: Path) -> None:
    """Load a bundle and run it on its golden inputs.

    Raises:
        ConfigError: anything :func:`load` refuses, or an output that differs from its golden one.
    """
    bundle = load(folder)
    session = open_model(bundle)
    has = tuple(o.name for o in session.get_outputs())
    if missing := [name for name in OUTPUTS if name not in has]:
        raise _refuse(folder, f"model.onnx has no output {', '.join(missing)}")
    if bundle.card.inputs[0] not in {i.name for i in session.get_inputs()}:
        raise _refuse(folder, f"model.onnx has no input {bundle.card.inputs[0]}")
    for number, (ppg, outputs) in enumerate(golden_cases(bundle)):
        found = session.run(list(OUTPUTS), {bundle.card.inputs[0]: ppg})
        for name, got in zip(OUTPUTS, found, strict=True):
            if not (off := _difference(got, outputs[name])) <= GOLDEN_TOLERANCE:
                raise _refuse(folder, f"output {name} of golden case {number} is off by {off:.2g}")


def _difference(got: NDArray[np.float32], golden: NDArray[np.float32]) -> float:
    if got.shape != golden.shape:
        return float("inf")
    return float(np.max(np.abs(got - golden) / (1.0 + np.abs(golden))))


def golden_cases(bundle: Bundle) -> list[GoldenCase]:
    """Golden inputs ``(batch, 1, time)`` with their outputs ``(batch, parameter)``; arrays ``<case>_<name>``.

    Raises:
        ConfigError: ``golden.npz`` is unreadable or holds no case.
    """
    try:
        with np.load(io.BytesIO(bundle.golden), allow_pickle=False) as file:
            stored = {key: file[key] for key in file.files}
        count = sum(key.endswith("_ppg") for key in stored)
        cases: list[GoldenCase] = [
            (stored[f"{i}_ppg"], {name: stored[f"{i}_{name}"] for name in OUTPUTS}) for i in range(count)
        ]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise _refuse(bundle.folder, f"golden.npz cannot be used ({error})") from error
    if not cases:
        raise _refuse(bundle.folder, "golden.npz holds no case")
    return cases


def write_hashes(folder: Path) -> None:
    """Write ``SHA256`` for the three files, in the format of ``sha256sum``."""
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in FILES]
    (folder / HASHES).write_text("".join(lines), encoding="ascii", newline="\n")


def _expected_hashes(folder: Path) -> dict[str, str]:
    hashes = {}
    for line in _read(folder, HASHES).decode("ascii", "replace").splitlines():
        digest, _, name = line.partition("  ")
        hashes[name.strip()] = digest.strip().lower()
    if missing := [name for name in FILES if name not in hashes]:
        raise _refuse(folder, f"SHA256 does not list {', '.join(missing)}")
    return hashes


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _refuse(folder, f"{name} cannot be read ({error.strerror})") from error


def _refuse(folder: Path, what: str) -> ConfigError:
    return ConfigError(
        f"model bundle {folder.name}: {what}; install it again, estimates from it are not used",
        advice="model-bundle-refused",
    )
