"""SIGTERM and SIGINT: heard at any moment, and never raised where they arrive.

What a handler raises comes out wherever Python is: in the middle of an import, or in a
callback of the garbage collector, where it is swallowed and the process runs on. So
the command line's handlers do nothing. A thread reads of the signal from a pipe and
ends the process, unless somebody notes signals because there is something to save.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

CAUGHT = (signal.SIGTERM, signal.SIGINT)
TICK = 0.05
_noting: list["Noted"] = []
_listens = False


class Noted:
    """The signals that came; `look()` tells the first one, or 0.

    Until somebody has looked, nothing is there that could be saved: the command line
    ends at a signal as it does where nobody notes them.
    """

    def __init__(self, matters: bool = False):
        self.matters = matters
        self.numbers: list[int] = []

    def look(self) -> int:
        """The first signal that came, or 0; from now on they matter."""
        self.matters = True
        return self.numbers[0] if self.numbers else 0


def listen() -> None:
    """Make the process end at a signal with one sentence and the code 128 + n.

    For the main thread of a program; a signal that it was started to ignore stays so.
    """
    global _listens
    if _listens:
        return
    _listens = True
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    for number in CAUGHT:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)
    threading.Thread(target=_hear, args=(reading,), daemon=True).start()


def _hear(reading: int) -> None:
    while True:
        for number in os.read(reading, 64):
            if number not in CAUGHT:
                continue
            if _noting and _noting[-1].matters:
                _noting[-1].numbers.append(number)
            else:
                leave(number)


def leave(number: int) -> None:
    """End the process, wherever its other threads are."""
    shown = "\r\x1b[?25h" if os.isatty(2) else ""  # the cursor, which a bar has hidden
    text = f"{shown}deconvgen: stopped by {signal.Signals(number).name}\n"
    try:
        os.write(2, text.encode())
    finally:
        os._exit(128 + number)


@contextmanager
def noted(matters: bool = False) -> Iterator[Noted]:
    """Signals are noted instead of ending the process; see `Noted`."""
    found = Noted(matters)
    _noting.append(found)
    try:
        if _listens or threading.current_thread() is not threading.main_thread():
            yield found  # a notebook's executor, say, is told of none
            return
        note = lambda number, frame: found.numbers.append(number)
        old = [signal.signal(number, note) for number in CAUGHT]
        try:
            yield found
        finally:
            for number, handler in zip(CAUGHT, old, strict=True):
                signal.signal(number, handler)
    finally:
        _noting.remove(found)


def pause(seconds: float | int) -> None:
    """Sleep; where signals are noted, raise KeyboardInterrupt(number) for one."""
    until = time.monotonic() + seconds
    while True:
        if _noting and (number := _noting[-1].look()):
            raise KeyboardInterrupt(number)
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(TICK, left))


def of(error: KeyboardInterrupt) -> signal.Signals:
    """The signal that an interrupt came from."""
    return signal.Signals(error.args[0] if error.args else signal.SIGINT)
