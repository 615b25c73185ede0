"""Figures for Prometheus: counted where things happen, asked of the database where it knows them."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from sqlalchemy import func, select

from hemoview.cloud.audit import REFUSED
from hemoview.cloud.live.bus import LiveBus
from hemoview.cloud.live.queues import Readers
from hemoview.cloud.service import Service
from hemoview.cloud.tables import audit, blob, job

ASKED_S: Final = 15.0
"""The database is not asked more often, however often somebody scrapes."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Counts:
    """All of them, apart from those of another service in the same process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.messages = self._counter("live_messages", "live messages taken")
        self.bytes = self._counter("live_bytes", "bytes of live messages taken")
        self.refused = self._counter("live_refused", "live messages refused", ["why"])
        self.gaps = self._counter("live_gaps", "live messages that never came, by their numbers")
        self.repeated = self._counter("live_repeated", "live messages that were there before")
        self.rows = self._counter("live_rows", "rows of estimates written")
        self.faults = self._counter("live_write_faults", "seconds that could not be written at once")
        self.bedsides = self._gauge("live_bedsides", "bedsides connected")
        self.intake = self._gauge(
            "live_broker_listening", "1 while bedsides are heard over the site's broker"
        )
        self._clients = self._gauge("live_clients", "browsers connected")
        self._dropped = self._gauge(
            "live_dropped", "parcels browsers did not get because they were slow", ["what"]
        )
        self._bus_here = self._gauge(
            "live_bus_connected", "1 while other replicas can be told what is heard here"
        )
        self._bus = self._gauge("live_bus_words", "words between replicas so far", ["what"])
        self._blobs = self._gauge("blobs", "blobs kept")
        self._blob_bytes = self._gauge("blob_bytes", "bytes of blobs kept")
        self._damaged = self._gauge("blobs_damaged", "blobs that are not what they were, asked for again")
        self._jobs = self._gauge("jobs", "jobs", ["state"])
        self._refusals = self._gauge("audit_refusals", "refusals in the audit log")
        self._asked_s = -ASKED_S

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"hemoview_{name}", text, labels or [], registry=self._registry)

    def _gauge(self, name: str, text: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(f"hemoview_{name}", text, labels or [], registry=self._registry)

    async def page(self, service: Service, readers: Readers, bus: LiveBus) -> bytes:
        """What Prometheus reads.

        Args:
            readers: browsers connected.
            bus: to the other replicas; nothing is said of one that reaches nobody.
        """
        self._clients.set(len(readers))
        self._dropped.labels("waves").set(readers.dropped.waves)
        self._dropped.labels("states").set(readers.dropped.states)
        if bus.is_shared:
            self._bus_here.set(not bus.away)
            for what, count in asdict(bus.traffic).items():
                self._bus.labels(what).set(count)
        if time.monotonic() - self._asked_s >= ASKED_S:
            await self._ask(service)
            self._asked_s = time.monotonic()
        return generate_latest(self._registry)

    async def _ask(self, service: Service) -> None:
        async with service.db.read() as conn:
            held = (func.count(blob.c.sha256), func.coalesce(func.sum(blob.c.bytes), 0))
            blobs = (await conn.execute(select(*held, func.count(blob.c.damaged_us)))).one()
            jobs = (await conn.execute(select(job.c.state, func.count()).group_by(job.c.state))).all()
            refused = select(func.count()).select_from(audit).where(audit.c.outcome == REFUSED)
            refusals = (await conn.execute(refused)).scalar_one()
        self._blobs.set(blobs[0])
        self._blob_bytes.set(float(blobs[1]))
        self._damaged.set(blobs[2])
        self._jobs.clear()
        for state, count in jobs:
            self._jobs.labels(state).set(count)
        self._refusals.set(refusals)
