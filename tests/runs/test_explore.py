"""The page: what its pictures are made of; and the page in a headless browser."""

import base64
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deconvgen import config
from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.runs import column, directions, explore, live, projection, run
from deconvgen.runs.column import Place

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
NAME = "pretrained:dcgan-fashion"


@pytest.fixture(scope="module")
def shipped():
    return run.load(NAME)


def test_the_latent_goes_from_seed_to_seed_and_moves(shipped):
    start = column.latent(shipped, Place(3, 5))
    np.testing.assert_allclose(start, shipped.latents(1, 3), atol=1e-5)
    end = column.latent(shipped, Place(3, 5, share=1.0))
    np.testing.assert_allclose(end, shipped.latents(1, 5), atol=1e-5)
    moved = column.latent(shipped, Place(3, 5, scale=0.5, numbers=[0.0, 2.0]))
    expected = 0.5 * start
    expected[0, 1] += 2
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_the_view_shows_the_image_of_the_latent(shipped):
    z = shipped.latents(1, 7)
    found = column.view(shipped, z)
    expected = images.to_uint8(shipped.decode(z))[0]
    np.testing.assert_allclose(found.image.astype(int), expected, atol=1)
    assert found.spectrum.shape == (28, 28, 3)
    assert found.features.shape[-1] == 3


def test_a_checkerboard_is_bright_in_the_corners_of_its_spectrum():
    y, x = np.mgrid[:28, :28]
    board = np.where((y + x) % 2, 1.0, -1.0).astype(np.float32)[None, ..., None]
    picture = column.spectrum_picture(board).astype(int).sum(-1)
    assert picture[0, 0] > 2 * picture[14, 14]  # the middle is frequency 0


def test_a_picture_is_looked_for_as_one_of_the_class_that_is_chosen(monkeypatch):
    seen, project = [], projection.project

    def quick(run, originals, labels, search):
        seen.append(labels)
        return project(run, originals, labels, projection.Search(1, 1))

    monkeypatch.setattr(projection, "project", quick)
    picture = np.zeros((28, 28, 1), np.uint8)
    for name in (NAME, f"{NAME}-classes"):
        assert column.Column(name).project(picture, 3).shape[0] == 1
    assert seen == [None, [3]]


def test_directions_change_what_varies_most(shipped):
    """Along the first one the images' own first component grows, in the mean."""
    found = directions.principal(shipped, 3)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-5)
    assert (np.diff(found.shares) <= 0).all() and 0 < found.shares.sum() < 1
    z = shipped.latents(64, 1)
    flat = lambda way: shipped.decode(z + 2 * way).reshape(64, -1)
    still = shipped.decode(z).reshape(64, -1)
    moved = [np.linalg.norm((flat(way) - still).mean(0)) for way in found.vectors]
    other = np.random.default_rng(0).standard_normal(z.shape[1]).astype(np.float32)
    by_chance = np.linalg.norm((flat(other / np.linalg.norm(other)) - still).mean(0))
    assert moved[0] > 2 * by_chance
    strip = directions.strip(shipped, z[:1], found)
    assert strip.shape == (3 * 29 - 1, 5 * 29 - 1, 1)


@pytest.fixture
def begun(shipped, tmp_path):
    """The folder of a run that has no checkpoint yet."""
    config.save(shipped.config, tmp_path / "config.json")
    return tmp_path


def recorded(folder, step):
    """One more record, as training writes it."""
    record = {"step": step, "kind": "train", "g_loss": 1 / step, "d_loss": 0.5}
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")


def test_a_figure_that_is_not_finite_yet_has_no_curve():
    """Matplotlib takes the style of an empty curve for its values."""
    records = [{"kind": "eval", "step": 1, "psnr": "nan"}]
    drawn = live.curves(records, "psnr")
    assert "no finite PSNR yet" in drawn and "o-<" not in drawn
    assert "no evaluation yet" in live.curves([], "psnr")


def test_a_run_is_looked_at_while_it_trains(begun):
    own = column.Column(str(begun))
    assert own.look().said == "nothing is recorded yet"
    before = own.stamp()
    recorded(begun, 50)
    images.save(np.zeros((8, 8, 1), np.uint8), begun / "samples" / "00000050.png")
    seen = own.look()
    assert seen.said.startswith("step 50 of 10,000, last heard of")
    assert seen.samples.shape == (8, 8) and "g_loss" in seen.curves
    assert own.stamp() != before
    assert own.run() is None and "No checkpoint yet" in own.pictures(Place())[0]
    (begun / "samples" / "00000060.png").write_bytes(b"")  # just being written
    assert live.newest(begun) is None
    x, y = live.thinned([(i, 2.0 * i) for i in range(4 * live.SMOOTH)])
    assert len(x) == live.SMOOTH and y[0] == 3.0


