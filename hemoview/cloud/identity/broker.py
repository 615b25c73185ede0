"""``POST /v1/devices/me/certificate``: what a bedside needs to speak to the site's broker, where the service has one.

The answer is signed by the key that bedsides pin, for a proxy that opens TLS could else name an authority of its own.
Private keys stay where they are: the device proves itself by its token, and the certificate is for the key that it was
enrolled with.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Request
from sqlalchemy import select

from hemoview.cloud.asking import Bedside
from hemoview.cloud.identity import trail
from hemoview.cloud.identity.device_authority import HOW, DeviceAuthority
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import device
from recorder.errors import ConfigError
from recorder.sync import signing, wire
from recorder.sync.live_offer import LiveOffer
from recorder.sync.uplink import topics as uplink_topics

router = APIRouter(prefix="/v1", tags=["devices"])

NO_AUTHORITY: Final = f"bus_public_url is set, and there is no authority for devices: {HOW}"
_NO_BROKER: Final = "this service offers bedsides no broker; their live path comes to the service itself"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """The site's broker as bedsides are told of it.

    Args:
        url: ``mqtts://host[:port]``.
        ca_pem: whom to trust there; empty = the authorities of the bedside's own system.
        authority: signs for devices.
    """

    url: str
    ca_pem: str
    authority: DeviceAuthority = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """None where none is offered.

        Raises:
            ConfigError: there is to be one, and what it needs is missing or damaged.
        """
        if not settings.bus_public_url:
            return None
        authority = DeviceAuthority.read(settings.keys)
        if authority is None:
            raise ConfigError(NO_AUTHORITY)
        ca_pem = settings.bus_ca.read_text("utf-8") if settings.bus_ca else ""
        return cls(settings.bus_public_url.rstrip("/"), ca_pem, authority)


def begin(service: Service) -> None:
    """At the start. One that cannot be offered must not darken a ward: bedsides then come to the service itself."""
    broker, why = _found(service.settings)
    if why:
        log.warning(why)
    if broker is not None:
        service.parts[Broker] = broker


def why_not(settings: Settings) -> str:
    """Why there is none though the settings name one; empty where all is well."""
    return _found(settings)[1]


def _found(settings: Settings) -> tuple[Broker | None, str]:
    try:
        return Broker.of(settings), ""
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        return None, f"bedsides are offered no broker, and come to the service itself: {error}"


def offered(service: Service) -> dict[str, Any]:
    """What ``/v1/hello`` says of it; nothing where there is none."""
    broker: Broker | None = service.parts.get(Broker)
    return {} if broker is None else {"live": LiveOffer(broker.url).to_json()}


@router.post("/devices/me/certificate", status_code=201)
async def certificate(request: Request, service: Here, who: Bedside) -> dict[str, Any]:
    """A client certificate for this device's own key, and whom to trust at the broker; anew before it ends."""
    broker, now_us = _broker(service), service.now_us()
    _slow_down(service, who.id, now_us)
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    if broker.authority.has_run_out(now):
        raise Problem(
            409, f"the service's authority for devices has run out; its administrator moves it away: {HOW}"
        )
    async with service.db.begin() as conn:
        query = select(device.c.public_key).where(device.c.id == who.id, device.c.revoked_us.is_(None))
        public_key = (await conn.execute(query)).scalar()
        if public_key is None:  # since the token was looked up
            raise Problem(401, "this device was revoked; enrol it again", type=wire.DEVICE_REVOKED)
        made = broker.authority.certify(uplink_topics.name_of(who.id, public_key), public_key, now)
        serial, ends_us = f"{made.serial_number:x}", round(made.not_valid_after_utc.timestamp() * 1e6)
        await trail.note(
            conn, request, who.name, "device.certificate", who.id, serial=serial, ends_us=ends_us
        )
    told = {
        "device_id": who.id,
        "server_id": service.server_id,
        "mqtt": broker.url,
        "ca_pem": broker.ca_pem,
        "certificate_pem": made.public_bytes(Encoding.PEM).decode(),
        "ends_us": ends_us,
    }
    return signing.sign_certificate(service.keys.signing, told)


def _broker(service: Service) -> Broker:
    broker: Broker | None = service.parts.get(Broker)
    if broker is not None:
        return broker
    if not service.settings.bus_public_url:
        raise Problem(404, _NO_BROKER)
    raise Problem(
        409, f"this service cannot sign for devices yet; its administrator reads its log, or: {HOW}"
    )


def _slow_down(service: Service, device_id: str, now_us: int) -> None:
    """Each is a line in the audit log: a bedside that asks over and over must not fill it."""
    wait_s = service.doors.certificates.wait_s(device_id, now_us)
    if wait_s > 0:
        later = {"Retry-After": str(round(wait_s) + 1)}
        raise Problem(429, "this device has asked for many certificates; later again", headers=later)
    service.doors.certificates.tried(device_id, now_us)
