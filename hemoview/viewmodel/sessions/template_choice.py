"""The template chosen for a session: what it fills in before Start, and how it goes into the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hemoview.viewmodel.sessions.rule_choice import with_rules, without_template
from hemoview.viewmodel.sessions.start_fields import StartForm
from recorder.acquire.template import Template
from recorder.acquire.template_library import TemplateLibrary
from recorder.host import places

FILLED: Final = (
    "consent_version",
    "wristband_side",
    "finger_cuff_side",
    "arm_cuff_side",
    "posture",
    "hand_height_cm",
    "operator",
)
"""Fields a template may fill in. Never one of the subject, and never the date somebody signed on."""


def template_library(home: Path | None = None) -> TemplateLibrary:
    """The templates of this machine."""
    return TemplateLibrary(places.resources_dir() / "templates", places.templates_dir(home))


def chosen(form: StartForm, template: Template | None) -> StartForm:
    """The form with this template: what the operator has not filled in is filled in by it. The consent's version is
    the study's, so the template's stands whatever was there before.
    """
    if template is None:
        return replace(form, template="", pseudonym_check="", rules=without_template(form.rules))
    sites, consent = template.sites, template.consent
    offered = {
        "consent_version": consent.version if consent else "",
        "operator": template.operator,
        "posture": sites.posture if sites else "",
        "hand_height_cm": f"{sites.hand_height_cm:g}" if sites and sites.hand_height_cm is not None else "",
    }
    for side in ("wristband_side", "finger_cuff_side", "arm_cuff_side"):
        offered[side] = getattr(sites, side) if sites else ""
    filled = {name: value for name, value in offered.items() if value and _is_open(form, name)}
    overrides = {**template.overrides, **form.overrides}
    scheme = str(template.rules.get("pseudonym_check", ""))
    form = replace(form, template=template.name, overrides=overrides, pseudonym_check=scheme)
    form = replace(form, rules=with_rules(form.rules, template.rules))
    return replace(form, **filled)  # type: ignore[arg-type]


def _is_open(form: StartForm, name: str) -> bool:
    return name == "consent_version" or getattr(form, name) in ("", "unknown")


def with_template(request: Mapping[str, Any], template: Template | None) -> dict[str, Any]:
    """The arguments of ``preflight`` and ``start`` with the whole template in them, and its version. Rules that were
    chosen in the form stand above its own.
    """
    if template is None:
        return dict(request)
    return {
        **request,
        "template": template.to_json()
        | {"rules": {**template.rules, **request["template"].get("rules", {})}},
        "notes": "\n".join(part for part in (str(request.get("notes") or ""), template.notes) if part),
    }
