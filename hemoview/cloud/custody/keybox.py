"""The keys of a service in one file: owner-only, or locked with a passphrase. The list of erasures goes with them.

A backup of the database and this file together open every session; either alone opens none. Keep them apart.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from hemoview.cloud.custody import erasures
from hemoview.cloud.custody.erasures import Erased
from hemoview.cloud.identity import device_authority
from recorder.errors import ConfigError
from recorder.host import platform
from recorder.session.files import make_folder

FORMAT: Final = 1
KEY_FILES: Final = ("signing.pem", "wrapping.pem")
AUTHORITY_FILES: Final = ("ca.pem", "ca.key")
"""Of ``--init-tls``, where it was used: tablets and bedsides trust this authority and would refuse another."""
DEVICES_FILES: Final = device_authority.FILES
"""Of the same, in the folder of keys: the site's broker trusts it."""
_SCRYPT: Final = {"n": 2**17, "r": 8, "p": 1}
"""OWASP's password storage advice of 2023; 128 MiB and about half a second."""


def write(path: Path, folder: Path, tls: Path, server_id: str, passphrase: str | None) -> None:
    """Write what is in the folder of keys, and both authorities, that for devices and that in the folder ``tls``, if
    there are any.

    Raises:
        ConfigError: a key is missing.
    """
    content: dict[str, Any] = {"server_id": server_id}
    try:
        content["keys"] = {name: (folder / name).read_text() for name in KEY_FILES}
    except OSError as error:
        raise ConfigError(
            f"{folder}: a key is missing ({error.strerror}); name the service's folder"
        ) from error
    content["authority"] = {n: (tls / n).read_text() for n in AUTHORITY_FILES if (tls / n).is_file()}
    content["devices"] = {n: (folder / n).read_text() for n in DEVICES_FILES if (folder / n).is_file()}
    content["erasures"] = [asdict(one) for one in erasures.remembered(folder)]
    told = {
        "format": FORMAT,
        "what": "keys of a HemoView service: whoever has them and its blobs can read all",
    }
    box = told | (_locked(content, passphrase) if passphrase else {"open": content})
    platform.write_owner_only(path, json.dumps(box, indent=1).encode())


def read(path: Path, passphrase: str | None) -> dict[str, Any]:
    """Inverse of :func:`write`: ``server_id``, ``keys``, ``authority`` and ``devices`` by file name,
    ``erasures``.

    Raises:
        ConfigError: not such a file, or another passphrase.
    """
    try:
        box = json.loads(path.read_bytes())
        if box["format"] != FORMAT:
            raise ConfigError(f"{path}: format {box['format']} is newer than this HemoView; use a newer one")
        if "open" in box:
            content: dict[str, Any] = box["open"]
            return content
        if passphrase is None:
            raise ConfigError(f"{path}: is locked; name the file of its passphrase with --passphrase-file")
        return _unlocked(box, passphrase)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check --keys") from error
    except InvalidTag as error:
        raise ConfigError(f"{path}: does not open; another passphrase, or the file was changed") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: is no file of keys of a backup; check --keys") from error


def put_back(content: dict[str, Any], folder: Path, tls: Path) -> None:
    """Write keys and authority into their folders, and add what is new to the list of erasures.

    Raises:
        ConfigError: other keys lie there.
    """
    authority = content.get("authority", {})
    wanted = [(folder / name, content["keys"][name]) for name in KEY_FILES]
    wanted += [(tls / name, authority[name]) for name in AUTHORITY_FILES if name in authority]
    wanted += [
        (folder / name, text) for name, text in content.get("devices", {}).items() if name in DEVICES_FILES
    ]
    for path, text in wanted:
        if path.exists() and path.read_text() != text:
            raise ConfigError(f"{path}: another key lies there; move that folder away first")
    for path, text in wanted:
        make_folder(path.parent)
        platform.write_owner_only(path, text.encode())
    known = {one.session_id for one in erasures.remembered(folder)}
    for told in content["erasures"]:
        if told["session_id"] not in known:
            erasures.remember(folder, Erased(**told))


def _locked(content: dict[str, Any], passphrase: str) -> dict[str, str]:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, json.dumps(content).encode(), None)
    return {"salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}


def _unlocked(box: dict[str, Any], passphrase: str) -> dict[str, Any]:
    salt, nonce, sealed = (bytes.fromhex(box[name]) for name in ("salt", "nonce", "sealed"))
    content: dict[str, Any] = json.loads(AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, None))
    return content


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_SCRYPT).derive(passphrase.encode())
