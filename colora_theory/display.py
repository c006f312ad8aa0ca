"""How results show themselves: in a line in a terminal, as a small table in a notebook."""

import abc
import html
from typing import Any

import equinox as eqx
import jax
import numpy as np

Rows = list[tuple[str, str]]


class Shown(eqx.Module):
    """A module that shows what it is about in place of its arrays.

    Nothing is computed for it: of what is traced, or a batch, it tells the shape.
    """

    @abc.abstractmethod
    def facts(self) -> Rows:
        """What there is to know, by name."""

    def __repr__(self) -> str:
        # Transformations put other things in the place of arrays: those are shown as they are.
        if not all(isinstance(leaf, jax.Array | np.ndarray) for leaf in jax.tree.leaves(self)):
            return eqx.tree_pformat(self)
        return f"{type(self).__name__}({', '.join(f'{name}: {value}' for name, value in self.facts())})"

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for name, value in self.facts()
        )
        return f"<table><caption>{type(self).__name__}</caption>{cells}</table>"


def is_known(value: Any) -> bool:
    """Whether it is a single number that can be looked at."""
    return not isinstance(value, jax.core.Tracer) and np.ndim(value) == 0


def number(value: Any, form: str = ".2e") -> str:
    """A number in this form; what it is, if it is traced or one of a batch."""
    return format(value.item(), form) if is_known(value) else f"{value.dtype} of shape {value.shape}"
