"""Messages of tasks call the data what the user called them."""

import pytest

from deconvgen import config, tasks
from deconvgen.core.errors import UserError
from deconvgen.runs import setup as runs


@pytest.mark.parametrize(
    "name, given",
    [("dcgan", ["model.conditional=true"]), ("segmentation", [])],
)
def test_a_folder_is_called_by_its_name(name, given):
    """stylegan2-ada-pytorch#126: the default's name was in the message."""
    own = config.load(f"{name}:smoke", ["data.folder=mine/pets", *given])
    with pytest.raises(UserError, match="mine/pets") as error:
        tasks.make(runs.describe(own, (16, 16, 1)), None)
    assert own.data.name not in str(error.value)
