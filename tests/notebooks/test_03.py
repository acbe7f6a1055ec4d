"""`notebooks/03_train_a_dcgan.py` runs."""

from tests.notebooks.running import runs

test_it_runs = runs(3)
