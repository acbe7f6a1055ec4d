"""What the tasks with a decoder refuse, in a sentence."""

import jax
import pytest

from deconvgen import tasks
from deconvgen.core.errors import UserError
from deconvgen.runs import setup as runs
from tests.decoders import batch, settings


@pytest.mark.parametrize(
    "name, overrides, told",
    [
        ("autoencoder", ("model.factors=2,3",), "choose factors"),
        ("autoencoder", ("loss.name=azimutal",), "did you mean 'azimuthal'"),
        ("autoencoder", ("corruption.name=gausian",), "did you mean 'gaussian'"),
        ("autoencoder", ("model.upsampler=max_unpool",), "model.pool=True"),
        ("vae", ("model.pool=true",), "prior"),
        ("vae", ("loss.likelihood=logistics",), "did you mean 'logistic'"),
        ("vae", ("loss.likelihood=bernoulli",), "no mixtures"),
        ("superres", ("model.trunk=fsrcn",), "did you mean 'fsrcnn'"),
        ("segmentation", ("model.name=une",), "did you mean 'unet'"),
        ("segmentation", ("model.name=fcn", "model.join=ad"), "did you mean 'add'"),
        ("autoencoder", ("model.features=4",), "should list one number"),
        ("segmentation", ("model.features=2,2,2,2,2",), "multiple of 16"),
        ("segmentation", ("loss.class_weights=(1.0,2.0)",), "2 weights for 4 classes"),
        ("segmentation", ("model.upsampler=max_unpool",), "segnet"),
    ],
)
def test_mistakes_are_told(name, overrides, told):
    made = settings(name, *overrides)
    with pytest.raises(UserError, match=told):
        task = tasks.make(made, None)
        jax.eval_shape(task.init, jax.random.key(0), batch(made))


@pytest.mark.parametrize(
    "name, overrides, told",
    [
        ("autoencoder", ("corruption.name=gaussian",), "leaves the images as they are"),
        ("autoencoder", ("corruption.amount=0.5",), "leaves the images as they are"),
        ("vae", ("loss.beta=-1.0",), "0 or more"),
        ("vae", ("loss.free_bits=-0.5",), "0 or more"),
        ("superres", ("model.head_rate=-0.1",), "0 or more"),
    ],
)
def test_values_that_would_do_nothing_or_harm_are_not_trained_with(
    name, overrides, told
):
    made = settings(name, *overrides)
    tasks.make(made, None)  # what an older run has learned can still be looked at
    with pytest.raises(UserError, match=told):
        runs.check(made)


def test_data_without_masks_are_told():
    made = settings("segmentation")
    made.data.num_classes = 0
    with pytest.raises(UserError, match="no classes of pixels"):
        tasks.make(made, None)
