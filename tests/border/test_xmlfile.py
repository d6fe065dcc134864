import pytest

from wstal.base.errors import UserError
from wstal.border import limits, xmlfile

LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
ELSEWHERE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>'


def read(tmp_path, text):
    path = tmp_path / "x.eaf"
    path.write_text(text, encoding="utf-8")
    return xmlfile.read(path, "save it again")


def test_elements_attributes_and_text(tmp_path):
    root = read(tmp_path, '<?xml version="1.0"?><!-- a --><x a="1" b:c="&lt;é&#33;"> t <y/>u<![CDATA[<z>]]></x>')
    assert (root.tag, root.attrib, root.text) == ("x", {"a": "1", "b:c": "<é!"}, " t ")
    assert [child.tail for child in root] == ["u<z>"]


@pytest.mark.parametrize("text", [LAUGHS, ELSEWHERE, "<!DOCTYPE x><x/>", '<!DOCTYPE x SYSTEM "http://localhost/x.dtd"><x/>'])
def test_document_types_are_refused(tmp_path, text):
    with pytest.raises(
        UserError, match=r"x\.eaf declares a document type \(<!DOCTYPE\), which is not read; remove it, or save"
    ):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["", "text", "<x>", "<x></y>", "<x>&a;</x>", '<x a="1" a="2"/>', "<x/><y/>", "<x>\x01</x>"])
def test_damage_is_a_sentence(tmp_path, text):
    with pytest.raises(UserError, match=r"x\.eaf is damaged \(.*\); save it again\.$"):
        read(tmp_path, text)


def test_depth_and_size_are_bounded(tmp_path, monkeypatch):
    deep = limits.LIMITS.depth
    assert read(tmp_path, "<x>" * deep + "</x>" * deep).tag == "x"
    with pytest.raises(UserError, match="nests deeper than 64 levels"):
        read(tmp_path, "<x>" * 100_000)
    with pytest.raises(UserError, match="no more than 16 MiB are read"):
        read(tmp_path, f"<x>{'a' * limits.LIMITS.xml_bytes}</x>")