class Browser:
    """A page in headless Chromium, driven over its debugging pipe."""

    def __init__(self, url, folder):
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += ["--disable-background-networking", "--remote-debugging-pipe"]
        options += [f"--user-data-dir={folder}", "--window-size=1400,1500"]
        hears, self.speak = os.pipe()
        self.listen, speaks = os.pipe()
        command = shlex.join([CHROMIUM, *options, "about:blank"])
        self.process = subprocess.Popen(  # it hears on 3 and speaks on 4
            ["bash", "-c", f"exec {command} 3<&{hears} 4>&{speaks}"],
            stderr=subprocess.DEVNULL,
            pass_fds=(hears, speaks),
        )
        os.close(hears), os.close(speaks)
        self.number, self.rest, self.session = 0, b"", {}
        target = self.send("Target.createTarget", url=url)["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}

    def send(self, method, **params):
        """Call a method of the protocol; returns its result."""
        self.number += 1
        call = {"id": self.number, "method": method, "params": params} | self.session
        os.write(self.speak, json.dumps(call).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            pass
        assert "result" in answer, answer
        return answer["result"]

    def receive(self):
        """The next message."""
        while b"\0" not in self.rest:
            part = os.read(self.listen, 1 << 20)
            assert part, "Chromium has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def value(self, expression):
        """The value of a JavaScript expression."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.speak), os.close(self.listen)


def wait(ready, what, seconds=120):
    """Until `ready()` is true; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come")


@pytest.fixture
def address(begun):
    """Of the page of two checkpoints and a run without, served by the command."""
    pytest.importorskip("gradio")
    command = [sys.executable, "-u", "-m", "deconvgen.cli", "explore", "--port=0"]
    server = subprocess.Popen(
        [*command, f"--workdir={NAME}", NAME, begun], stdout=subprocess.PIPE, text=True
    )
    lines = (line for line in server.stdout if "http://" in line)
    yield next(lines).split()[-1]
    server.kill()
    server.wait()


PICTURES = "[...document.querySelectorAll('img[src*=\"file=\"]')].map(i => i.src)"
MOVE = """(() => {
  const input = document.querySelector('input[aria-label="number input for seed"]');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  set.call(input, "4");
  for (const name of ["input", "change", "blur"])
    input.dispatchEvent(new Event(name, {bubbles: true}));
  return true;
})()"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_moves_two_checkpoints_and_follows_a_run(address, begun, tmp_path):
    assert address.startswith("http://127.0.0.1:")  # this machine alone
    browser = Browser(address, tmp_path)
    try:
        pictures = lambda: browser.value(PICTURES) or []
        wait(lambda: len(pictures()) == 8, "four pictures of each checkpoint")
        before = pictures()
        assert before[:4] == before[4:]  # the same checkpoint, the same latent
        recorded(begun, 70)
        told = "document.body.innerText.includes('step 70 of 10,000')"
        wait(lambda: browser.value(told), "what has been trained meanwhile")
        assert browser.value(MOVE)
        wait(lambda: len({*pictures()} - {*before}) == 3, "three other pictures")
        after = pictures()
        assert after[2] == before[2]  # the mean spectrum stays
        if folder := os.environ.get("DECONVGEN_SCREENSHOTS"):  # to look at it
            shot = browser.send("Page.captureScreenshot")["data"]
            (Path(folder) / "explore.png").write_bytes(base64.b64decode(shot))
    finally:
        browser.close()


def test_a_port_that_is_taken_is_told_by_our_flag():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            UserError, match=rf"--port={port} cannot be .*another --port"
        ):
            explore.serve(["pretrained:dcgan-fashion"], port=port)
    with pytest.raises(UserError, match="--port should be 0 to 65535, not 65536"):
        explore.serve(["pretrained:dcgan-fashion"], port=65536)
    with pytest.raises(UserError, match="--host=nowhere"):
        explore.serve(["pretrained:dcgan-fashion"], host="nowhere.invalid")
