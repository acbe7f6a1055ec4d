"""A checkpoint is whole or not there; a damaged one is noticed and passed over."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deconvgen.core.errors import Diverged, UserError
from deconvgen.core.types import Net, State
from deconvgen.runs.grafting import graft
from deconvgen.training import checkpoint


@pytest.fixture(scope="module")
def state():
    params = {"up_0": {"kernel": jnp.arange(6.0).reshape(2, 3), "bias": jnp.ones(3)}}
    net = Net(params, {"norm": {"mean": jnp.zeros(3)}}, optax.adam(1e-3).init(params))
    step = jnp.asarray(7, jnp.int32)
    return State(step, {"model": net}, {"params": params, "batch_stats": net.stats})


def write(workdir, step, state, **figures):
    return checkpoint.write(workdir, step, state, {"eval": figures}, b'{"step": 1}\n')


def damage(path):
    """Flip one bit of the largest file."""
    file = max(
        (p for p in path.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size
    )
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    return file


def test_what_was_written_comes_back_bitwise(tmp_path, state):
    written = write(tmp_path, 7, state)
    target = jax.eval_shape(lambda: state)
    again = checkpoint.restore(checkpoint.find(tmp_path), target)
    assert jax.tree.structure(again) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    assert (written.path / "metrics.jsonl").read_bytes() == b'{"step": 1}\n'


def test_latest_best_and_a_step_are_found(tmp_path, state):
    for step, value in ((1, 3.0), (2, 1.0), (3, 2.0), (4, float("nan"))):
        write(tmp_path, step, state, loss=value)
    find = lambda which, mode="min": checkpoint.find(tmp_path, which, "loss", mode).step
    assert (find("latest"), find("best"), find("best", "max"), find("3")) == (
        4,
        2,
        1,
        3,
    )
    with pytest.raises(
        UserError, match=r"no checkpoint of step 9 \(it has 1, 2, 3, 4\)"
    ):
        find("9")
    with pytest.raises(UserError, match="best, latest or a step, not 'newest'"):
        find("newest")


def test_a_flipped_bit_is_named_and_the_newest_good_one_taken(tmp_path, state):
    for step in (1, 2, 3):
        write(tmp_path, step, state)
    damage(checkpoint.folder(tmp_path, 3))
    warned = []
    assert checkpoint.find(tmp_path, warn=warned.append).step == 2
    assert "00000003" in warned[0]
    assert "has changed" in warned[0]
    for step in (1, 2):
        damage(checkpoint.folder(tmp_path, step))
    with pytest.raises(UserError, match=r"every checkpoint in .* is damaged"):
        checkpoint.find(tmp_path, warn=warned.append)


def test_an_empty_step_folder_and_a_missing_file_are_noticed(tmp_path, state):
    write(tmp_path, 1, state)
    write(tmp_path, 2, state)
    (checkpoint.folder(tmp_path, 2) / "meta.json").unlink()
    checkpoint.folder(tmp_path, 9).mkdir()
    warned = []
    assert checkpoint.find(tmp_path, warn=warned.append).step == 1
    assert "no manifest.json" in warned[0]
    assert "meta.json is missing" in warned[1]


def test_an_empty_run_folder_has_none(tmp_path):
    assert checkpoint.find(tmp_path) is None


def test_pruning_keeps_the_latest_and_the_best(tmp_path, state):
    saver = checkpoint.Saver(tmp_path, "loss", "min")
    for step, loss in enumerate((5.0, 1.0, 4.0, 3.0, 2.0), 1):
        saver.save(step, jax.tree.map(np.array, state), {"eval": {"loss": loss}}, b"")
    saver.wait()
    assert checkpoint.steps(tmp_path) == [2, 4, 5]


def test_a_state_that_is_not_finite_is_never_written(tmp_path, state):
    bad = state._replace(ema=jax.tree.map(lambda x: x * jnp.nan, state.ema))
    with pytest.raises(Diverged, match="not finite at step 3"):
        write(tmp_path, 3, bad)
    assert checkpoint.steps(tmp_path) == []


def test_a_failed_write_leaves_nothing_behind_and_is_told(tmp_path, state, monkeypatch):
    write(tmp_path, 1, state)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_digests", full)
    with pytest.raises(UserError, match=r"could not be written.*No space left"):
        write(tmp_path, 2, state)
    left = [path.name for path in (tmp_path / "checkpoints").iterdir()]
    assert left == ["00000001"]


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, state, monkeypatch):
    write(tmp_path, 1, state)
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(UserError, match=r"no space left.* MB are free; step 1 is"):
        write(tmp_path, 2, state)
    assert checkpoint.steps(tmp_path) == [1]


def test_another_models_checkpoint_is_refused_with_the_shape(tmp_path, state):
    write(tmp_path, 1, state)
    wider = jax.tree.map(lambda x: jnp.zeros((*x.shape, 2)), state)
    with pytest.raises(UserError, match="the config wants"):
        checkpoint.restore(checkpoint.find(tmp_path), wider)


def test_grafting_takes_what_fits_and_names_the_rest(tmp_path, state):
    found = write(tmp_path, 1, state)
    fresh = jax.tree.map(jnp.zeros_like, state)
    params = {**fresh.nets["model"].params, "up_1": {"kernel": jnp.zeros((4, 4))}}
    fresh = fresh._replace(nets={"model": fresh.nets["model"]._replace(params=params)})
    arrays = checkpoint.read_arrays(found.path)
    grafted, taken, kept = graft(arrays, fresh)
    assert taken
    assert len(kept) == 1
    assert "up_1" in kept[0]
    new = grafted.nets["model"]
    np.testing.assert_array_equal(
        new.params["up_0"]["kernel"], state.nets["model"].params["up_0"]["kernel"]
    )
    assert int(grafted.step) == 0
    assert all((np.asarray(x) == 0).all() for x in jax.tree.leaves(new.opt))


def test_the_manifest_covers_every_file(tmp_path, state):
    path = write(tmp_path, 1, state).path
    manifest = json.loads((path / "manifest.json").read_text())
    files = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}
    assert set(manifest) == files - {"manifest.json"}


ODD = ("lr=[2e-4,1e-4]", "a*b?", "back\\slash", "{x,y} 'q' \"d\" $HOME ü")


@pytest.mark.parametrize("name", ODD)
def test_a_path_of_odd_letters_holds_checkpoints(tmp_path, state, name):
    """h43lb1t0/SD-WebUI-BatchCheckpointPrompt#38: Orbax takes [ ] for a pattern."""
    workdir = tmp_path / name
    checkpoint.prove(workdir, state)
    assert not list((workdir / checkpoint.FOLDER).iterdir())
    write(workdir, 7, state)
    again = checkpoint.restore(checkpoint.find(workdir), jax.eval_shape(lambda: state))
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda found: found.pop(".step"), r"\.step is not there"),
        (lambda found: found.update({".step": np.int64(7)}), "another shape or type"),
        (lambda found: found.update({".step": np.int32(8)}), "other values"),
    ],
)
def test_a_place_that_does_not_give_back_what_it_got_is_refused(
    tmp_path, state, spoil, words, monkeypatch
):
    load = checkpoint.read_arrays

    def spoilt(path):
        spoil(found := load(path))
        return found

    monkeypatch.setattr(checkpoint, "read_arrays", spoilt)
    with pytest.raises(UserError, match=f"can hold no checkpoints.*{words}"):
        checkpoint.prove(tmp_path, state)


def test_arrays_that_were_never_merged_are_no_checkpoint(tmp_path, state):
    written = write(tmp_path, 7, state)
    manifest = json.loads((written.path / "manifest.json").read_text())
    del manifest["state/manifest.ocdbt"]
    (written.path / "manifest.json").write_text(json.dumps(manifest))
    (written.path / "state" / "manifest.ocdbt").unlink()
    assert "arrays cannot be read" in checkpoint.check(written.path)


def test_a_checkpoint_under_another_number_is_not_that_step(tmp_path, state):
    shutil.copytree(write(tmp_path, 7, state).path, checkpoint.folder(tmp_path, 9))
    warned = []
    assert checkpoint.find(tmp_path, warn=warned.append).step == 7
    assert "it is of step 7" in warned[0]


@pytest.mark.parametrize("content", ["", "[]", '{"step": 7, "eval": []}', "\xff"])
def test_a_meta_of_another_shape_counts_as_none(tmp_path, state, content):
    written = write(tmp_path, 7, state, loss=1.0)
    (written.path / "meta.json").write_text(content, "latin-1")
    assert checkpoint.best(tmp_path, "loss", "min") is None
