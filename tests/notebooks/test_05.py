"""`notebooks/05_your_own_upsampler.py` runs."""

from tests.notebooks.running import runs

test_it_runs = runs(5)
