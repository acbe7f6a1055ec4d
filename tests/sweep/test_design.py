"""What an experiment names before it runs: read, refused, kept."""

import pytest

from deconvgen.core.errors import UserError
from deconvgen.sweep import matching
from deconvgen.sweep import plan as experiment

FILE = """
from deconvgen.sweep import choose, product, seeds
QUESTION = "Which?"
BASE = "dcgan:smoke"
RUNS = seeds(product(choose("config", ["dcgan:smoke", "vae"]),
                     choose("model.upsampler", ["conv_transpose", "carafe"])), 6)
MEASURES = {"elbo_nats": "max", "frechet_*": "min"}
PRIMARY = {"dcgan": "frechet_*", "vae": "elbo_nats"}
TEST = "tukey"
DESIGN = {"full": {"seeds": 6, "tells": {"frechet_*": 0.3}}}
"""


@pytest.fixture
def written(tmp_path):
    def write(*changes):
        text = FILE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mine.py"
        path.write_text(text)
        return str(path)

    return write


def test_a_design_is_read_told_and_kept_in_the_folder(written, tmp_path):
    plan = experiment.load(written())
    design = plan.design
    assert design.measure("dcgan:smoke") == "frechet_*"
    assert design.measure("vae:x") == "elbo_nats" and design.measure("other") == ""
    said = "test: Tukey's, of all settings; 6 seeds, to tell 0.3 (frechet_*) with power"
    assert said in design.words()
    assert experiment.read(experiment.save(plan, tmp_path) and tmp_path) == plan
    keyed = experiment.load(written(('"tukey"', '"tukey(model.upsampler)"')))
    assert keyed.design.key == "model.upsampler" and design.key == ""


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('TEST = "tukey"\n', "", "names PRIMARY but no TEST"),
        ('"vae": "elbo', '"vae": "elbow', "measure of PRIMARY 'elbow_nats'; did you"),
        (', "vae": "elbo_nats"}\nT', "}\nT", "no measure for the config vae"),
        ('"tukey"', '"t-test"', 'TEST should be "tukey" or'),
        ('"tukey"', '"tukey(model.up)"', "key of TEST 'model.up'"),
        ('{"full": {', '{"smoke": {', "size of DESIGN 'full'"),
        ('"seeds": 6', '"seeds": 12', "says seeds 12, but the setting .* has 6"),
        ('"seeds": 6', '"seed": 6', "part of DESIGN 'seed'; did you mean 'seeds'"),
        ('{"frechet_*": 0.3}', '"much"', "tells cannot be 'much'"),
        ('{"frechet_*": 0.3}', "-1", "tells above 0"),
    ],
)
def test_what_does_not_fit_is_refused(written, old, new, message):
    with pytest.raises(UserError, match=message):
        experiment.load(written((old, new)))


def test_a_file_without_a_design_loads(written):
    text = FILE[FILE.index("PRIMARY") :]
    assert experiment.load(written((text, ""))).design is None


def test_what_is_to_answer_cannot_be_chosen_once_runs_have_begun(written, tmp_path):
    plan = experiment.load(written())
    folder = tmp_path / "s"
    experiment.save(plan, folder)
    other = experiment.load(written(('"frechet_*": 0.3', '"frechet_*": 0.4')))
    assert experiment.save(other, folder).design == other.design  # none has begun
    experiment.place(folder, plan.trials[0]).mkdir(parents=True)
    with pytest.raises(UserError, match=r"begun by another design \(tells\)"):
        experiment.save(plan, folder)
    old = experiment.save(plan._replace(design=None), tmp_path / "old")
    experiment.place(tmp_path / "old", plan.trials[0]).mkdir(parents=True)
    assert old.design is None and experiment.save(plan, tmp_path / "old").design is None


def test_the_area_under_a_curve_is_a_measure():
    assert matching("area(frechet_*)", ["miou", "fid"]) == "area(fid)"
    assert matching("area(miou)", ["psnr"]) is None
