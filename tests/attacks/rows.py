"""The register of known attacks: which rows this version answers for, and where.

A test that has a row's number in its name (``test_row_019_...``, ``test_rows_37_43_45_...``) covers it. Here are the tests
that cover a row under another name, the rows that are covered in part only, and those whose target this version does not
have; the last two each with the reason.

Pure: text.
Source: security.md, B1; the number of a row is the one there.
"""

from collections.abc import Mapping
from typing import Final

REGISTER: Final = frozenset(
    {
        1,
        2,
        3,
        5,
        6,
        7,
        12,
        14,
        15,
        16,
        19,
        20,
        21,
        23,
        24,
        25,
        26,
        27,
        28,
        32,
        33,
        35,
        36,
        37,
        38,
        39,
        40,
        43,
        44,
        45,
        46,
    }
    | {52, 54, 55, 56, 58, 59, 61, 63, 65, 70, 71, 73, 81, 83, 85, 87, 88, 89, 90, 91, 92, 95, 96, 97, 99}
    | {102, 103, 104, 106, 114, 115, 116, 118, 120}
)

UNDER_ANOTHER_NAME: Final[Mapping[int, tuple[str, ...]]] = {
    5: ("tests/attacks/test_code_lints.py::test_the_gateway_has_none_of_it",),
    32: ("tests/attacks/test_code_lints.py::test_the_gateway_has_none_of_it",),
    58: ("tests/attacks/test_evidence_attacks.py::test_attack_17_what_is_verified_is_what_is_stored",),
    59: ("tests/attacks/test_evidence_attacks.py::test_attack_02_signature_of_another_digest",),
    61: ("tests/attacks/test_evidence_attacks.py::test_cve_2026_39395_properly_signed_payload_that_does_not_parse",),
    63: ("tests/attacks/test_evidence_attacks.py::test_attack_24_unknown_words_are_refused_at_load",),
    65: (
        "tests/attacks/test_evidence_attacks.py::test_attack_18_any_exception_is_a_rejection",
        "tests/services/test_gateway_opa.py::test_nothing_is_admitted_while_the_server_is_down",
        "tests/services/test_gateway_opa.py::test_a_server_that_is_killed_in_mid_push",
        "tests/services/test_gateway_opa.py::test_a_server_that_is_too_slow",
    ),
    73: ("tests/attacks/test_code_lints.py::test_the_gateway_has_none_of_it",),
    81: (
        "tests/unit/policy/test_pack.py::test_the_capabilities_have_no_way_out",
        "tests/services/test_policy_build.py::test_what_opa_refuses_is_not_a_revision",
        "tests/attacks/test_whole_secrets.py::test_row_114_a_secret_in_an_image_that_is_stored_is_in_no_record_of_it",
    ),
    96: (
        "tests/unit/evidence/test_globs.py::test_matches_in_linear_time",
        "tests/attacks/test_code_lints.py::test_the_gateway_has_none_of_it",
    ),
}

PARTLY: Final[Mapping[int, str]] = {
    3: "no start-up refuses a default secret: there is none to refuse, since `init` makes the administrator with a random"
    " password that it shows once, and nothing else makes an account without being given one",
    15: "that a robot has no more rights than its creator is not tested: an operator on the machine makes robots, who has"
    " every right; tested is that a robot has none outside its own project",
    106: "garbage collection at the same time is not tested: nothing in this version cleans up content",
}
"""Rows of which a test covers a part: what it does not cover, and why."""

NOT_HERE: Final[Mapping[int, str]] = {
    103: "no state is given to a client to bring back: an upload's address is a random id whose row in the catalog names"
    " principal and repository, and a page's cursor is a name that is checked like any other",
}
