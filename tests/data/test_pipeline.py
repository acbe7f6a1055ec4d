"""A batch is a pure function of (seed, step); epochs, processes and padding add up."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import draws, records
from deconvgen.data.pipeline import dataset, to_float


def counting(length, threads=0):
    """Example i is a picture full of i, and says which draws it was given."""

    def examples(indices, chance):
        image = np.broadcast_to(indices[:, None, None, None], (len(indices), 2, 2, 1))
        out = {"image": image.astype(np.uint8), "label": indices.astype(np.int32)}
        return out if chance is None else {**out, "draws": chance}

    return dataset("counting", "train", length, (2, 2, 1), examples, threads=threads)


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 2**40))
@settings(max_examples=25, deadline=None)
def test_a_run_resumes_at_any_step(start, batch_size, seed):
    data = counting(7)
    whole = list(islice(data.train_batches(seed, batch_size), start + 3))[start:]
    resumed = islice(data.train_batches(seed, batch_size, start_step=start), 3)
    assert all(equal(a, b) for a, b in zip(whole, resumed, strict=True))


@pytest.mark.parametrize("length, batch_size", [(10, 5), (10, 4), (3, 8)])
def test_every_epoch_is_a_permutation(length, batch_size):
    batches = islice(counting(length).train_batches(3, batch_size), 12)
    labels = np.concatenate([batch["label"] for batch in batches])
    epochs = labels[: len(labels) // length * length].reshape(-1, length)
    assert len(epochs) >= 3
    assert (np.sort(epochs) == np.arange(length)).all()
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_other_seeds_give_other_orders_and_draws():
    a, b = (next(counting(50).train_batches(seed, 50)) for seed in (0, 1))
    assert not np.array_equal(a["label"], b["label"])
    assert not np.intersect1d(a["draws"], b["draws"]).size


def test_the_same_example_has_new_draws_in_the_next_epoch():
    first, second = islice(counting(4).train_batches(0, 4), 2)
    assert not np.intersect1d(first["draws"], second["draws"]).size


@pytest.mark.parametrize("count", [1, 2, 4])
def test_processes_share_the_global_batch(count):
    data = counting(11)
    streams = [data.train_batches(5, 8, 2, i, count) for i in range(count)]
    shares = [next(stream) for stream in streams]
    together = {k: np.concatenate([s[k] for s in shares]) for k in shares[0]}
    assert equal(together, next(data.train_batches(5, 8, 2)))
    streams = [list(data.eval_batches(4, i, count)) for i in range(count)]
    together = [np.concatenate([s["label"] for s in b]) for b in zip(*streams)]
    assert np.array_equal(together, [b["label"] for b in data.eval_batches(4)])


@pytest.mark.parametrize("limit, expected", [(None, 10), (7, 7), (4, 4), (99, 10)])
def test_evaluation_pads_and_masks_and_drops_nothing(limit, expected):
    batches = list(counting(10).eval_batches(4, limit=limit))
    assert {batch["image"].shape for batch in batches} == {(4, 2, 2, 1)}
    mask = np.concatenate([batch["mask"] for batch in batches])
    labels = np.concatenate([batch["label"] for batch in batches])
    assert mask.dtype == np.float32 and mask.sum() == expected
    assert np.array_equal(labels[mask == 1], np.arange(expected))
    assert len(batches) == -(-expected // 4)


def test_an_evaluation_of_nothing_ends():
    assert list(counting(10).eval_batches(4, limit=0)) == []


def test_training_examples_are_all_real():
    batch = next(counting(3).train_batches(0, 8))
    assert batch["mask"].tolist() == [1.0] * 8
    assert batch["image"].dtype == np.float32


def test_threads_read_ahead_without_changing_anything():
    plain, threaded = counting(9), counting(9, threads=4)
    some = [list(islice(d.train_batches(1, 4, 5), 6)) for d in (plain, threaded)]
    assert all(map(equal, *some))
    assert all(map(equal, plain.eval_batches(4), threaded.eval_batches(4)))
    assert len(list(threaded.eval_batches(4))) == 3


@pytest.mark.parametrize("batch_size, processes", [(0, 1), (-4, 1), (6, 4)])
def test_an_impossible_batch_size_is_told(batch_size, processes):
    with pytest.raises(UserError, match=f"batch_size {batch_size}"):
        counting(9).train_batches(0, batch_size, 0, 0, processes)


def test_pixels_fill_the_range():
    pixels = np.arange(256, dtype=np.uint8)
    floats = to_float(pixels)
    assert floats[0] == -1 and floats[-1] == 1
    assert np.array_equal(np.rint((floats + 1) * 127.5), pixels)


def test_draws_are_uniform_and_independent():
    numbers = draws.uniform(0, 0, np.arange(20_000), 4)
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = np.histogram(numbers, 20, (0, 1))[0]
    expected = numbers.size / 20
    assert ((counts - expected) ** 2 / expected).sum() < 43.8  # chi2(19) at 0.1 %
    columns = np.corrcoef(numbers.T) - np.eye(4)
    lagged = np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]
    assert np.abs(columns).max() < 0.03 and abs(lagged) < 0.03


def test_draws_do_not_depend_on_their_neighbours():
    together = draws.uniform(9, 1, np.arange(100), 3)
    alone = [draws.uniform(9, 1, np.array([i]), 3)[0] for i in range(100)]
    assert np.array_equal(together, alone)


def test_each_place_of_a_permutation_is_as_likely():
    first = [draws.permutation(seed, 0, 5)[0] for seed in range(2000)]
    assert np.bincount(first).min() > 320  # 400 expected, standard deviation 18


def ending(after):
    """A source whose examples end, as an iterator's would, at that batch."""
    left = iter(range(after))

    def examples(indices, chance):
        next(left)
        return {"image": np.zeros((len(indices), 2, 2, 1), np.uint8)}

    return dataset("short", "test", 10, (2, 2, 1), examples)


def test_a_stream_that_ends_early_says_how_many_came():
    """A StopIteration from below ended the loop as if all had been seen."""
    with pytest.raises(UserError, match="short ended after 2 batches of 5"):
        list(ending(2).eval_batches(2))
    with pytest.raises(UserError, match="after 3 batches of a stream without end"):
        list(ending(3).train_batches(0, 2))
    assert len(list(ending(5).eval_batches(2))) == 5


def test_fewer_examples_than_asked_for_are_told():
    few = lambda indices, chance: {"image": np.zeros((1, 2, 2, 1), np.uint8)}
    data = dataset("few", "test", 10, (2, 2, 1), few)
    with pytest.raises(UserError, match="few gave 1 of 4 examples"):
        next(data.eval_batches(4))
    with pytest.raises(UserError, match="none has no images in its split 'test'"):
        dataset("none", "test", 0, (2, 2, 1), few)


@pytest.mark.parametrize("memory", [2**20, 0])
def test_fewer_records_than_asked_for_are_told(memory):
    def read(indices):
        return [{"image": Image.new("L", (2, 2))} for i in indices if i < 6]

    source = records.Source(10, read, str)
    with pytest.raises(UserError, match=r"gave . of the .* records"):
        data = records.from_source("s", "train", source, records.Options(memory=memory))
        list(islice(data.train_batches(0, 10), 2))
