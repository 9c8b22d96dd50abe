"""What a .deb says of other packages, in the words of an RPM; what no RPM can say is refused by name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.errors import ProjectError
from cicd.package import rpm
from cicd.package.fields import FIELDS, RPM_DEPENDENCY
from cicd.package.metadata import Metadata

COMMIT = "a" * 40


def meta(**relations: str) -> Metadata:
    lists = {key: (said,) for key, said in relations.items()}
    return Metadata("app", "1.0.0", "x", "Ann", "/opt/app", "script/post-inst", **lists)


def refusal(**relations: str) -> str:
    with pytest.raises(ProjectError) as refused:
        rpm.refuse_unsayable("app", COMMIT, meta(**relations))
    return str(refused.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("app-old", "app-old"),
        ("app-old (<< 2)", "app-old < 2"),
        ("app-old(>=1:2.0-1)", "app-old >= 1:2.0-1"),
        ("app-api (= 2)", "app-api = 2"),
        ("app-old (>> 2~rc1)", "app-old > 2~rc1"),
    ],
)
def test_a_relation_is_written_as_rpm_writes_it(said, words):
    assert rpm.relations(meta(conflicts=said)) == {"conflicts": [words]}


def test_a_field_that_no_rpm_has_is_refused_with_what_to_write_instead():
    assert "`breaks` names app-old (<< 2), and an RPM has no such field: name it in `conflicts`" in refusal(
        breaks="app-old (<< 2)"
    )
    assert "`pre_depends` names adduser" in refusal(pre_depends="adduser")


@pytest.mark.parametrize("said", ["nginx | apache2", "python3:any", "app-old (= 1-2-3)"])
def test_a_relation_that_no_rpm_can_express_is_refused_as_it_stands(said):
    assert (
        f"app at aaaaaaa says what an RPM cannot, and package.formats wants one: `recommends` names {said}"
        in (refusal(recommends=said))
    )


@given(st.from_regex(FIELDS["provides"].shape.each.pattern, fullmatch=True))
def test_whatever_the_contract_takes_is_an_rpms_dependency_or_refused(said):
    if list(rpm.unsayable(meta(provides=said))):
        return
    (words,) = rpm.relations(meta(provides=said))["provides"]
    assert re.fullmatch(RPM_DEPENDENCY, words)
