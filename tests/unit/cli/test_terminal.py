"""Tables, records, JSON; times and cells."""

import json

import pytest

from gateway.cli.terminal import Output, Terminal, when


def test_a_time_is_utc_and_none_is_nothing() -> None:
    assert when(0) == "1970-01-01T00:00:00Z"
    assert when(None) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "yes", id="true"),
        pytest.param(False, "no", id="false"),
        pytest.param(["a", "b"], "a, b", id="list"),
        pytest.param((), "", id="empty"),
        pytest.param(3, "3", id="number"),
        pytest.param("two\nlines", "two\\nlines", id="line-break"),
        pytest.param([{"code": "A", "message": "m m", "severity": "deny"}], "A: m m", id="reason"),
        pytest.param([{"code": "A", "message": "m"}, {"code": "B", "message": "n"}], "A: m; B: n", id="reasons"),
        pytest.param([{"a": 1, "b": "c d", "none": None}, {"e": True}], "a=1 b=(c d); e=yes", id="objects"),
        pytest.param([{"a": {"b": ["c", "d"]}}], "a=(b=(c, d))", id="an-object-inside"),
        pytest.param([{"a": "\x1b[2J"}], "a=\\x1b[2J", id="an-escape-sequence-inside"),
    ],
)
def test_a_record_and_a_cell_show_the_same(value: object, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Output.TABLE)
    terminal.record({"some_name": value})
    assert capsys.readouterr().out == f"some name  {shown}\n"
    terminal.rows(("some_name",), [{"some_name": value}])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["SOME NAME", shown]


def test_json_has_the_values_and_only_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Output.JSON)
    terminal.rows(("a",), [{"a": None, "b": 1}])
    assert json.loads(capsys.readouterr().out) == [{"a": None}]
    terminal.record({"ü": "\x1b[2J"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"ü": "\x1b[2J"}
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "char",
    [
        pytest.param("\x1b", id="escape"),
        pytest.param("\x7f", id="delete"),
        pytest.param("\x9b", id="c1-csi"),
        pytest.param("\u202e", id="right-to-left"),
        pytest.param("\u2028", id="line-separator"),
        pytest.param("\U000e0001", id="outside-the-basic-plane"),
    ],
)
def test_json_is_ascii_whatever_an_image_says(char: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody's annotation goes to a terminal: nothing of it may be more than text there."""
    said = {f"a{char}b": [f"\\{char}", {"c": char}]}
    Terminal(Output.JSON).record(said)
    out = capsys.readouterr().out
    assert json.loads(out) == said
    assert {one for one in out if not " " <= one <= "~"} == {"\n"}


def test_a_note_is_not_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Output.JSON).note("by the way")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "by the way\n")


def test_a_section_of_a_record_is_written_as_its_keys_are(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Output.TABLE).record({"some_name": 1, "server": {"listen": "x", "limits": {"blob_bytes": 2}}})
    assert capsys.readouterr().out.splitlines() == [
        "some name                 1",
        "server.listen             x",
        "server.limits.blob_bytes  2",
    ]


def test_a_secret_is_alone_on_stdout_or_a_member(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Output.TABLE).secret("password", "s3cret", record={"account": "admin"})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("s3cret\n", "account  admin\nthis is the password, shown once:\n")
    Terminal(Output.JSON).secret("password", "s3cret", record={"account": "admin"})
    captured = capsys.readouterr()
    assert (json.loads(captured.out), captured.err) == ({"account": "admin", "password": "s3cret"}, "")


def test_a_step_is_a_line_on_stderr_and_not_where_a_program_reads(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Output.TABLE).step("testing\x07")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "testing\\x07 ...\n")
    Terminal(Output.JSON).step("testing")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_list_that_is_cut_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Output.JSON).limited([1, 2], limit=3)
    assert capsys.readouterr().err == ""
    Terminal(Output.JSON).limited([1, 2], limit=2)
    assert capsys.readouterr().err == "only the first 2 are listed: there may be more\n"
