"""Every error and warning of the package has its place among what can go wrong."""

import re

from deconvgen import config

ROOT = config.HERE.parent
told = config.module(ROOT / "tools" / "messages.py")
PAGE = (ROOT / "docs" / "errors.md").read_text()


def test_every_message_has_one_family_with_cause_and_cure():
    found = [*told.messages()]
    assert len(found) > 300 and any(message.warning for message in found)
    without = {m.place for m in found if told.family(m.place) is None}
    assert not without, "name them in tools/messages.csv"
    places = {message.place for message in found}
    for family in told.FAMILIES:
        assert family.why and family.helps
        for named in family.places:
            assert any(f"{p}/".startswith(f"{named}/") for p in places), named


def test_what_the_page_quotes_is_said():
    """Of a quotation all that does not vary, numbers and names, in one message."""
    varies = re.compile(
        r"\.\.\.|[\d(){}\[\]'x,;]+|batch_size=|loss\.r1|(?<=unknown )\w+"
    )
    stale = []
    source = [f"{m.text} " for m in told.messages()]
    source += [path.read_text() for path in told.PACKAGE.rglob("*.py")]
    for row in re.findall(r"^\| (.*?) \|", PAGE, re.M):
        for quoted in re.findall(r"`([^`]+)`", row):
            parts = [part.strip() for part in re.split(varies, quoted)]
            parts = [part for part in parts if len(part.split()) > 1] or [quoted]
            if not any(all(part in text for part in parts) for text in source):
                stale.append(quoted)
    assert not stale


def test_links_of_the_page_lead_somewhere():
    for link in re.findall(r"\]\(([\w/]+\.md)\)", told.page()):
        assert link.startswith("layers/") or (ROOT / "docs" / link).exists(), link
