"""Experiment files: what they declare, what is refused, and the plan they make."""

import shlex

import pytest

from deconvgen import config, sweep
from deconvgen.core.errors import UserError
from deconvgen.sweep import check as checks
from deconvgen.sweep import choose, product
from deconvgen.sweep import plan as experiment
from deconvgen.sweep.design import ENOUGH

FILE = """
from deconvgen.sweep import choose, seeds
QUESTION = "Which?"
BASE = "dcgan:smoke"
RUNS = seeds(choose("model.upsampler", {layers}), 2)
MEASURES = {{"g_loss": "min"}}
SIZES = {{"smoke": [{{"steps": 9}}, {{"config": "vae", "steps": 3}}], "full": []}}
"""


@pytest.fixture
def written(tmp_path):
    def write(layers=("conv_transpose", "nearest_conv"), text=FILE):
        path = tmp_path / "mine.py"
        path.write_text(text.format(layers=list(layers)))
        return str(path)

    return write


def test_a_plan_has_the_size_and_the_command_line_in_its_overrides(written):
    plan = experiment.load(written(), "smoke", ["ema=0.5", "steps=4"])
    first = plan.trials[0]
    assert (len(plan.trials), first.config) == (4, "dcgan:smoke")
    assert first.name == "upsampler=conv_transpose,seed=0"
    assert sorted(first.overrides) == sorted(
        ["steps=4", "model.upsampler=conv_transpose", "seed=0", "ema=0.5"]
    )
    assert plan.trials[0].group == plan.trials[1].group != plan.trials[2].group


def test_the_command_of_a_run_says_everything(written):
    trial = experiment.load(written(), "smoke").trials[1]
    assert trial.command("x") == (
        "deconvgen train --config=dcgan:smoke --config.steps=9 "
        "--config.model.upsampler=conv_transpose --config.seed=1 --workdir=x"
    )


def test_the_command_of_a_run_can_be_given_to_a_shell(written):
    """A folder with a space and brackets, a value that a shell would expand."""
    trial = experiment.load(written(), "smoke", ["data.folder=a b/$HOME"]).trials[1]
    words = shlex.split(trial.command("lr=[1, 2]"))
    assert words[-1] == "--workdir=lr=[1, 2]"
    assert "--config.data.folder=a b/$HOME" in words


@pytest.mark.parametrize(
    "change, message",
    [
        (("QUESTION =", "QUESTION = None #"), "lacks QUESTION"),
        (('"min"', '"mini"'), "did you mean 'min'"),
        (("2)", "0)"), "has no runs"),
        (("RUNS =", "RUNS = missing #"), r"NameError: name 'missing'.*\(line 5\)"),
        (("QUESTION =", "import nothere #"), "No module named 'nothere'"),
        (("RUNS =", "RUNS = [1, 2] #"), "each a dict of config keys; one is 1"),
        (("RUNS =", "RUNS = 'runs' #"), "RUNS should be a list of settings, or"),
        (("RUNS =", "RUNS = {{'full': []}} #"), "unknown size of RUNS 'smoke'"),
        (('"smoke": [', '"smoke": 3, "x": ['), r"SIZES\['smoke'\] should be a list"),
        (("SIZES =", "SIZES = 3 #"), "SIZES should be a dict"),
        (("MEASURES =", "MEASURES = {{}} #"), "MEASURES names no figure"),
    ],
)
def test_a_file_that_is_no_experiment_is_told_why(written, change, message):
    with pytest.raises(UserError, match=message):
        experiment.load(written(text=FILE.replace(*change)), "smoke")


def test_one_setting_and_seed_under_two_names_is_refused(written):
    twice = FILE.replace("2)", "2) + [{{'model.upsampler': 'conv_transpose'}}]")
    with pytest.raises(
        UserError, match="seed=0, as upsampler=conv_transpose, is there"
    ):
        experiment.load(written(text=twice), "smoke")
    with pytest.raises(UserError, match="is there twice"):
        experiment.load(written(), "smoke", ["seed=3"])


