"""The dataset folder of the contracts, read; and the two bare files of the seed's format.

``ppg.npy`` ``cnap.npy`` ``meta.parquet`` ``splits.json`` ``dataset.json``. A folder may hold the two arrays and a
``dataset.json`` with ``window_s`` and ``sampling_rate_hz`` alone.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hemoview.labels.datasets.checks import (
    COLUMNS_OF_WIDTH,
    DEMOGRAPHICS,
    check_waves,
    crossed_pressures,
    refuse_swapped,
    rows_of,
    widen_labels,
)
from hemoview.labels.datasets.dataset import NUMBERS, VERSION_PREFIX, WORDS, Dataset, make_dataset
from hemoview.labels.datasets.split import Split
from recorder.counted import counted
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

PPG, LABELS, META, SPLITS, FACTS = "ppg.npy", "cnap.npy", "meta.parquet", "splits.json", "dataset.json"
WITHDRAWN: Final = "withdrawn.json"
HOLDS_WITHDRAWN: Final = "contains withdrawn subject"
"""How the note of a dataset begins that somebody in it has withdrawn from."""
"""Beside the others: subjects of it who took their consent back after it was built."""
SEED_WINDOW_S: Final = 10.0
"""Length of a window of the seed's format, which states no rate."""

_SEXES: Final = {
    "female": 0.0,
    "f": 0.0,
    "male": 1.0,
    "m": 1.0,
    "other": np.nan,
    "unknown": np.nan,
    "": np.nan,
}
_OURS: Final = (
    "version",
    "name",
    "window_s",
    "sampling_rate_hz",
    "parameters",
    "software",
    "subject_known",
    "short_windows",
)
_IS_PRESSURE: Final = np.isin(PARAMETERS, ("SBP", "MAP", "DBP"))


def read_dataset(folder: Path) -> Dataset:
    """A dataset folder. Rows are put in order of time inside each subject's session where ``t0_s`` is there.

    ``about["notes"]`` says what was changed: rows reordered, pressures masked where DBP is not below SBP.

    Raises:
        ConfigError: a file is missing, not readable, or does not fit the others; names file, column and row.
    """
    folder = Path(folder)
    facts = _facts(folder)
    ppg, labels = read_array(folder / PPG), read_array(folder / LABELS)
    rate_hz = float(facts["sampling_rate_hz"])
    short = bool(facts.get("short_windows", False))
    check_waves(ppg, rate_hz, str(folder / PPG), short_windows=short)
    seconds = float(facts["window_s"])
    if abs(ppg.shape[1] - seconds * rate_hz) > 1:
        raise ConfigError(
            f"{folder / FACTS}: window_s {seconds:g} at {rate_hz:g} Hz is not {ppg.shape[1]} samples, as {PPG} has; "
            "correct the rate or the length"
        )
    columns = _read_meta(folder / META, len(ppg))
    notes: list[str] = []
    wide = _clean_labels(labels, facts, folder, len(ppg), notes)
    order = _order_of_time(columns, len(ppg))
    if (np.diff(order) < 0).any():
        notes.append("rows were put in order of time inside each subject's session")
        ppg, wide = ppg[order], wide[order]
        columns = {name: column[order] for name, column in columns.items()}
    dataset = _assemble(folder, facts, ppg, wide, columns)
    declared = str(facts.get("version", ""))
    if declared.startswith(VERSION_PREFIX) and declared != dataset.version:
        raise ConfigError(
            f"{folder}: its content is not the one its version was made of ({declared[:16]}…, found "
            f"{dataset.version[:16]}…); restore the files, or remove version from {FACTS} if the change was meant"
        )
    if declared and declared != dataset.version:
        notes.append(f"its own version is {declared}")
    if (folder / WITHDRAWN).is_file():
        names = ", ".join(str(n) for each in _json(folder / WITHDRAWN).values() for n in each)
        notes.append(f"{HOLDS_WITHDRAWN} {names}: build it again without")
    return _with_notes(dataset, notes)


