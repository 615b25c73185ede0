"""Columns are those that pyarrow itself would make, and pandas is not loaded for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.session.arrow_columns import numbers, texts, whole_numbers

WORDS = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))


@given(st.lists(WORDS, max_size=30))
def test_texts(values: list[str | None]) -> None:
    made = texts(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "float32", "float64", "bool"])
@given(values=st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=40), step=st.integers(1, 3))
def test_numbers(dtype: str, values: list[tuple[int, bool]], step: int) -> None:
    array = np.array([n for n, _ in values], dtype)[::step]
    missing = np.array([m for _, m in values], bool)[::step]
    for mask in (None, missing):
        made = numbers(array, mask)
        made.validate(full=True)
        assert made.equals(pa.array(array, mask=mask)) and made.null_count == (
            0 if mask is None else mask.sum()
        )


def test_what_is_no_number_stays_one_and_large_whole_numbers_stay_whole() -> None:
    made = numbers(np.array([1.0, np.nan]))
    assert made.null_count == 0 and np.isnan(made[1].as_py())
    assert whole_numbers([2**62 + 1]).to_pylist() == [2**62 + 1]
    stamp = numbers(np.array([1_790_000_000_000_000_001]), kind=pa.timestamp("ns", "UTC"))
    assert stamp.type == pa.timestamp("ns", "UTC") and stamp.cast(pa.int64())[0].as_py() % 10 == 1


def test_writing_a_session_and_a_dataset_loads_no_pandas(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np; import aligned_sessions; "
        "from hemoview.labels import make_dataset, write_dataset; "
        "aligned_sessions.make(Path(sys.argv[1]) / 's', seconds=12.0); "
        "labels = np.full((2, 10), np.nan); labels[:, 3] = 70; "
        "dataset = make_dataset(np.arange(1280.0).reshape(2, 640), 64.0, labels, ['a', 'b']); "
        "write_dataset(Path(sys.argv[1]) / 'set', dataset); "
        "sys.exit('pandas' in sys.modules)"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1] / "labels"), os.environ.get("PYTHONPATH", "")])
    env = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, check=False)
    assert done.returncode == 0 and (tmp_path / "set" / "meta.parquet").is_file()
