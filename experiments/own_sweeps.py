"""Users' own sweeps in a results folder: `<root>/<name>/custom.json` says which file their grids are from."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from colora_theory.experiments.config import AnyConfig, schema_of
from colora_theory.experiments.errors import ConfigError, StoreError
from colora_theory.experiments.presets import CUSTOM
from colora_theory.experiments.store import Store


def claim(config: AnyConfig, file: Path, store: Store) -> None:
    """Note that the grids of this name are from `file`, before anything is computed.

    A file may be changed, and grow; another file of the same name may not take its place.

    Raises:
        ConfigError: If another file has other grids there.
        StoreError: If what is there cannot be read, or the folder cannot be written.
    """
    path = store.root / config.name / f"{CUSTOM}.json"
    there = _read(path)
    if there is not None:
        owner, known = there
        if owner != str(file.resolve()) and known != config:
            raise ConfigError(
                f"{file}: name = {config.name!r} is taken in {store.root} by other grids, those of {owner}\n"
                f"give it another name, or another --results folder; or move {path} and the table beside it away"
            )
        if known == config:
            return
    store.write_json(f"{config.name}/{CUSTOM}", {"file": str(file.resolve()), "config": config.model_dump(mode="json")})


def claimed(store: Store) -> Iterator[AnyConfig]:
    """The sweeps that files have claimed, by name.

    Raises:
        StoreError: If what is there cannot be read.
    """
    for path in sorted(store.root.glob(f"*/{CUSTOM}.json")):
        there = _read(path)
        if there is not None:
            yield there[1]


def _read(path: Path) -> tuple[str, AnyConfig] | None:
    try:
        document = json.loads(path.read_bytes())
        return str(document["file"]), schema_of(document["config"]).model_validate(document["config"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise StoreError(f"{path} does not say which file its grids are from; move it away") from error
