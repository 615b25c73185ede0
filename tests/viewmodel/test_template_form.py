"""The editor's form says what the file would say: read, shown and written again it is the same template."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.sessions.template_form import (
    FIELDS,
    DeviceForm,
    PhaseForm,
    TemplateForm,
    copy_name,
    examine,
    form_of,
    new_form,
    to_value,
)
from recorder.acquire import template as templates
from recorder.acquire.template import Template
from recorder.acquire.template_faults import WORDS
from recorder.host import places

SHIPPED = sorted((places.resources_dir() / "templates").glob("*.toml"))
TYPED = st.text(max_size=8) | st.sampled_from(["5", "1,5", "-3", "nan", "1e999", "90–140", "140-90", "left"])
PHASE = st.builds(PhaseForm, TYPED, TYPED, TYPED, TYPED, TYPED, st.booleans())
DEVICE = st.builds(DeviceForm, TYPED, TYPED, st.booleans())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_template_survives_the_form(path) -> None:  # type: ignore[no-untyped-def]
    made = templates.load(path)
    view = examine(form_of(made))
    assert view.template == made and view.template.version == made.version and not view.faults


def test_parts_without_a_field_stay() -> None:
    made = templates.parse(
        {
            "name": "x",
            "overrides": {"adc": "later"},
            "devices": [{"kind": "serial-adc", "device_id": "adc", "options": {"port": "/dev/x"}}],
            "consent": {"version": "1", "date": "2026-01-15", "upload": True},
            "calibrations": [
                {
                    "stream": "adc.wave",
                    "channel": "adc0",
                    "points": [[0.5, 40.0], [1.7, 160.0]],
                    "date": "2026-11-20",
                    "operator": "OP1",
                }
            ],
        }
    )
    view = examine(form_of(made).changed(".operator", "OP2"))
    assert view.template == replace(made, operator="OP2")


@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), TYPED | st.booleans(), max_size=12),
    st.lists(PHASE, max_size=3),
    st.lists(DEVICE, max_size=3),
)
def test_whatever_is_typed_is_a_template_or_named_faults(values, phases, devices) -> None:  # type: ignore[no-untyped-def]
    view = examine(TemplateForm(values, tuple(phases), tuple(devices)))
    if view.template is None:
        assert view.faults and all(fault.why in WORDS and fault.line() for fault in view.faults)
    else:
        assert not view.faults and examine(form_of(view.template)).template == view.template


@pytest.mark.parametrize(
    ("key", "typed", "place", "why"),
    [
        (".name", "  ", ("", "name"), "missing"),
        ("cuff.every_min", "soon", ("cuff", "every_min"), "not-number"),
        ("cuff.every_min", "0", ("cuff", "every_min"), "outside"),
        ("ranges.SBP", "140–90", ("ranges", "SBP"), "range"),
        ("ranges.SBP", "ninety", ("ranges", "SBP"), "range"),
        ("markers.3", "tilt", ("", "markers"), "missing-entry"),
        ("consent.date", "yesterday", ("consent", ""), "refused"),
    ],
)
def test_each_mistake_names_its_field(key: str, typed: str, place: tuple[str, str], why: str) -> None:
    view = examine(form_of(Template("study")).changed(key, typed))
    assert view.template is None
    assert (view.faults[0].table, view.faults[0].field, view.faults[0].why) == (*place, why)


def test_a_row_is_named_by_its_number() -> None:
    form = replace(form_of(Template("study")), phases=(PhaseForm("Rest", "10"), PhaseForm("", "x")))
    assert [(f.table, f.row, f.field) for f in examine(form).faults] == [
        ("phases", 2, "name"),
        ("phases", 2, "duration_min"),
    ]
    twice = replace(form, phases=(), devices=(DeviceForm("e4-tcp", "e4"), DeviceForm("e4-ble", "e4")))
    assert examine(twice).faults[0].line() == "[[devices]] 2: device_id: e4 is there twice"


def test_comma_and_dash_are_read_as_people_type_them() -> None:
    form = (
        form_of(Template("study")).changed("cuff.first_after_min", "2,5").changed("ranges.DBP", " 60 - 90 ")
    )
    made = examine(form).template
    assert made is not None and made.cuff.first_after_min == 2.5 and made.ranges == {"DBP": (60.0, 90.0)}


def test_a_name_is_taken_once() -> None:
    view = examine(form_of(Template("Rest")), taken=["rest"])
    assert view.template is None and view.faults[0].why == "twice"
    assert copy_name("rest", ["rest", "Rest 2"]) == "rest 3"


def test_a_new_template_only_lacks_its_name() -> None:
    assert [(f.field, f.why) for f in examine(new_form()).faults] == [("name", "missing")]
    assert to_value(new_form())["devices"][0] == {
        "kind": "e4-tcp",
        "device_id": "e4",
        "required": True,
        "options": {},
    }
