"""Pictures of single commands: drawn by the figures, kept here as text or files."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colora_theory.experiments.errors import ConfigError, StoreError
from colora_theory.experiments.files import put
from colora_theory.figures import fit_users, plan_needs, style

_SUFFIXES = (".png", ".svg", ".pdf")


def fit_picture(summary: Mapping[str, Any]) -> str:
    """The users of a fit, as an SVG document.

    Args:
        summary: see `fitting.summary`.
    """
    return style.svg(fit_users.draw(summary), "fit")


def check_suffix(path: Path) -> None:
    """Whether a picture of that name can be drawn.

    Raises:
        ConfigError: if not.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"picture {path} is none of {', '.join(_SUFFIXES)}: give a name that ends in one of them")


def write_plan_picture(curves: Mapping[str, Any], path: Path) -> None:
    """Draws a plan into a file, in the format of its name.

    Args:
        curves: see `planning.plan_curves`.
        path: of the picture; its folder is made if it is not there.

    Raises:
        ConfigError: for a name of another format.
        StoreError: for a file that cannot be written.
    """
    check_suffix(path)
    packed = io.BytesIO()
    plan_needs.draw(curves).savefig(packed, format=path.suffix.lower()[1:])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, packed.getvalue())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}; choose another name") from None
