"""Which model the edge process runs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from hemoview.edge.streams import ModelName, claims_of
from hemoview.estimate import bundle
from hemoview.estimate.bundle import Bundle
from hemoview.estimate.runner import Runner
from recorder.errors import ConfigError
from recorder.host import places

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to run, or why there is none: then heart rate and beats go on without it."""

    runner: Runner | None
    name: ModelName

    @staticmethod
    def name_of(found: Bundle | None) -> ModelName:
        """How a stream names the bundle it came from."""
        if found is None:
            return ModelName()
        return ModelName(found.name, found.model_sha256, claims=claims_of(found.card))


def load_model(name: str | None = None, root: Path | None = None) -> Loaded:
    """The bundle called ``name``, else the default, of the installed ones. Never raises: a refused bundle is
    told in the log and in the stream's metadata, and recording is none of its business.
    """
    try:
        found = bundle.load(_folder(name, root or places.models_dir()))
        return Loaded(Runner(found), Loaded.name_of(found))
    except ConfigError as error:
        log.error("no estimates but heart rate: %s", error)
        return Loaded(None, ModelName(refused=str(error)))


def _folder(name: str | None, root: Path) -> Path:
    if name is None:
        return bundle.default_bundle(root)
    chosen = [f for f in bundle.list_bundles(root) if f.name == name]
    if not chosen:
        raise ConfigError(
            f"model bundle {name}: none installed; install HemoView again or name one of models_bin"
        )
    return chosen[0]
