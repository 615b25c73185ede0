"""Columns of Arrow tables out of numpy arrays and texts.

``pyarrow.array`` loads pandas wherever it is installed, whatever it is given: a quarter of a second and 40 MB in every
process that writes a file. These make the same columns of the same bytes and need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(values: NDArray[Any], missing: NDArray[np.bool_] | None = None, kind: Any = None) -> pa.Array:
    """Numbers ``(n,)`` as they are; ``missing`` ones become null.

    Args:
        kind: a type of the same width, such as a timestamp.
    """
    is_flag = values.dtype == np.bool_
    packed = np.packbits(values, bitorder="little") if is_flag else np.ascontiguousarray(values)
    none = int(missing.sum()) if missing is not None else 0
    known = np.packbits(~missing, bitorder="little") if missing is not None and none else None
    buffers = [None if known is None else pa.py_buffer(known), pa.py_buffer(packed)]
    return pa.Array.from_buffers(kind or pa.from_numpy_dtype(values.dtype), len(values), buffers, none)


def whole_numbers(values: Sequence[int]) -> pa.Array:
    """Python's own, as 64 bits."""
    return numbers(np.array(values, np.int64))


def texts(values: Sequence[str | None]) -> pa.Array:
    """UTF-8 texts; None becomes null."""
    raw = [b"" if text is None else text.encode() for text in values]
    ends = np.array([0, *accumulate(map(len, raw))], np.int64)
    if ends[-1] >= 2**31:
        raise ValueError(f"{ends[-1]} bytes of text in one column: more than Arrow's 2 GiB")
    missing = np.array([text is None for text in values], bool)
    none = int(missing.sum())
    known = pa.py_buffer(np.packbits(~missing, bitorder="little")) if none else None
    return pa.StringArray.from_buffers(
        len(raw), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(raw)), known, none
    )
