"""Whatever bytes a template holds: it is read, or refused by name, never with a traceback. What is kept comes back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.acquire import template as templates
from recorder.acquire import template_toml
from recorder.acquire.template import Template
from recorder.acquire.template_faults import WORDS, TemplateFaults
from recorder.acquire.template_library import TemplateLibrary
from recorder.errors import ConfigError
from recorder.host import places

SHIPPED = places.resources_dir() / "templates"
FIELDS = sorted(
    {*Template.__dataclass_fields__, "version", "kind", "device_id", "options", "duration_min", "every_min"}
    | {"marker_at_start", "before", "after", "SBP", "anchor_from", "date", "record", "wristband_side"}
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
TIDY = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12)
MINUTES = st.none() | st.floats(1, 1440)


def _clean(value: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in value.items() if v is not None}


PHASE = st.fixed_dictionaries(
    {"name": TIDY},
    optional={
        "duration_min": st.floats(0.1, 1440),
        "marker_at_start": TIDY,
        "marker_at_end": TIDY,
        "instruction": TIDY,
        "begins_by_itself": st.booleans(),
    },
)
GOOD = st.fixed_dictionaries(
    {"name": TIDY},
    optional={
        "operator": TIDY,
        "notes": TIDY,
        "markers": st.lists(TIDY, max_size=9),
        "phases": st.lists(PHASE, max_size=5),
        "cuff": st.builds(
            lambda a, b, c: _clean({"first_after_min": a, "every_min": b, "at_phase_ends": c}),
            MINUTES,
            MINUTES,
            st.booleans(),
        ),
        "reminders": st.builds(
            lambda a, b: _clean({"finger_switch_min": a, "skin_check_min": b}), MINUTES, MINUTES
        ),
        "checklist": st.fixed_dictionaries(
            {"before": st.lists(TIDY, max_size=4), "after": st.lists(TIDY, max_size=4)}
        ),
        "ranges": st.dictionaries(
            st.sampled_from(["SBP", "MAP", "DBP", "HR"]),
            st.tuples(st.floats(40, 90), st.floats(91, 200)).map(list),
            max_size=4,
        ),
        "rules": st.fixed_dictionaries(
            {}, optional={"anchor_from": st.sampled_from(["cuff", "both"]), "estimates_hidden": st.booleans()}
        ),
        "consent": st.builds(
            lambda v, u: {"version": v, "date": "2026-01-15", "upload": u}, TIDY, st.booleans()
        ),
        "sites": st.fixed_dictionaries(
            {},
            optional={
                "wristband_side": st.sampled_from(["left", "right"]),
                "hand_height_cm": st.floats(-100, 100),
            },
        ),
        "devices": st.lists(st.sampled_from(["e4", "adc", "x-1"]), max_size=3, unique=True).map(
            lambda ids: [
                {"kind": "e4-tcp", "device_id": i, "options": {"port": 28000, "a b": "ü\\"}} for i in ids
            ]
        ),
    },
)


@given(st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=8))
def test_any_values_are_read_or_refused_by_name(value: dict[str, Any]) -> None:
    try:
        made = templates.parse(value)
    except TemplateFaults as error:
        assert error.faults and all(fault.why in WORDS and fault.line() for fault in error.faults)
    else:
        assert templates.parse(made.to_file()) == made
        json.dumps(made.to_json())


@given(st.binary(max_size=200) | TEXT.map(str.encode), st.booleans())
def test_any_bytes_are_read_or_refused_by_name(content: bytes, is_json: bool) -> None:
    try:
        assert templates.read(content, is_json=is_json).name
    except ValueError as error:
        assert str(error)


@given(st.data())
def test_a_file_cut_or_changed_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    content = (SHIPPED / "rest.toml").read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    put = data.draw(st.binary(max_size=3))
    try:
        templates.read(content[:at] + put + content[at + data.draw(st.integers(0, 40)) :])
    except ValueError as error:
        assert str(error)


@given(GOOD)
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    made = templates.parse(value)
    text = template_toml.dumps(made.to_file())
    again = templates.read(text.encode())
    assert again == made and again.version == made.version
    assert tomllib.loads(text) == made.to_file()
    assert templates.read(json.dumps(made.to_file()).encode(), is_json=True) == made


@given(GOOD, TIDY)
def test_the_version_follows_the_content(value: dict[str, Any], note: str) -> None:
    made, other = (
        templates.parse(value),
        templates.parse({**value, "notes": f"{value.get('notes', '')}{note}"}),
    )
    assert (made.version == other.version) is (made == other)
    assert made.to_json()["version"] == made.version
    plan = templates.plan_of(json.loads(json.dumps(made.to_json())))
    assert (plan.phases, plan.cuff, plan.reminders) == (made.phases, made.cuff, made.reminders)


def test_nesting_without_end_is_refused() -> None:
    for content, is_json in ((b"[" * 100_000, True), (b"a = " + b"[" * 100_000, False)):
        with pytest.raises(ValueError, match=r"nested|deep|Expecting|recursion|Invalid"):
            templates.read(content, is_json=is_json)


def test_a_library_keeps_copies_and_deletes(tmp_path: Path) -> None:
    library = TemplateLibrary(SHIPPED, tmp_path / "templates")
    shipped = {f.name for f in library.found()}
    assert "rest" in shipped
    path = library.save(Template("静息 10 分钟"))
    assert library.by_name("静息 10 分钟") == Template("静息 10 分钟")
    with pytest.raises(ConfigError, match="choose another name"):
        library.save(Template("REST"))
    edited = library.save(Template("静息 10 分钟", notes="n"), replacing=path)
    assert edited == path and library.by_name("静息 10 分钟") == Template("静息 10 分钟", notes="n")
    (tmp_path / "templates" / "broken.toml").write_text(
        'name = "b"\n[[devices]]\nkind = "e5"\ndevice_id = "x"'
    )
    broken = next(f for f in library.found() if f.template is None)
    assert "broken.toml" in broken.fault and "'e5' is no device that this HemoView knows" in broken.fault
    with pytest.raises(ConfigError, match="copy it instead"):
        library.delete(SHIPPED / "rest.toml")
    library.delete(path)
    assert {f.name for f in library.found() if f.template} == shipped
    assert not list((tmp_path / "templates").glob(".*"))


def test_a_json_template_that_is_edited_becomes_toml(tmp_path: Path) -> None:
    library = TemplateLibrary(SHIPPED, tmp_path)
    (tmp_path / "old.json").write_text('{"name": "old"}')
    found = next(f for f in library.found() if f.own)
    library.save(Template("old", notes="new"), replacing=found.path)
    assert [f.path.name for f in library.found() if f.own] == ["old.toml"]
