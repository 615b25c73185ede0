"""Words that follow a number: ``{n} {n:row|rows}`` is "1 row", "2 rows". Chinese has one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_FORMS: Final = re.compile(r"\{(\w+):([^{}|]*)\|([^{}|]*)\}")


def in_number(template: str, values: Mapping[str, object]) -> str:
    """The template with each pair of forms decided: the first for one, as it will be written, the second for others.

    Raises:
        KeyError: a number is not among the values.
    """
    if "|" not in template:  # nearly all, many times a second
        return template
    return _FORMS.sub(lambda pair: pair[2] if str(values[pair[1]]) == "1" else pair[3], template)
