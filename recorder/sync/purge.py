"""Local copies that a service holds: erased only when told to, and only under a receipt that holds for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from recorder.errors import RecorderError
from recorder.session.erase import erase
from recorder.sync import files, signing, wire
from recorder.sync.outcome import Outcome
from recorder.sync.turn import Gear

DAY_US: Final = 86_400_000_000


def purge(gear: Gear, outcomes: Iterable[Outcome], after_days: float) -> list[str]:
    """Erase what has just been found complete at the service, and lain there for so many of its days.

    The receipt is verified again, asked of the service at this moment, and the folder is looked at again: nothing was
    added, labelled or amended since. A tombstone stays, which says where the copy is.

    Args:
        gear: of the pass that has just been made.
        outcomes: of that pass.
        after_days: since the receipt, by the service's clock.

    Returns:
        Names of the erased folders.
    """
    return [
        o.folder.name for o in outcomes if o.is_safe and _may_go(gear, o, after_days) and _erased(gear, o)
    ]


def _may_go(gear: Gear, outcome: Outcome, after_days: float) -> bool:
    service = gear.service
    entry = gear.outbox.get(service.identity.server_id, outcome.session_id)
    held = service.receipt(outcome.session_id)
    if (
        entry.manifest is None
        or held is None
        or entry.manifest.state != "sealed"
        or entry.pending is not None
    ):
        return False
    signing.verify_receipt(
        service.identity.signing_public_key, service.identity.server_id, held, entry.manifest
    )
    if service.missing(sorted({f.blob_sha256 for f in entry.manifest.files})):
        return False
    age_us = service.server_now_us() - held.receipt.received_us
    return _is_still(outcome, entry.manifest) and age_us >= after_days * DAY_US


def _is_still(outcome: Outcome, manifest: wire.Manifest) -> bool:
    """The folder is what that revision says."""
    local = files.look(outcome.folder)
    here = [(f.name, f.plain_sha256) for f in local.files]
    return local.sealed and here == [(f.name, f.plain_sha256) for f in manifest.files]


def _erased(gear: Gear, outcome: Outcome) -> bool:
    identity = gear.service.identity
    manifest = gear.outbox.get(identity.server_id, outcome.session_id).manifest
    if manifest is None:
        return False
    why = f"kept at {identity.host} ({identity.server_id}), revision {outcome.rev}"
    try:  # looked at once more where nobody can amend it any more
        erase(outcome.folder, why=why, still=lambda: _is_still(outcome, manifest))
    except RecorderError:  # being annotated at this moment: another time
        return False
    return True
