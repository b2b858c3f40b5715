"""The table of secret detectors: what known secrets look like, and which names say that a value is one.

Two kinds. A *shape* is a secret wherever it stands (an AWS key id, a PEM header). A *named* value is one because of the
name before it: anything after ``password=``, and what looks random after ``token`` or ``secret_key``.

Patterns for RE2, which has no look-around; one that counts (``.{0,20}``) where its own beginning can recur makes it keep
thousands of states, and costs a second for each million characters. What must stand before a shape is therefore asked of
the few characters before each of its matches (`BEFORE`).

Pure: no I/O, no third-party import.
Source: the issuers' documentation of their token formats.
"""

# ruff: noqa: S105  names of detectors and patterns, not secrets

from typing import Final

SHAPES: Final[dict[str, str]] = {
    "private-key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "aws-access-key": r"(?:^|[^A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA|AGPA|AIPA|ANPA|ANVA)[A-Z0-9]{16}(?:$|[^A-Za-z0-9])",
    "aws-secret-key": r"[=:\s\"']([A-Za-z0-9/+]{40})",
    "github-token": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    "gitlab-token": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct)-[A-Za-z0-9_-]{20,}",
    "slack-token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}",
    "slack-webhook": r"hooks\.slack\.com/services/T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]+",
    "google-api-key": r"AIza[0-9A-Za-z_-]{35}",
    "stripe-key": r"[rs]k_live_[0-9A-Za-z]{20,}",
    "npm-token": r"npm_[A-Za-z0-9]{36}",
    "pypi-token": r"pypi-AgE[A-Za-z0-9_-]{40,}",
    "docker-token": r"dckr_pat_[A-Za-z0-9_-]{20,}",
    "jwt": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "authorization-header": r"(?i)authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=-]{8,})",
    "docker-auth": r"\"auth\"\s*:\s*\"([A-Za-z0-9+/=]{8,})\"",
}
"""Name -> pattern. The names are in findings and in policies' data (`SEC001.ignored_detectors`): never renamed.

A group is what of the match is secret, where that is not all of it.
"""

BEFORE: Final[dict[str, str]] = {"aws-secret-key": r"(?i)aws.{0,20}secret.{0,20}[=:\s\"']$"}
"""Name -> what stands immediately before such a shape's group; without that it is none."""

BEFORE_CHARACTERS: Final = 64
"""No pattern of `BEFORE` looks back further."""

AFTER: Final[dict[str, str]] = {"aws-secret-key": r"^[A-Za-z0-9/+]"}
"""Name -> what must not come after the group: then it is a piece of something longer."""

_PASSWORD_NAME: Final = r"(?:password|passwd|passphrase|passwort)"
_SECRET_NAME: Final = (
    r"(?:secret|token|credentials?|api[._-]?key|access[._-]?key|private[._-]?key|secret[._-]?key(?:[._-]?base)?"
    r"|encryption[._-]?key|signing[._-]?key|master[._-]?key|client[._-]?secret|account[._-]?key)"
)
_SUFFIX: Final = r"(?:s|[._-]?(?:value|b64|base64|[0-9]{1,3}))?"
IS_PASSWORD_NAME: Final = rf"(?i)(?:^|[._\-\sa-z0-9]){_PASSWORD_NAME}{_SUFFIX}$"
IS_SECRET_NAME: Final = rf"(?i)(?:^|[._\-\sa-z0-9])(?:{_PASSWORD_NAME}|{_SECRET_NAME}){_SUFFIX}$"

_NAME: Final = rf"([a-z0-9_.\-]*(?:{_PASSWORD_NAME}|{_SECRET_NAME}){_SUFFIX})"
_BLANKS: Final = r"(?:\s{0,3}|[ \t]*)"
ASSIGNMENT: Final = (
    rf"(?i){_NAME}[\"']?({_BLANKS}(?:=>|[=:]){_BLANKS}|\s{{1,3}}|[ \t]+)"
    r"(?:\"([^\"]+)\"|'([^']+)'|[\"']([^\s\"']+)|([^\s\"',;&|)}\]]+))"
)
"""The name, what separates, and the value: in quotation marks, behind one that is not closed, or up to a blank."""

ELEMENT: Final = rf"(?i)<{_NAME}(?:\s[^<>]*)?>(\s*)([^\s<][^<]*)<"

URL: Final = (
    r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#:@\"']*:"
    r"([^\s/?#@\"']+|[^\s/?#@\"']*[^\s/?#@\"'0-9][^\s/?#@\"']*/[^\s@\"']*)@"
)
"""A password with a slash in it is no address to a strict reader, and is written all the same. Digits up to the slash are a
port: ``https://host:5000/app@sha256:...``."""

BASIC: Final = r"\b(?:curl|wget|http)\b[^\n|;&]*?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:([^\s\"']+)"

_VARIABLE: Final = r"(?:\$[a-z_][a-z0-9_]*|\$\{[^{}]*\}*)"
_LENGTHENED: Final = r"\$\{[a-z_][a-z0-9_]*\}[^\s0-9\"'$]{0,8}"
PLACEHOLDER: Final = (
    rf"(?i)^(?:|(?:{_VARIABLE}[/:._=-]*)+|{_LENGTHENED}|\$[0-9@*#?!]|\$\{{\{{.*|\$\(<?[a-z0-9_./-]*(?:\s.*)?|%[a-z_]+%"
    r"|<[^>]*>|\{\{.*\}\}|[.*+?^()\[\]\\]+|x{3,}"
    r"|true|false|yes|no|on|off|none|null|nil|undefined|\[masked:(?: [a-z-]+\]?)?|0|1)$"
)
"""What stands for a value, and is none: a variable, also with a few letters or marks behind it, a switch, and what is all
punctuation of a pattern (``sed 's#<password>.*</password>#...#'``)."""

_STEP: Final = r"/[a-z0-9_.@~+%${}-]+"
PATH: Final = rf"(?i)^(?:(?:file://)?(?:{_STEP}){{2,}}/?|(?:\.{{1,2}}|~|{_VARIABLE})(?:{_STEP})+/?|[a-z]:\\[^/]*)$"
"""Where a value is. Two steps at least from the root: what begins with one slash can be a password."""

FILE: Final = r"(?i)[^/\\]\.[a-z][a-z0-9]{0,11}$"
"""Ends in the name of a file of some kind. Where a key is mounted has numbers and dates in it:
``/secrets/acme-prod-274512-8f2b1c9d0e1a.json``."""

REPOSITORY: Final = r"(?i)^[a-z0-9+.\-]*(?:(?:ssh|git)://[^/]*:[^@]*/|git\+[a-z]+://[^/]*:[^@]*/[^@]*\.git@)"
"""``ssh://git.example.org:team/app.git@v1.0``: what looks like a password is a path on that host, and what looks like a
host is a revision. With a slash only: ``ssh://me:secret@host`` is what it seems."""

ARGUMENTS: Final = r"\|[0-9]+ [A-Za-z_]"
"""How BuildKit begins an entry of the history with the arguments of the build: their number, and each as ``NAME=value``."""

ARGUMENTS_CHARACTERS: Final = 128
"""It stands within so many."""

NO_VALUE: Final = r"=[ \t]([A-Za-z_][A-Za-z0-9_]*=)"
"""There, an argument without a value before another one."""

PEM_BEGIN: Final = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
PEM_END: Final = "-----END "
