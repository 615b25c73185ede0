"""The dataset folder of the contracts, written: whole or not at all, and nobody's but the owner's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hemoview.labels.datasets.checks import DEMOGRAPHICS
from hemoview.labels.datasets.dataset import NUMBERS, WORDS, Dataset
from hemoview.labels.datasets.folder import FACTS, LABELS, META, PPG, SPLITS
from recorder import __version__
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS
from recorder.session.arrow_columns import numbers, texts
from recorder.session.files import FILE_MODE, give_name, storage_errors, sync_folder
from recorder.session.workplace import is_left, workplace

_DOING = "writing the dataset"


def check_new(folder: Path) -> None:
    """Refuse a place that is taken; what a killed build left hidden in an empty folder does not count.

    Raises:
        ConfigError: it is there and is no empty folder.
    """
    if folder.exists() and (not folder.is_dir() or any(not is_left(path) for path in folder.iterdir())):
        raise _taken(folder)


def write_dataset(
    folder: Path,
    dataset: Dataset,
    *,
    beside: Mapping[str, str] | None = None,
    before: Callable[[], None] = lambda: None,
) -> str:
    """Write ``dataset`` into a new or empty folder. Killed at any moment, the folder holds all of it or none.

    Args:
        folder: where.
        dataset: what.
        beside: name → text of further files.
        before: called when everything is on the disk and before it gets its name.

    Returns:
        The version: reading the folder gives it again.

    Raises:
        ConfigError: there is something in the folder already.
        StorageError: the disk refuses; nothing is left.
    """
    folder = Path(folder)
    check_new(folder)
    inside = folder.exists()
    with workplace(folder / "dataset" if inside else folder, _DOING) as place:
        with storage_errors(folder.parent, _DOING, whole=True):
            _write(place, dataset, beside or {})
        before()
        with storage_errors(folder.parent, _DOING, whole=True):
            if inside:
                _fill(folder, place)
            else:
                place.rename(folder)
            sync_folder(folder if inside else folder.parent)
    return dataset.version


def _fill(folder: Path, place: Path) -> None:
    """Name the files in a folder that was empty, the one that makes a dataset of them last.

    Two builds that fill one folder at once want the same first name: one gets it, the other none.
    """
    placed: list[Path] = []
    try:
        for path in sorted(place.iterdir(), key=lambda path: (path.name == FACTS, path.name)):
            if not give_name(path, folder / path.name):
                raise _taken(folder)
            placed.append(folder / path.name)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise


def _taken(folder: Path) -> ConfigError:
    return ConfigError(
        f"{folder}: is not an empty folder; name a new one for the dataset", advice="dataset-folder"
    )


def _write(place: Path, dataset: Dataset, beside: Mapping[str, str]) -> None:
    _write_array(place / PPG, dataset.ppg)
    _write_array(place / LABELS, dataset.labels)
    pq.write_table(_meta_table(dataset), place / META)
    splits = {name: split.to_json() for name, split in dataset.splits.items()}
    texts = {SPLITS: json.dumps(splits, indent=1), FACTS: json.dumps(_facts_of(dataset), indent=1), **beside}
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8", newline="\n")
    for path in place.iterdir():
        path.chmod(FILE_MODE)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    """As ``numpy.save`` writes it, which does not say that a disk is full."""
    whole = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(whole))
        file.write(whole.reshape(-1).view(np.uint8).data)


def _meta_table(dataset: Dataset) -> pa.Table:
    columns: dict[str, pa.Array] = {"subject_id": texts(dataset.subject_id.tolist())}
    for name in NUMBERS:
        columns[name] = _known(getattr(dataset, name))
    for name in WORDS:
        columns[name] = _words(getattr(dataset, name))
    for i, name in enumerate(DEMOGRAPHICS):
        columns[name] = _known(dataset.demographics[:, i])
    sex = dataset.demographics[:, DEMOGRAPHICS.index("sex")].tolist()
    columns["sex"] = texts([{0.0: "female", 1.0: "male"}.get(each) for each in sex])
    for name, values in dataset.extra.items():
        columns[name] = _words(values) if values.dtype.kind == "U" else _known(values)
    return pa.table(columns)


def _known(values: NDArray[Any]) -> pa.Array:
    return numbers(values, np.isnan(values) if values.dtype.kind == "f" else None)


def _words(values: NDArray[np.str_]) -> pa.Array:
    return texts([text or None for text in values.tolist()])


def _facts_of(dataset: Dataset) -> dict[str, Any]:
    return {
        **dataset.about,
        "version": dataset.version,
        "name": dataset.name,
        "window_s": dataset.window_s,
        "sampling_rate_hz": dataset.sampling_rate_hz,
        "parameters": list(PARAMETERS),
        "subject_known": dataset.subject_known,
        "short_windows": dataset.short_windows,
        "software": {"hemoview": __version__, "numpy": np.__version__},
    }
