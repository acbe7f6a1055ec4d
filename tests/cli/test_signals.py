"""A signal ends the command line at any moment: one sentence, 128 + n, and soon."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deconvgen.core import signals
from tests.tiny import TINY

TRAIN = (
    *(sys.executable, "-m", "deconvgen.cli", "train", "--config=dcgan:smoke"),
    *(f"--config.{value}" for value in TINY),
    *("--config.steps=100000", "--config.eval_every=100000", "--quiet"),
)


def started(*command, **settings):
    """A process that listens: from here on, any moment is as good as another."""
    heard = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = {"preexec_fn": heard} | settings  # a shell's background ignores SIGINT
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **settings)
    bit = 1 << (signal.SIGTERM - 1)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        status = Path(f"/proc/{process.pid}/status").read_text()
        told = lambda name, status=status: status.partition(f"{name}:")[2].split()[0]
        # The thread that hears them starts behind the handlers, of which SIGINT's is
        # the last: a signal between the two is Python's own KeyboardInterrupt.
        if int(told("SigCgt"), 16) & bit and int(told("Threads")) > 1:
            return process
        time.sleep(0.005)
    raise AssertionError("it never listened")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT]
)
def test_a_signal_ends_a_run_that_only_begins(tmp_path, number):
    """While modules are imported, JAX starts, the data are read or a step compiles.

    goodfire-ai/spd#677: a handler that raised was swallowed, and it trained on.
    """
    for delay in (0.0, 0.2, 0.6, 0.9, 1.1, 1.3, 2.0, 3.0):
        process = started(*TRAIN, f"--workdir={tmp_path / str(delay)}")
        time.sleep(delay)
        process.send_signal(number)
        sent = time.monotonic()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 128 + number, (delay, said)
        assert said.count("stopped by") == 1, (delay, said)
        assert len(said.splitlines()) == 1, (delay, said)
        assert time.monotonic() - sent < 15, delay


COMPUTES = """
import os, sys, time
from deconvgen.core import signals
signals.listen()
while True:
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_while_the_main_thread_computes(number):
    process = started(sys.executable, "-c", COMPUTES)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert said == f"deconvgen: stopped by {number.name}\n"


def test_a_signal_that_a_process_was_told_to_ignore_stays_ignored():
    """As of a process in the background of a shell, whose Ctrl-C is not for it."""
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = started(sys.executable, "-c", COMPUTES, preexec_fn=ignore)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM


def test_signals_that_are_noted_wait_to_be_looked_at():
    before = signal.getsignal(signal.SIGTERM)
    with signals.noted() as asked:
        assert asked.look() == 0
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.look() == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt) as stopped:
            signals.pause(60)
        assert signals.of(stopped.value) == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    signals.pause(0)