def test_runs_may_be_a_tuple(written):
    text = FILE.replace("RUNS =", "RUNS = ({{'seed': 0}}, {{'seed': 1}}) #")
    assert len(experiment.load(written(text=text), "smoke").trials) == 2


def test_an_unknown_size_or_experiment_has_a_near_match(written):
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        experiment.load(written(), "smok")
    with pytest.raises(UserError, match="did you mean 'upsampling'"):
        experiment.load("upsamplin")


@pytest.mark.parametrize(
    "layers, common, message",
    [
        (["nearest_cnv"], [], "upsampler=nearest_cnv.*did you mean 'nearest_conv'"),
        (["carafe"], ["stepz=1"], "has no key 'stepz'; did you mean 'steps'"),
        (["carafe"], ["steps=0"], "'steps' should be 1 to 99999999, not 0"),
        (["conv_transpose"], ["model.initializer=icnr"], "makes no sense"),
        (["max_unpool"], [], "max-pool indices"),
        (["conv_transpose"], ["model.factors=3,2"], "does not divide"),
        (["carafe"], ["model.factors=0,2"], "'model.factors' should be 1 or more"),
        (["carafe"], ["model.features=16,0"], "'model.features' should be 1 or more"),
        (["carafe"], ["model.latent=0"], "'model.latent' should be 1 or more"),
        (["carafe"], ["eval.batch_size=0"], "'eval.batch_size' should be 1 or more"),
        (["carafe"], ["critic_steps=-1"], "'critic_steps' should be 1 or more"),
        (
            ["carafe"],
            ["optimizer.b1=1"],
            "'optimizer.b1' should be 0 or more, below 1",
        ),
        (["carafe"], ["init_from=/nowhere"], "init_from=/nowhere: it holds no"),
        (["conv_transpose"], ["monitor.metric=g_los"], "did you mean 'g_loss'"),
    ],
)
def test_a_run_that_cannot_be_is_named_before_anything_runs(
    written, layers, common, message
):
    plan = experiment.load(written(layers), "smoke", common)
    with pytest.raises(UserError, match=message) as caught:
        checks.check(plan.trials)
    assert str(caught.value).startswith("run upsampler=")


