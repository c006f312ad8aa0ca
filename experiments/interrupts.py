"""Ctrl-C: once to stop soon, twice to stop at once."""

import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Interrupts:
    """Counts Ctrl-C; a context manager. Elsewhere than in the main thread, or where Ctrl-C has another meaning, idle.

    Python calls handlers between two of its own steps, and a compiled program can be minutes of one step. So a thread
    listens for what the system's handler writes. It ends the process the second time: files are whole or not there at
    all whenever that is, and workers end with their parent.

    Args: what to say the first time, and the second.
    """

    def __init__(self, first: Callable[[], None], second: Callable[[], None]) -> None:
        self._first, self._second = first, second
        self._asked = threading.Event()
        self._ears: tuple[socket.socket, socket.socket] | None = None

    def asked(self) -> bool:
        """Whether to stop soon."""
        return self._asked.is_set()

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._ears = socket.socketpair()
            for ear in self._ears:
                ear.setblocking(ear is self._ears[0])
            threading.Thread(target=self._listen, args=(self._ears[0],), daemon=True).start()
            signal.set_wakeup_fd(self._ears[1].fileno(), warn_on_full_buffer=False)
            signal.signal(signal.SIGINT, lambda *_: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Once asked to stop, the process is about to end, and is still to be ended at once the second time.
        if self._ears is not None and not self.asked():
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.set_wakeup_fd(-1)
            self._ears[1].close()

    def _listen(self, ear: socket.socket) -> None:
        times = itertools.count(1)
        with ear:
            while heard := ear.recv(1):
                if heard[0] != signal.SIGINT:
                    continue
                if next(times) == 1:
                    self._asked.set()
                    self._first()
                else:
                    self._second()
                    os._exit(130)
