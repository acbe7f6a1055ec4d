"""Files are whole or not there; JSON of the wrong shape is one sentence."""

import re
from pathlib import Path

import pytest

from deconvgen.core import files
from deconvgen.core.errors import UserError

FIELDS = {"step": int, "kind": str, "seconds": float}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"step": 1', "is not readable as JSON"),
        (b'{"a": "\xff"}', "is no text in UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "is no text in UTF-8"),
        (b"[]", "should hold an object, not a list"),
        (b"null", "should hold an object, not null"),
        (b'"text"', "should hold an object, not a text"),
        (b"[" * 100_000, "is not readable as JSON"),
        (b'{"step": 1, "kind": "x"}', "it lacks 'seconds'"),
        (b'{"step": true, "kind": "x"}', "'step' should be a whole number, not true"),
        (b'{"step": 1.5, "kind": "x"}', "'step' should be a whole number, not a num"),
        (b'{"step": 1, "kind": null}', "'kind' should be a text, not null"),
    ],
)
def test_json_of_the_wrong_shape_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(files.Damaged, match=r"x\.json") as error:
        files.read_json(path, FIELDS)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_json_comes_back_as_it_was_written(tmp_path):
    told = {"step": 1, "kind": "ü", "seconds": 2}
    path = files.write_json(tmp_path / "new" / "x.json", told)
    assert files.read_json(path, FIELDS) == told
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = files.write(tmp_path / "x.json", "old")
    with pytest.raises(TypeError, match="not JSON serializable"):
        files.write_json(path, {"a": path})
    with pytest.raises(KeyboardInterrupt), files.beside(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_two_writers_of_a_file_have_names_of_their_own(tmp_path):
    path = tmp_path / "x.png"
    with files.beside(path) as one, files.beside(path) as other:
        assert one != other
        assert one.suffix == other.suffix == ".tmp"


def test_a_folder_is_for_one_at_a_time(tmp_path):
    folder = tmp_path / "new"
    take = lambda where: files.locked(where, "somebody has it").__enter__()
    with (
        files.locked(folder, "somebody has it"),
        pytest.raises(UserError, match="somebody has it"),
    ):
        take(folder)
    with files.locked(folder, "somebody has it"):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/x cannot be used: Not a directory"):
        take(tmp_path / "file" / "x")


def test_a_place_that_takes_no_files_is_told_before_the_work(tmp_path):
    files.writable(tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file cannot be written to .*another --out"):
        files.writable(tmp_path / "file")


def test_a_table_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "rows.csv"
    files.write_csv(path, [["layer", "psnr"], ["ü, é", 19.25]])
    assert path.read_bytes() == 'layer,psnr\n"ü, é",19.25\n'.encode()

    def cut_off():
        yield ["layer"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_csv(path, cut_off())
    assert path.read_bytes().endswith(b"19.25\n") and len([*tmp_path.iterdir()]) == 1


def test_nothing_is_written_in_place_or_in_the_place_s_encoding():
    """But to /proc, and locks that nobody reads."""
    package = Path(files.__file__).parent.parent
    direct = re.compile(r"""\.write_text\(|\bopen\(\s*['"]w['"]|, ['"]w['"]\)""")
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if direct.search(path.read_text("utf-8"))
    }
    assert found == {"training/cost.py", "sweep/worker.py"}
