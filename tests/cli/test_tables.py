"""What is written down stays JSON, though figures are not finite."""

import json

import pytest

from deconvgen.cli import tables
from deconvgen.training import log


def strictly(text):
    """The JSON of a text, as other programs read it: without NaN and Infinity."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_evaluation_json_has_null_for_what_is_not_finite(tmp_path, capsys):
    found = {"frechet_random": float("nan"), "psnr": float("inf"), "ssim": 0.5}
    results = {"best": found | {"checkpoint": 3}}
    tables.print_evaluation(
        results, tmp_path / "evaluation", "a run", lambda folder: []
    )
    (record,) = strictly((tmp_path / "evaluation.json").read_text()).values()
    want = {"frechet_random": None, "psnr": None, "ssim": 0.5, "checkpoint": 3}
    assert record == want
    assert "nan" in capsys.readouterr().out


@pytest.mark.parametrize("value, text", [("nan", "nan"), ("-inf", "-inf")])
def test_the_log_of_a_run_is_json_line_by_line(tmp_path, value, text):
    written = log.Log(tmp_path, b"", 0)
    written.record(1, "eval", {"psnr": float(value)}, share=float(value))
    written.close()
    (line,) = (tmp_path / log.METRICS).read_text().splitlines()
    want = {"step": 1, "kind": "eval", "share": text, "psnr": text}
    assert strictly(line) == want
    assert log.read(tmp_path / log.METRICS) == [want]