def test_what_building_a_model_raises_names_the_run(written, monkeypatch):
    plan = experiment.load(written(), "smoke")

    def rehearse(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(checks.rehearsal, "rehearse", rehearse)
    with pytest.raises(UserError, match="cannot be built: ZeroDivisionError"):
        checks.check(plan.trials)


def test_seeds_share_their_check_and_initializers_that_of_their_steps(
    written, monkeypatch
):
    starts = 'choose("model.initializer", ["default", "dcgan"])'
    text = FILE.replace('choose("model.upsampler", {layers})', starts)
    plan = experiment.load(written(text=text), "smoke")
    traced, told = [], []
    rehearse = checks.rehearsal.rehearse

    def counted(*arguments):
        traced.append(arguments)
        return rehearse(*arguments)

    monkeypatch.setattr(checks.rehearsal, "rehearse", counted)
    figures = checks.check(plan.trials, lambda *heard: told.append(heard))
    assert [(n, count) for n, count, _ in told] == [(1, 2), (2, 2)]
    assert len(traced) == 1 and "g_loss" in figures
    assert any(name.startswith("frechet_") for name in figures)
    assert checks.unmeasured(["g_los", "frechet_*"], figures) == ["g_los"]


def test_what_this_code_has_checked_in_a_folder_is_not_checked_again(
    written, monkeypatch, tmp_path
):
    trials = experiment.load(written(), "smoke").trials
    monkeypatch.setattr(checks.code, "digest", lambda: "one")
    assert checks.unchecked(tmp_path, trials) == trials
    checks.note(tmp_path, trials[:1])
    rest = checks.unchecked(tmp_path, trials)
    assert {t.group for t in rest} == {t.group for t in trials} - {trials[0].group}
    checks.note(tmp_path, rest)
    assert not checks.unchecked(tmp_path, trials)
    other = experiment.load(written(), "smoke", ["steps=3"]).trials
    assert checks.unchecked(tmp_path, other) == other
    monkeypatch.setattr(checks.code, "digest", lambda: "another")
    assert checks.unchecked(tmp_path, trials) == trials


def test_the_order_of_the_keys_does_not_make_another_run(written, tmp_path):
    one = product(choose("b.x", [1]), choose("a", [2]), choose("seed", [0]))
    two = product(choose("seed", [0]), choose("a", [2]), choose("b.x", [1]))
    assert sweep.name(one[0]) == sweep.name(two[0]) == "a=2,x=1,seed=0"
    swap = lambda order: FILE.replace("seeds(choose(", f"{order}(choose(").replace(
        "), 2)", "), choose('ema', [0.5]))"
    )
    head = "\nfrom deconvgen.sweep import product\n"
    first = written(text=head + swap("product"))
    plan = experiment.save(experiment.load(first, "smoke"), tmp_path / "s")
    experiment.place(tmp_path / "s", plan.trials[0]).mkdir(parents=True)
    backwards = "\ndef backwards(a, b):\n    return product(b, a)\n"
    second = written(text=head + backwards + swap("backwards"))
    again = experiment.save(experiment.load(second, "smoke"), tmp_path / "s")
    assert sorted(t.name for t in again.trials) == sorted(t.name for t in plan.trials)


def test_runs_of_an_earlier_version_keep_their_names(written, tmp_path):
    plan = experiment.load(written(), "smoke")
    old = [t._replace(name=f"old{i}") for i, t in enumerate(plan.trials)]
    experiment.save(plan._replace(trials=old), tmp_path)
    assert [t.name for t in experiment.renamed(plan, tmp_path).trials] == [
        t.name for t in old
    ]


def test_a_folder_takes_more_runs_of_the_same_sweep_and_no_other(written, tmp_path):
    folder = tmp_path / "sweep"
    plan = experiment.save(experiment.load(written(), "smoke"), folder)
    assert experiment.read(folder) == plan
    experiment.place(folder, plan.trials[0]).mkdir(parents=True)
    other = experiment.load(written(["carafe"]), "smoke")
    both = experiment.save(other, folder)  # what has begun stays, the rest goes
    assert [t.name for t in both.trials] == [
        *(t.name for t in other.trials),
        plan.trials[0].name,
    ]
    with pytest.raises(UserError, match="with size 'smoke', not 'full'"):
        experiment.save(experiment.load(written(), "full"), folder)
    with pytest.raises(UserError, match="with common"):
        experiment.save(experiment.load(written(), "smoke", ["ema=0.1"]), folder)
    changed = written(text=FILE.replace('"steps": 9', '"steps": 8'))
    with pytest.raises(UserError, match=r"declared otherwise now.*steps=8, steps=9"):
        experiment.save(experiment.load(changed, "smoke"), folder)


@pytest.mark.parametrize("name", config.names("experiments"))
def test_shipped_experiments_load_at_all_sizes(name):
    """The smoke size is to try; the others have the seeds that a verdict takes."""
    sizes = config.module(config.find(name, "experiments")).SIZES
    assert {"smoke", "full"} <= set(sizes)
    for size in sizes:
        plan = experiment.load(name, size)
        assert plan.question.endswith("?")
        assert plan.design.seeds >= (2 if size == "smoke" else ENOUGH)
        groups = list({trial.group: trial for trial in plan.trials}.values())
        for trial in groups[:: 1 if len(groups) < 9 else 6]:
            config.load(trial.config, trial.overrides)


@pytest.mark.slow
@pytest.mark.parametrize("name", config.names("experiments"))
def test_shipped_experiments_can_be_built(name):
    checks.check(experiment.load(name, "smoke").trials)
