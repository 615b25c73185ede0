"""The templates of a station: those shipped with HemoView and those of its users, by name."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.acquire import template as templates
from recorder.acquire import template_toml
from recorder.acquire.template import Template
from recorder.errors import ConfigError, StorageError
from recorder.session.files import give_name

_SUFFIXES = (".toml", ".json")


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the library.

    Args:
        path: of the file.
        own: it may be changed and deleted here; those shipped are copied.
        template: None where the file cannot be used.
        fault: why it cannot; empty where it can.
    """

    path: Path
    own: bool
    template: Template | None
    fault: str = ""

    @property
    def name(self) -> str:
        """Of the template, or of a file that cannot be read."""
        return self.template.name if self.template else self.path.name


@dataclass(frozen=True, slots=True)
class TemplateLibrary:
    """Templates in two folders.

    Args:
        shipped: with the installation, never written.
        own: of the user; made when the first template is kept.
    """

    shipped: Path
    own: Path

    def found(self) -> list[Found]:
        """Every template, by name; a file that cannot be used is there with its fault. An own one hides the shipped
        one of its name.
        """
        mine = [_look(path, own=True) for path in _files(self.own)]
        names = {f.name.casefold() for f in mine if f.template}
        others = [_look(path, own=False) for path in _files(self.shipped)]
        kept = [*mine, *(f for f in others if f.name.casefold() not in names)]
        return sorted(kept, key=lambda f: (f.template is None, f.name.casefold()))

    def by_name(self, name: str) -> Template | None:
        """The template of that name."""
        return next((f.template for f in self.found() if f.template and f.template.name == name), None)

    def save(self, template: Template, replacing: Path | None = None) -> Path:
        """Keep a template among the own ones, whole or not at all; sessions keep the version they were made with.

        Args:
            template: to keep.
            replacing: file of the own template that was edited; None for a new one.

        Raises:
            ConfigError: another template has this name.
            StorageError: the folder cannot be written.
        """
        for found in self.found():
            same = found.template is not None and found.template.name.casefold() == template.name.casefold()
            if same and found.path != replacing:
                raise ConfigError(
                    f"template “{template.name}”: there is one of this name; choose another name"
                )
        target = replacing or _free(self.own, template.name)
        temporary = target.with_name(f".{target.stem}.{secrets.token_hex(8)}.tmp")
        try:
            self.own.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.write(template_toml.dumps(template.to_file()))
                file.flush()
                os.fsync(file.fileno())
            final = target.with_suffix(".toml")
            if replacing is None:
                if not give_name(temporary, final):  # another window has just taken it
                    temporary.unlink()
                    return self.save(template)
            else:
                temporary.replace(final)
            if target != final:  # it was a .json
                target.unlink(missing_ok=True)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise StorageError(
                f"template “{template.name}”: cannot be written to {self.own} ({error.strerror}); "
                "make room there or correct the rights of the folder"
            ) from None
        return final

    def delete(self, path: Path) -> None:
        """Remove an own template.

        Raises:
            ConfigError: it is not an own one.
            StorageError: it cannot be removed.
        """
        if path.parent != self.own:
            raise ConfigError(f"template {path.name}: came with HemoView and stays; copy it instead")
        try:
            path.unlink()
        except OSError as error:
            raise StorageError(
                f"template {path.name}: cannot be removed ({error.strerror}); correct the rights of {self.own}"
            ) from None


def _files(folder: Path) -> Sequence[Path]:
    with contextlib.suppress(OSError):
        return sorted(p for p in folder.iterdir() if p.suffix in _SUFFIXES and not p.name.startswith("."))
    return ()


def _look(path: Path, *, own: bool) -> Found:
    try:
        return Found(path, own, templates.load(path))
    except ConfigError as error:
        return Found(path, own, None, str(error))


def _free(folder: Path, name: str) -> Path:
    """A file name for a new template: letters of any script, digits, hyphens."""
    stem = re.sub(r"[^\w]+", "-", name).strip("-_").casefold()[:40] or "template"
    taken = {path.stem for path in _files(folder)}
    numbered = (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return folder / f"{next(s for s in numbered if s not in taken)}.toml"
