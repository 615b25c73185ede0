"""Estimates that a template hid, shown after the session: recorded, with who and why (safety rule 13)."""

from __future__ import annotations

from pathlib import Path

from recorder.errors import ConfigError
from recorder.schema import Amendment
from recorder.schema.rules import RULE, EstimateRules
from recorder.session import amendments
from recorder.session.amended import HIDDEN, store
from recorder.session.reader import Session, open_session

LONGEST_REASON = 500


def hides_estimates(session: Session) -> bool:
    """Whether its estimates are shown to nobody as it stands now."""
    rules = EstimateRules.of_template(session.header.template)
    return rules.after(session.events(RULE)).estimates_hidden


def unhide(path: Path | str, *, who: str, why: str, wall_ns: int) -> Amendment:
    """Show what the template hid; the amendment is on disk when this returns.

    Args:
        path: session folder.
        who: operator code.
        why: reason.
        wall_ns: when, UTC ns since 1970.

    Raises:
        ConfigError: they are not hidden, nobody signs it, or the reason is missing or too long.
        SessionError: no session here, or a recorder is writing it: show them on the Record page.
        StorageError: the folder is not writable.
    """
    folder = Path(path)
    who, why = who.strip(), why.strip()
    if not who:
        raise ConfigError("estimates: no operator code; say who shows them")
    if not why:
        raise ConfigError("estimates: no reason; say why they are shown")
    if len(why) > LONGEST_REASON:
        raise ConfigError(
            f"estimates: the reason has {len(why)} characters; {LONGEST_REASON} are kept at most"
        )
    with open_session(folder) as session:
        hidden = hides_estimates(session)

    def made() -> list[Amendment]:
        if not hidden or any(a.field == HIDDEN and a.new is False for a in amendments.read(folder)[0]):
            raise ConfigError(f"{folder.name}: its estimates are not hidden; nothing was changed")
        return [Amendment(HIDDEN, old=True, new=False, who=who, why=why, wall_ns=wall_ns)]

    return store(folder, made)[0]
