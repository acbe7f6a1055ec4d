"""What lies between two steps, of the members of a population."""

import threading
import time

from deconvgen.training import loop
from deconvgen.training.stopwatch import Stopwatch


def test_the_first_visit_is_alone_and_the_others_side_by_side():
    both, began = threading.Barrier(2, timeout=60), []

    def visit(place):
        began.append(place)
        if place:
            both.wait()  # would not end one after the other
        return f"wrong {place}" if place == 5 else None

    assert loop.each(visit, [0, 2, 5], threads=2) == {5: "wrong 5"}
    assert began[0] == 0 and loop.each(visit, [], 2) == {}


def test_what_is_done_in_threads_is_in_the_phase_of_who_waits():
    watch = Stopwatch()

    def visit(place):
        with watch.during("saving"):
            time.sleep(0.02)

    with watch.during("evaluating"):
        loop.each(visit, [0, 1, 2], 1)
    assert watch.seconds["saving"] >= 0.02  # of the first, in this thread
    assert watch.seconds["evaluating"] >= 0.04
