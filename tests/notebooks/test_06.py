"""`notebooks/06_from_pytorch_and_keras.py` runs."""

from tests.notebooks.running import runs

test_it_runs = runs(6)
