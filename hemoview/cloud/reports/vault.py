"""What a report keeps in the database, encrypted with the key of its session: erasing the session erases it too."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from recorder.errors import WireError
from recorder.session.files import sha256
from recorder.sync import custody


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens what belongs to one report."""

    session_id: str
    report_id: str
    data_key: bytes = field(repr=False)

    def seal(self, name: str, content: bytes) -> dict[str, Any]:
        """Compressed and encrypted, as JSON values; ``sha256`` is that of the content as it was."""
        blob = custody.encrypt(self.data_key, self.session_id, self._place(name), zlib.compress(content, 6))
        sealed = base64.b64encode(blob.content).decode()
        return {"sha256": sha256(content), "packed_sha256": blob.plain_sha256, "sealed": sealed}

    def open(self, name: str, sealed: dict[str, Any]) -> bytes:
        """Inverse of :meth:`seal`.

        Raises:
            Problem: 500, it was changed.
        """
        try:
            content = base64.b64decode(sealed["sealed"])
            place, packed = self._place(name), str(sealed["packed_sha256"])
            return zlib.decompress(custody.decrypt(self.data_key, self.session_id, place, packed, content))
        except (WireError, ValueError, KeyError, zlib.error) as error:
            raise Problem(
                500, f"{name} of this report was changed in the database; restore a backup"
            ) from error

    def seal_text(self, name: str, text: str) -> str:
        """As :meth:`seal`, for a column of text."""
        return json.dumps(self.seal(name, text.encode()))

    def open_text(self, name: str, sealed: str) -> str:
        """Inverse of :meth:`seal_text`."""
        return self.open(name, json.loads(sealed)).decode()

    def _place(self, name: str) -> str:
        return f"report/{self.report_id}/{name}"


async def vault_of(conn: AsyncConnection, service: Service, session_id: str, report_id: str) -> Vault:
    """For a report of a session that is still here.

    Raises:
        Problem: 410 erased, 500 its key does not open.
    """
    session = tables.session
    query = select(session.c.wrapped_key).where(session.c.id == session_id, session.c.state != "erased")
    row = (await conn.execute(query)).first()
    if row is None or row.wrapped_key is None:
        raise Problem(410, "this session was erased, and its reports with it")
    try:
        key = custody.unwrap(bytes(row.wrapped_key).hex(), session_id, service.keys.wrapping)
    except WireError as error:
        raise Problem(500, f"{error}; was the folder of keys put back from its backup?") from error
    return Vault(session_id, report_id, key)
