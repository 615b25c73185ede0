"""Who the service is, and how a station becomes a device of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from recorder.sync.fields import Body, body, flag, of, optional, text, whole
from recorder.sync.live_offer import LiveOffer, read_offer
from recorder.sync.wire.words import ID, KEY, LABEL, SIGNATURE, TIME_US


@dataclass(frozen=True, slots=True)
class Hello(Body):
    """Who the service is. ``signature`` is over all other fields as received (:func:`signing.verify_hello`).

    Args:
        server_id: UUID of the installation; audience of device tokens.
        server_us: its clock: device tokens are dated by it, whatever the bedside's clock says.
        software: name and version.
        signing_public_key: Ed25519, of receipts; pinned at enrolment.
        wrapping_public_key, wrapping_key_id: X25519, for data keys.
        production: refuses simulated and training sessions.
        live, protocol: where the live path may go instead (None = to the service); :data:`.protocol.OURS` there.
    """

    OPEN: ClassVar[bool] = True
    server_id: str = of(ID)
    server_us: int = of(TIME_US)
    software: str = of(LABEL)
    signing_public_key: str = of(KEY)
    wrapping_public_key: str = of(KEY)
    wrapping_key_id: str = of(ID)
    production: bool = of(flag)
    signature: str = of(SIGNATURE)
    live: LiveOffer | None = of(read_offer, default=None)
    protocol: int = of(whole(), default=1)


@dataclass(frozen=True, slots=True)
class Enrolment(Body):
    """A station asks to become a device, with the one-time code an administrator gave out.

    Args:
        code: as typed; the service ignores blanks, hyphens and case.
        public_key: Ed25519, made at the bedside; its private half never leaves it.
        name: of the machine, for people.
        station: whose recorder.
        proof: signature of the other fields by that key: nobody enrols a key that is not theirs.
    """

    code: str = of(text(64, shortest=4))
    public_key: str = of(KEY)
    name: str = of(LABEL)
    station: str = of(text(40))
    proof: str = of(SIGNATURE)


@dataclass(frozen=True, slots=True)
class Bed(Body):
    """Where a device stands."""

    OPEN: ClassVar[bool] = True
    bed_id: str = of(ID)
    label: str = of(LABEL)
    ward: str = of(LABEL, default="")
    site: str = of(LABEL, default="")


@dataclass(frozen=True, slots=True)
class Enrolled(Body):
    """What a bedside keeps and pins."""

    OPEN: ClassVar[bool] = True
    device_id: str = of(ID)
    server_id: str = of(ID)
    server_us: int = of(TIME_US)
    signing_public_key: str = of(KEY)
    wrapping_public_key: str = of(KEY)
    wrapping_key_id: str = of(ID)
    production: bool = of(flag)
    bed: Bed | None = of(optional(body(Bed)), default=None)
