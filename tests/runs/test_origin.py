"""Where numbers come from: a revision is named for what is in the files."""

import os
import subprocess

import pytest

from deconvgen.runs import origin


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository of one commit, taken for that of the package."""
    monkeypatch.setattr(origin, "HERE", tmp_path / "deconvgen")
    (tmp_path / "configs").mkdir()
    (tmp_path / "deconvgen").mkdir()
    (tmp_path / "configs" / "a.py").write_text("STEPS = 1\n")
    (tmp_path / "deconvgen" / "b.py").write_text("SUM = 1\n")
    (tmp_path / "README.md").write_text("not of it\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    origin.revision.cache_clear()
    yield tmp_path
    origin.revision.cache_clear()


def test_the_revision_of_files_as_they_are_committed(checkout):
    (checkout / "README.md").write_text("otherwise\n")
    assert len(origin.revision()) == 12


def test_other_content_is_told_whatever_the_dates_say(checkout):
    path = checkout / "deconvgen" / "b.py"
    subprocess.run(
        ["git", "-C", str(checkout), "update-index", "--assume-unchanged", str(path)],
        check=True,
    )
    stat = path.stat()
    path.write_text("SUM = 2\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert origin.revision().endswith("+")


@pytest.mark.parametrize("change", ["more", "less"])
def test_a_file_more_or_less_is_told(checkout, change):
    if change == "more":
        (checkout / "deconvgen" / "c.py").write_text("")
    else:
        (checkout / "configs" / "a.py").unlink()
    assert origin.revision().endswith("+")
