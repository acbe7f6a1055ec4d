"""`notebooks/04_reconstruct.py` runs."""

from tests.notebooks.running import runs

test_it_runs = runs(4)
