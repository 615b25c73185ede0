"""What compression does unless told otherwise; its flags name it without torch."""

from __future__ import annotations

from typing import Final

FIRST_VERSION: Final = "0.1.0"
FORMS: Final = ("fp32", "int8-weights", "int8")
TARGET_SPARSITY: Final = 0.8
PASSES: Final = 10
