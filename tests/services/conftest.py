"""Services that name no database have one of their own on the server, as in ``tests/cloud``."""

from __future__ import annotations

from tests.cloud import databases

if databases.SERVER:
    from tests.cloud.conftest import _on_the_server, _own_databases  # noqa: F401 – fixtures
