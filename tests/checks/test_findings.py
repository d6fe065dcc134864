"""All faults in one answer, at most twenty quoted, those with one cure together; notes in the order of the list."""

import pytest

from wstal.base.errors import MachineError, UserError
from wstal.checks.findings import Findings, some


def test_faults_with_one_cure_stand_together():
    findings = Findings("gt.json")
    for problem, cure in (("a is red", "paint it"), ("b is torn", "mend it"), ("c is red", "paint it")):
        findings.fault(problem, cure)
    with pytest.raises(UserError, match=r"^gt\.json: a is red; c is red; paint it \| b is torn; mend it\.$"):
        findings.refuse()


def test_twenty_are_quoted_and_the_rest_is_counted():
    findings = Findings("gt.json")
    for number in range(25):
        findings.fault(f"line {number} is torn", "mend it")
    assert findings.answer.startswith("gt.json: line 0 is torn; ") and "line 20" not in findings.answer
    assert findings.answer.endswith("line 19 is torn (and 5 more); mend it.")


def test_sentences_are_gathered_and_a_single_one_stays_as_it_is():
    findings, sentences = Findings("gt.json"), ("gt.json: a is torn; mend it.", "gt.json, line 3: b is torn; mend it.")
    for number, sentence in enumerate(sentences, start=1):
        with findings.gathering():
            raise UserError(sentence)
        assert len(findings.faults) == number
        if number == 1:
            assert findings.answer == sentence
    assert findings.answer == "gt.json: a is torn; line 3: b is torn; mend it."


def test_a_machine_at_its_limit_is_no_fault_of_a_file():
    with pytest.raises(MachineError), Findings("gt.json").gathering():
        raise MachineError("the disk is full; make room.")


def test_nothing_found_passes():
    findings = Findings("gt.json")
    findings.refuse()
    assert findings.notes == () and findings.answer == ""


def test_notes_are_in_the_order_of_the_list_and_are_no_fault():
    findings = Findings("gt.json")
    findings.found("doubled segment", "x is there twice", "look")
    findings.found("tidied label", "'a ' is read as 'a'", "write it so")
    findings.refuse()
    assert findings.notes == ("tidied label: 'a ' is read as 'a'; write it so.", "doubled segment: x is there twice; look.")


def test_some():
    assert some("abcdefg") == "'a', 'b', 'c', 'd', 'e' (and 2 more)" and some(["a"]) == "'a'"
