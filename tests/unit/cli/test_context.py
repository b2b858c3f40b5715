"""Who is at the shell: the process's user, whatever the environment says."""

import os
import pwd

import pytest

from gateway.cli.context import operator
from gateway.identity.values import PrincipalKind


def test_the_operator_is_the_user_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "somebody-else")
    found = operator()
    assert found.kind is PrincipalKind.OPERATOR
    assert found.name == pwd.getpwuid(os.getuid()).pw_name
    assert found.id == f"os:{found.name}"
