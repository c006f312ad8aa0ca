"""What can go wrong with a file that is streamed, and how a compiled program tells it."""

import contextlib
import logging
import re
from collections.abc import Iterator

import jax


class StreamError(RuntimeError):
    """A file of matrices that cannot be streamed, or no longer; the message names it, and the place of bad data."""


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """A StreamError of a compiled program as what it is, without the traceback that JAX would log and quote.

    Raises:
        StreamError: in place of the error that JAX makes of it.
    """
    logger = logging.getLogger("jax._src.callback")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    except StreamError:
        raise
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # which of them depends on what waited for the program
        messages = re.findall(r"StreamError: (.*)", str(error))
        if not messages:
            raise
        raise StreamError(messages[-1]) from None
    finally:
        logger.disabled = before


def told(error: BaseException) -> str:
    """Why, in one line."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()) or type(error).__name__
