from __future__ import annotations

from pathlib import Path

import pytest

from hemoview.estimate.claims import load_card
from hemoview.viewmodel.live.latency import LatencyRecorder
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.window_settings import Taste, WindowSettings, load, save


def test_settings_return_but_the_subject_never_does(tmp_path: Path) -> None:
    wish = Wish(parameters=frozenset({"HR", "SBP"}), mm_per_s=12.5, pressure_unit="kPa", cleared_at_ns=5)
    form = StartForm(pseudonym="P-014", sex="male", age_y="50", operator="OP1")
    path = tmp_path / "deep" / "window.json"
    save(path, WindowSettings(wish, form, Taste("colour-blind", chime=False)))
    assert "P-014" not in path.read_text()
    back = load(path)
    assert back.taste == Taste("colour-blind", chime=False)
    assert back.wish.parameters == {"HR", "SBP"}
    assert (back.wish.mm_per_s, back.wish.pressure_unit, back.wish.cleared_at_ns) == (12.5, "kPa", 0)
    assert (back.form.operator, back.form.pseudonym, back.form.age_y) == ("OP1", "", "")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"wish": 1, "form": {}}', '{"wish": {"mm_per_s": "fast"}, "form": {"sex": 3}}'],
)
def test_unusable_settings_are_as_on_the_first_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "window.json"
    path.write_text(content)
    assert load(path).wish == Wish()
    assert load(tmp_path / "absent.json") == WindowSettings()


def test_latency_is_from_arrival_to_the_end_of_the_paint() -> None:
    latency = LatencyRecorder()
    assert latency.percentile_ms(99) is None
    for i in range(1, 31):
        latency.painted([i * 30_000_000 - 10_000_000], i * 30_000_000)
    assert latency.percentile_ms(50) == pytest.approx(10.0)
    assert latency.frames_per_s() == pytest.approx(1000 / 30)
    assert latency.longest_frame_ms() == pytest.approx(30.0)


def test_latency_of_a_part_of_the_time() -> None:
    latency = LatencyRecorder()
    for shown_s, waited_ms in ((1, 90), (2, 80), (3, 10), (4, 12)):
        latency.painted([shown_s * 10**9 - waited_ms * 10**6], shown_s * 10**9)
    first, later = latency.between(0, 3 * 10**9), latency.between(3 * 10**9, 5 * 10**9)
    assert first.shown_ms() == [90.0, 80.0]
    assert later.shown_ms() == [10.0, 12.0]
    assert later.frames_per_s() == pytest.approx(1.0)
    assert latency.between(5 * 10**9, 6 * 10**9).percentile_ms(99) is None


def test_a_card_is_read_from_its_bundle_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "m-1").mkdir()
    (tmp_path / "m-1" / "card.json").write_text('{"name": "m"}')
    assert load_card("m-1", tmp_path) == {"name": "m"}
    assert load_card("", tmp_path) == {}
    assert load_card("../m-1", tmp_path) == {}
    assert load_card("m-2", tmp_path) == {}
