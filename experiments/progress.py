"""How long work reports on itself: a bar on a terminal, now and then a line elsewhere."""

import abc
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_SECONDS_BETWEEN_LINES = 10.0


class Reporter(abc.ABC):
    """Counts finished cells; a context manager around the work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @abc.abstractmethod
    def begin(self, label: str, total: int) -> None:
        """Start to count to `total`."""

    @abc.abstractmethod
    def advance(self, cells: int, *, failing: int, computed: bool) -> None:
        """Count cells, computed now or found finished; `failing` of them ended without having converged."""

    @abc.abstractmethod
    def note(self, message: str) -> None:
        """Say something without disturbing the count."""


def reporter(console: Console) -> Reporter:
    """A bar if the console is a terminal that can redraw a line, else plain lines."""
    return BarReporter(console) if console.is_terminal and not console.is_dumb_terminal else LineReporter(console)


class _Failing(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['failing']} failing")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} cells/s" if task.speed else "", style="progress.data.speed")


class BarReporter(Reporter):
    """A bar with cells done, failing cells, cells per second and time left."""

    def __init__(self, console: Console) -> None:
        counts = MofNCompleteColumn(), _Failing(), _Rate(), TimeRemainingColumn()
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(), *counts, console=console)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, label: str, total: int) -> None:
        """See `Reporter`."""
        self._task = self._progress.add_task(label, total=total, failing=0)

    def advance(self, cells: int, *, failing: int, computed: bool) -> None:
        """See `Reporter`."""
        task = self._progress.tasks[self._task]
        self._progress.update(self._task, failing=task.fields["failing"] + failing)
        if computed:
            self._progress.advance(self._task, cells)
        else:
            # Set, not advanced: what was found finished says nothing about the speed.
            self._progress.reset(self._task, completed=int(task.completed) + cells, total=task.total)

    def note(self, message: str) -> None:
        """See `Reporter`."""
        self._progress.console.print(message, highlight=False, markup=False, soft_wrap=True)


class LineReporter(Reporter):
    """A line every ten seconds, and one at each end."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, label: str, total: int) -> None:
        """See `Reporter`."""
        self._label, self._total = label, total
        self._done = self._computed = self._failing = 0
        self._began = self._said = time.monotonic()
        self.note(f"{label}: {total} cells")

    def advance(self, cells: int, *, failing: int, computed: bool) -> None:
        """See `Reporter`."""
        self._done += cells
        self._computed += cells if computed else 0
        self._failing += failing
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES and self._done < self._total:
            return
        self._said = now
        message = f"{self._label}: {self._done}/{self._total} cells, {self._failing} failing"
        if self._computed:
            rate = self._computed / (now - self._began)
            message += f", {rate:.1f} cells/s, {(self._total - self._done) / rate:.0f} s left"
        self.note(message)

    def note(self, message: str) -> None:
        """See `Reporter`."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)
