"""Data keys of sessions: one owner-only file each, in the home folder, apart from the sessions.

No system keyring is used: on a machine without a desktop there is none, and a silent fallback would be worse than this
declared file (decision 0040).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from recorder.errors import SyncError
from recorder.session.files import make_folder, storage_errors, sync_folder, write_synced
from recorder.sync import custody


class Vault:
    """Data keys by session.

    Args:
        folder: made where it is missing, owner-only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def key_of(self, session_id: str) -> bytes:
        """The data key of a session, made when it is first asked for; on disk when this returns.

        Raises:
            SyncError: the file is not a key.
            StorageError: the folder is not writable.
        """
        path = self._folder / f"{session_id}.key"
        with storage_errors(self._folder, "reading a data key"):
            if not path.exists():
                self._make(path)
            text = path.read_text("ascii", errors="replace").strip()
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != custody.KEY_BYTES:
            raise SyncError(f"{path}: is no data key; put it back from a backup of this folder")
        return key

    def forget(self, session_id: str) -> None:
        """Its session was erased: without the key what is left of it anywhere here is noise."""
        (self._folder / f"{session_id}.key").unlink(missing_ok=True)

    def _make(self, path: Path) -> None:
        """Two processes may want the same one: the first file wins."""
        make_folder(self._folder)
        mine = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        write_synced(mine, custody.new_data_key().hex().encode())
        try:
            os.link(mine, path)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        sync_folder(self._folder)
