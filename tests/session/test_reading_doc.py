"""The worked example for researchers runs, and prints what it says."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

from hemoview.dsp.time_map import Piece
from hemoview.labels import alignment

sys.path.append(str(Path(__file__).parents[1] / "contracts"))
from export_session import two_eras

DOC = Path(__file__).parents[2] / "resources" / "docs" / "reading-a-session.md"


def test_the_worked_example_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    folder = two_eras(tmp_path / "20260921-101500_S-07_1a2b3c")
    piece = Piece(0.0, 30.0, 0.021, 0.0, 12.0, 0.9)
    alignment.store(
        folder, alignment.locked([piece], "beats", {}), made_by="test", software="test", wall_ns=1
    )
    text = DOC.read_text(encoding="utf-8").replace("```\n", "\n")
    test = doctest.DocTestParser().get_doctest(text, {"path": folder}, DOC.name, str(DOC), 0)
    assert len(test.examples) > 25
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert not result.failed, "".join(said)
