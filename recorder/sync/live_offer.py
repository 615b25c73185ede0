"""Another way for the live path than the service itself, as the service tells of it: the site's MQTT 5 broker. Pure.

::

    GET  /v1/hello                     → Hello.live, where the service has a broker
    POST /v1/devices/me/certificate    → LiveCertificate (signed); 404 where it has none, 409 where it cannot sign
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from recorder.errors import WireError
from recorder.sync.fields import Body, body, hexadecimal, lines, of, text, whole

_ADDRESS = text(300, r"mqtts://.*")


@dataclass(frozen=True, slots=True)
class LiveOffer(Body):
    """In the service's signed hello.

    Args:
        mqtt: ``mqtts://host[:port]``.
    """

    OPEN: ClassVar[bool] = True
    mqtt: str = of(_ADDRESS)


def read_offer(where: str, value: Any) -> LiveOffer | None:
    """What is not understood is no offer: the record path must not end for it."""
    try:
        return None if value is None else body(LiveOffer)(where, value)
    except WireError:
        return None


@dataclass(frozen=True, slots=True)
class LiveCertificate(Body):
    """For the broker; ``signature`` is over all other fields as received (:func:`signing.verify_certificate`).

    Args:
        device_id, server_id: for whom, by whom.
        mqtt: of the broker.
        ca_pem: whom to trust there; empty = the system's authorities.
        certificate_pem: for the device's own key.
        ends_us: the service's clock.
    """

    OPEN: ClassVar[bool] = True
    device_id: str = of(text(64, shortest=1))
    server_id: str = of(text(64, shortest=1))
    mqtt: str = of(_ADDRESS)
    ca_pem: str = of(lines(64_000))
    certificate_pem: str = of(lines(16_000))
    ends_us: int = of(whole())
    signature: str = of(hexadecimal(64))
