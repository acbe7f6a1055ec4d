"""Samples on disk: they go on where they were, and nothing else is taken for one."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from deconvgen.core import files, images
from deconvgen.core.errors import UserError
from deconvgen.runs import run
from deconvgen.runs.sampling import store


@pytest.fixture(scope="module")
def shipped():
    return run.load("pretrained:dcgan-fashion")


def test_a_folder_of_samples_goes_on_where_it_was(shipped, tmp_path):
    store.write_folder(shipped, 9, 0, tmp_path)
    whole = {p.name: p.read_bytes() for p in tmp_path.glob("*.png")}
    assert sorted(whole) == [f"{i:06d}.png" for i in range(9)]
    with Image.open(tmp_path / "000007.png") as picture:
        expected = images.to_uint8(shipped.sample(9, 0))[7, ..., 0]
        np.testing.assert_allclose(np.asarray(picture).astype(int), expected, atol=1)
    for i in range(5, 9):
        (tmp_path / f"{i:06d}.png").unlink()
    os.utime(tmp_path / "000002.png", (0, 0))
    (tmp_path / ".000003.killed.tmp").write_bytes(b"half")
    store.write_folder(shipped, 12, 0, tmp_path)
    again = {p.name: p.read_bytes() for p in tmp_path.glob("*.png")}
    assert len(again) == 12
    assert (tmp_path / "000002.png").stat().st_mtime == 0  # kept, not drawn again
    assert again["000008.png"] == whole["000008.png"]
    assert not list(tmp_path.glob(".*.tmp"))
    with pytest.raises(UserError, match="another run, step, seed or num"):
        store.write_folder(shipped, 12, 1, tmp_path)
    with pytest.raises(UserError, match="holds 12 samples, more than --num=9"):
        store.write_folder(shipped, 9, 0, tmp_path)


def picture(path, text=None):
    about = PngImagePlugin.PngInfo()
    if text:
        about.add_text("deconvgen", text)
    Image.new("L", (28, 28)).save(path, pnginfo=about)


FOREIGN = {
    "a picture of the number of a sample": lambda f: picture(f / "000002.png"),
    "a picture of another name": lambda f: picture(f / "cat.jpg"),
    "a sample of another number": lambda f: shutil.copy(f / "000001.png", f / "2.png"),
    "text that is no JSON": lambda f: picture(f / "000002.png", "{"),
    "a file that is no picture": lambda f: (f / "000002.png").write_bytes(b"mine"),
    "a sample that was cut off": lambda f: (f / "000001.png").write_bytes(
        (f / "000001.png").read_bytes()[:-20]
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_does_not_say_that_it_is_a_sample_is_not_taken_for_one(
    shipped, tmp_path, kind
):
    """A FID of a user's own photographs is wrong: they were there, and were kept."""
    store.write_folder(shipped, 2, 0, tmp_path)
    FOREIGN[kind](tmp_path)
    with pytest.raises(UserError, match="none of the samples that the folder is of"):
        store.write_folder(shipped, 4, 0, tmp_path)


def test_a_folder_of_something_else_is_refused(shipped, tmp_path):
    picture(tmp_path / "000000.png")
    with pytest.raises(UserError, match=r"not empty and holds no samples.*000000\.png"):
        store.write_folder(shipped, 4, 0, tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.name[0] != "."] == ["000000.png"]


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_claim_that_is_not_whole_is_one_sentence(shipped, tmp_path, content):
    """Between open and write, a process was killed (SDSC-ORNL/tempesta-test#349)."""
    (tmp_path / "samples.json").write_text(content)
    with pytest.raises(UserError, match=r"samples\.json"):
        store.write_folder(shipped, 4, 0, tmp_path)


def test_two_processes_never_write_to_one_place(shipped, tmp_path, monkeypatch):
    """Lightning-AI/pytorch-lightning#530: of two at once, one is refused."""
    told = []

    def meanwhile(num, seed, first):
        for place, write in (("o", store.write_folder), ("s.npz", write_npz)):
            with pytest.raises(UserError, match="another process is writing to"):
                write(shipped, num, seed, tmp_path / place)
            told.append(place)
        yield from real(num, seed, first=first)

    write_npz, real = store.write_npz, shipped.batches
    with files.locked(tmp_path / "o", ""), monkeypatch.context() as patch:
        patch.setattr(shipped, "batches", meanwhile)
        write_npz(shipped, 4, 0, tmp_path / "s.npz")
    assert told == ["o", "s.npz"]
    assert np.load(tmp_path / "s.npz")["images"].shape == (4, 28, 28, 1)


def test_a_file_is_whole_before_it_is_vouched_for(shipped, tmp_path):
    path = store.write_npz(shipped, 8, 0, tmp_path / "s.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"s\.npz is damaged"):
        store.write_npz(shipped, 8, 0, path)


@pytest.mark.parametrize("spoil", [b"", b"\x93NUMPY", b"mine"])
def test_a_part_that_is_not_whole_is_drawn_again(shipped, tmp_path, monkeypatch, spoil):
    monkeypatch.setattr(store, "PART", 4)
    path = tmp_path / "s.npz"
    parts = path.with_name("s.npz.parts")
    about = store.provenance(shipped, 0) | {"num": 8}
    files.write_json(parts / "samples.json", about)
    (parts / "00000000.npy").write_bytes(spoil)
    (parts / "zzz.npy").write_bytes(b"mine")
    store.write_npz(shipped, 8, 0, path)
    expected = images.to_uint8(shipped.sample(8, 0)).astype(int)
    np.testing.assert_allclose(np.load(path)["images"].astype(int), expected, atol=1)


@pytest.mark.parametrize(
    ("write", "most"), [("write_folder", "1,000,000"), ("write_npz", "100,000,000")]
)
def test_more_than_the_names_have_digits_for_is_refused(shipped, write, most, tmp_path):
    for num in (0, -1, 10**12):
        with pytest.raises(UserError, match=f"should be 1 to {most}"):
            getattr(store, write)(shipped, num, 0, tmp_path / "x")


def test_an_npz_goes_on_where_it_was(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "PART", 4)
    path, drawn = tmp_path / "a.npz", []
    real = shipped.batches

    def cut_off(num, seed, first):
        for batch in real(num, seed, batch_size=3, first=first):
            if len(drawn) == 2:
                raise KeyboardInterrupt
            drawn.append(first)
            yield batch

    monkeypatch.setattr(shipped, "batches", cut_off)
    with pytest.raises(KeyboardInterrupt):
        store.write_npz(shipped, 10, 0, path)
    assert not path.exists()
    starts = []

    def noted(num, seed, first):
        starts.append(first)
        return real(num, seed, batch_size=3, first=first)

    monkeypatch.setattr(shipped, "batches", noted)
    store.write_npz(shipped, 10, 0, path)
    assert starts == [4]  # the first part was there
    made = np.load(path)["images"].astype(int)
    monkeypatch.setattr(shipped, "batches", real)
    expected = images.to_uint8(shipped.sample(10, 0)).astype(int)
    np.testing.assert_allclose(made, expected, atol=1)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    monkeypatch.setattr(shipped, "batches", None)  # finished: nothing is drawn
    store.write_npz(shipped, 10, 0, path)
    for num, seed in ((10, 1), (4, 0)):
        with pytest.raises(UserError, match=r"seed or num .*seed 0, num 10"):
            store.write_npz(shipped, num, seed, path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]  # not even .parts