def read_seed_files(ppg_file: Path, labels_file: Path, sampling_rate_hz: float | None = None) -> Dataset:
    """The seed's two arrays: windows ``(n, n_samples)`` and labels 2, 3, 4 or 10 wide.

    Without subjects each row counts as its own; without a rate a window is 10 s long.

    Raises:
        ConfigError: naming the file and what is wrong with it.
    """
    ppg, labels = read_array(Path(ppg_file)), read_array(Path(labels_file))
    if ppg.ndim != 2:
        raise ConfigError(f"{ppg_file}: an array of shape {ppg.shape}; give (windows, samples)")
    rate_hz = ppg.shape[1] / SEED_WINDOW_S if sampling_rate_hz is None else float(sampling_rate_hz)
    check_waves(ppg, rate_hz, str(ppg_file), short_windows=False)
    notes: list[str] = []
    wide = _clean_labels(labels, {}, Path(labels_file), len(ppg), notes)
    dataset = make_dataset(
        ppg,
        rate_hz,
        wide,
        _own_subjects(len(ppg)),
        name=Path(ppg_file).stem,
        subject_known=False,
        about={"sources": [Path(ppg_file).name, Path(labels_file).name]},
    )
    return _with_notes(dataset, notes)


def software_of(folder: Path) -> dict[str, Any]:
    """What a dataset was written with, by name; nothing where it does not say.

    Raises:
        ConfigError: there is no dataset.
    """
    told = _facts(Path(folder)).get("software")
    return dict(told) if isinstance(told, Mapping) else {}


def subjects_of(folder: Path) -> list[str]:
    """Everybody in a dataset folder, from its ``meta.parquet`` alone; nobody where there is none that can be read."""
    try:
        column = pq.read_table(folder / META, columns=["subject_id"]).column(0)
    except (OSError, ValueError, pa.ArrowException, IndexError):
        return []
    return sorted({str(who) for who in column.to_pylist() if who})


def read_array(path: Path) -> NDArray[np.float64 | np.float32]:
    """A plain numeric ``.npy``; float32 stays, all else becomes float64.

    Raises:
        ConfigError: absent, not a ``.npy``, or not numbers.
    """
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file; a dataset needs it") from error
    except (OSError, ValueError, EOFError, MemoryError, SyntaxError, TokenError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: not an array of numbers in numpy's format ({error})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise ConfigError(f"{path}: holds {getattr(array, 'dtype', 'several arrays')}, not numbers")
    if array.dtype == np.float32:
        return array
    with np.errstate(invalid="ignore", over="ignore"):  # of a damaged header: its hash tells
        return array.astype(np.float64)


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / FACTS
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder; give the folder of a dataset")
    facts = _json(path)
    for name in ("window_s", "sampling_rate_hz"):
        value = facts.get(name)
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or not np.isfinite(value)
            or value <= 0
        ):
            raise ConfigError(f"{path}: {name} is {value!r}; give a number above 0")
    for name in ("subject_known", "short_windows"):
        if not isinstance(facts.get(name, False), bool):
            raise ConfigError(f"{path}: {name} is {facts[name]!r}; give true or false")
    return facts


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file; a dataset needs it") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: holds no JSON object")
    return value


def _clean_labels(
    labels: NDArray[np.floating], facts: Mapping[str, Any], where: Path, n: int, notes: list[str]
) -> NDArray[np.float32]:
    path = str(where / LABELS) if where.is_dir() else str(where)
    wide = widen_labels(labels, path)
    if len(wide) != n:
        raise ConfigError(f"{path}: {len(wide)} rows of labels for {n} windows; they must be as many")
    named = facts.get("parameters")
    if named not in (None, list(PARAMETERS), list(COLUMNS_OF_WIDTH[labels.shape[1]])):
        raise ConfigError(
            f"{where / FACTS}: parameters {named} are not those of {labels.shape[1]} columns, "
            f"{', '.join(COLUMNS_OF_WIDTH[labels.shape[1]])}"
        )
    refuse_swapped(wide, path)
    if (crossed := crossed_pressures(wide)).any():
        wide[crossed[:, None] & _IS_PRESSURE] = np.nan
        windows = counted(int(crossed.sum()), "window")
        notes.append(f"{windows} with DBP not below SBP: pressures there count as missing")
    return wide


