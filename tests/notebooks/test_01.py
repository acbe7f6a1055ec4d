"""`notebooks/01_what_is_a_deconvolution.py` runs."""

from tests.notebooks.running import runs

test_it_runs = runs(1)
