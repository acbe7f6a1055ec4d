"""`notebooks/02_checkerboard.py` runs."""

from tests.notebooks.running import runs

test_it_runs = runs(2)