def _assemble(
    folder: Path,
    facts: Mapping[str, Any],
    ppg: NDArray[np.floating],
    labels: NDArray[np.float32],
    columns: dict[str, NDArray[Any]],
) -> Dataset:
    path, n = folder / META, len(ppg)
    known = "subject_id" in columns
    subject = columns.pop("subject_id", _own_subjects(n))
    if known and (subject == "").any():
        raise ConfigError(
            f"{path}: row {int(np.argmax(subject == ''))} has no subject_id; every row needs one"
        )
    people = [_person(path, name, columns.pop(name, None), n) for name in DEMOGRAPHICS]
    splits = _json(folder / SPLITS) if (folder / SPLITS).exists() else {}
    return make_dataset(
        ppg,
        float(facts["sampling_rate_hz"]),
        labels,
        subject.astype(np.str_),
        numbers={k: _numeric(path, k, columns.pop(k)) for k in NUMBERS if k in columns},
        words={k: columns.pop(k).astype(np.str_) for k in WORDS if k in columns},
        demographics=np.column_stack(people),
        extra=columns,
        name=str(facts.get("name", folder.name)),
        splits={name: Split.from_json(name, value, str(folder / SPLITS)) for name, value in splits.items()},
        subject_known=known and facts.get("subject_known", True),
        short_windows=facts.get("short_windows", False),
        about={key: value for key, value in facts.items() if key not in _OURS},
    )


def _own_subjects(n: int) -> NDArray[np.str_]:
    return np.array([f"row-{i:06d}" for i in range(n)])


def _read_meta(path: Path, n: int) -> dict[str, NDArray[Any]]:
    """Column → ``(n,)`` float64, bool or str (null = NaN, empty)."""
    if not path.exists():
        return {}
    try:
        table = pq.read_table(path)
        names = table.column_names
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ConfigError(f"{path}: not readable as Parquet ({error})") from error
    if table.num_rows != n:
        raise ConfigError(f"{path}: {table.num_rows} rows for {n} windows; they must be as many")
    if "subject_id" not in names:
        raise ConfigError(f"{path}: has no column subject_id; add it, or remove the file")
    return {name: _column(path, name, table.column(name)) for name in names}


def _column(path: Path, name: str, column: pa.ChunkedArray) -> NDArray[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind) and not column.null_count:
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    if pa.types.is_null(kind):
        return (
            np.full(len(column), "")
            if name in (*WORDS, "subject_id", "sex")
            else np.full(len(column), np.nan)
        )
    if name != "subject_id" and (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    ):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    try:
        texts = column.cast(pa.string()).to_pylist()
    except (ValueError, pa.ArrowException) as error:
        raise ConfigError(f"{path}: column {name} is {kind}; give numbers or text") from error
    return np.array([text or "" for text in texts], dtype=np.str_)


def _numeric(path: Path, name: str, column: NDArray[Any]) -> NDArray[Any]:
    if column.dtype.kind != "f":
        raise ConfigError(f"{path}: column {name} is not numbers; give numbers, null where unknown")
    return column


def _person(path: Path, name: str, column: NDArray[Any] | None, n: int) -> NDArray[Any]:
    if column is None:
        return np.full(n, np.nan)
    if name != "sex" or column.dtype.kind == "f":
        return _numeric(path, name, column)
    words = np.char.lower(column.astype(np.str_))
    unknown = ~np.isin(words, list(_SEXES))
    if unknown.any():
        raise ConfigError(
            f"{path}: sex of row {int(np.argmax(unknown))} is {str(column[unknown][0])!r}; give female, male, "
            "other or null"
        )
    return np.array([_SEXES[word] for word in words.tolist()])


def _order_of_time(columns: Mapping[str, NDArray[Any]], n: int) -> NDArray[np.int64]:
    """Row numbers that put each session's rows in order of time, in the places these rows had."""
    order = np.arange(n)
    t0_s = columns.get("t0_s")
    if t0_s is None or t0_s.dtype.kind != "f":
        return order
    nobody = np.full(n, "")
    subject, session = (columns.get(name, nobody).astype(np.str_) for name in ("subject_id", "session_id"))
    for _, rows in rows_of(subject, session):
        if np.isfinite(t0_s[rows]).all():
            order[rows] = rows[np.argsort(t0_s[rows], kind="stable")]
    return order


def _with_notes(dataset: Dataset, notes: list[str]) -> Dataset:
    return replace(dataset, about={**dataset.about, "notes": notes}) if notes else dataset
