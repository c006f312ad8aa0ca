"""The command line: run, floor, streaming, growth, show, figure."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from benchmarks.errors import BenchError


class _Group(TyperGroup):
    """Turns errors into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail("interrupted; finished draws are kept, to go on give the same command again")
            raise typer.Exit(130) from None
        except BenchError as error:
            _fail(f"error: {error}")
            raise typer.Exit(2) from error


app = typer.Typer(cls=_Group, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Out = Annotated[Path, typer.Option("--out", help="Folder of the results.")]
OUT = Path("results/bench")


@app.callback()
def options() -> None:
    """Time and accuracy of our solvers against public packages (run from the root of the repository)."""


@app.command()
def run(
    sizes: Annotated[str, typer.Option("--sizes", help="Names with commas between, or all.")] = "M1,M1-c10,M1-c100,M2",
    draws: Annotated[int, typer.Option("--draws", min=1, help="Random problems of every size.")] = 10,
    methods: Annotated[str, typer.Option("--methods", help="Names with commas between, or all.")] = "all",
    cap: Annotated[float, typer.Option("--cap", min=1.0, help="Seconds that one run may take.")] = 60.0,
    out: Out = OUT,
) -> None:
    """Measure, or go on measuring where it was stopped; results of other code are measured again."""
    from benchmarks import driver
    from benchmarks import methods as method_table
    from benchmarks import sizes as size_table
    from benchmarks.store import Store

    chosen, ways = size_table.select(_split(sizes)), method_table.select(_split(methods))
    driver.run(chosen, draws, ways, cap, Store(out), _say)
    show(out)


@app.command()
def floor(
    sizes: Annotated[str, typer.Option("--sizes", help="Names with commas between, or all.")] = "M1,M2,L",
    out: Out = OUT,
) -> None:
    """Compare the time of a step of ours with what the machine's memory and arithmetic allow."""
    from benchmarks import floor as floor_module
    from benchmarks import sizes as size_table
    from benchmarks import summary
    from benchmarks.store import Store

    floor_module.run(size_table.select(_split(sizes)), Store(out), _say)
    _stdout().print(summary.floor_table(Store(out).read("floor")))


@app.command()
def streaming(
    gigabytes: Annotated[float, typer.Option("--gigabytes", min=1e-3, help="Size of the file, in 10^9 bytes.")] = 6.0,
    dtype: Annotated[str, typer.Option("--dtype", help="What it holds: float64 or float32.")] = "float64",
    folder: Annotated[Path, typer.Option("--folder", help="Where the file is put meanwhile.")] = Path("results/bench"),
    out: Out = OUT,
) -> None:
    """Solve a problem from a file: its memory, and its passes beside reading the file."""
    from benchmarks import streaming as streaming_module

    if dtype not in ("float64", "float32"):
        raise BenchError(f"unknown dtype {dtype!r}; known: float64, float32")
    _say(streaming_module.told(streaming_module.run(gigabytes, dtype, folder, out, _say)))


@app.command()
def growth(
    axes: Annotated[
        str, typer.Option("--axes", help="users, samples, sides, large-sides, rows, rank; or all.")
    ] = "all",
    out: Out = OUT,
) -> None:
    """Fit the exponents with which time and memory of a step grow."""
    from benchmarks import growth as growth_module

    growth_module.run(_split(axes), out, _say)


@app.command()
def show(out: Out = OUT) -> None:
    """Print the tables of what is stored."""
    from benchmarks import summary
    from benchmarks.store import Store

    store, console = Store(out), _stdout()
    runs, floors = store.read("runs"), store.read("floor")
    if runs.empty and floors.empty:
        raise BenchError(f"there are no results in {out}; to make some: python -m benchmarks run")
    for table in summary.run_tables(runs):
        console.print(table)
    if not floors.empty:
        console.print(summary.floor_table(floors))


@app.command()
def figure(
    out: Out = OUT,
    into: Annotated[Path, typer.Option("--figures", help="Folder of the figure.")] = Path("figures/out"),
) -> None:
    """Draw the error against seconds."""
    from benchmarks import figure as figure_module
    from benchmarks.store import Store

    for path in figure_module.draw_into(Store(out), into):
        _say(f"{path}")


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _stdout() -> Console:
    # Files and pipes have no width of their own.
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _say(message: str) -> None:
    Console(stderr=True).print(message, highlight=False, markup=False, soft_wrap=True)


def _fail(message: str) -> None:
    Console(stderr=True).print(message, style="red", highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point."""
    app(prog_name="python -m benchmarks")
