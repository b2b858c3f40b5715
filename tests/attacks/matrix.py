"""What every caller gets of every object in every state: written by hand from DESIGN 3, computed by nothing.

A cell is a status, with a letter where the answer must name a state: ``200h`` held, ``200d`` distrusted, ``200r`` revoked.
A status without a letter says that there is no such header. The 401 of a caller who has a token is the challenge with the
scope to ask for; it is the same whether the object, the repository or the right is missing.

Pure: text.
Source: DESIGN 3 (the table of held objects; "Answers to a missing right"); INTERFACE 3 (roles).
"""

from collections.abc import Mapping
from typing import Final

from gateway.api.routes import Endpoint

MANIFEST_BY_DIGEST: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      401      401     200    200   200     200    200    200
carried                 401  401 401     401      401      401     200    200   200     200    200    200
parent                  401  401 401     401      401      401     200    200   200     200    200    200
held                    401  401 401     401      401      401     404    404   200h    200h   200h   200h
second                  401  401 401     401      401      401     404    404   200h    200h   200h   200h
cache                   401  401 401     401      401      401     404    404   200h    200h   200h   200h
distrusted              401  401 401     401      401      401     404    404   200d    200d   200d   200d
revoked                 401  401 401     401      401      401     404    404   200r    200r   200r   200r
absent                  401  401 401     401      401      401     404    404   404     404    404    404
signature-of-admitted   401  401 401     401      401      401     200    200   200     200    200    200
classic-of-admitted     401  401 401     401      401      401     200    200   200     200    200    200
junk-of-admitted        401  401 401     401      401      401     404    404   200h    200h   200h   200h
junk-of-held            401  401 401     401      401      401     404    404   200h    200h   200h   200h
signature-of-distrusted 401  401 401     401      401      401     404    404   200d    200d   200d   200d
signature-of-revoked    401  401 401     401      401      401     404    404   200h    200h   200h   200h
"""

MANIFEST_BY_TAG: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      401      401     200    200   200     200    200    200
parent                  401  401 401     401      401      401     200    200   200     200    200    200
held                    401  401 401     401      401      401     404    404   200h    404    200h   404
carried                 401  401 401     401      401      401     404    404   200h    404    200h   404
moved                   401  401 401     401      401      401     200    200   200h    200    200h   200
cache                   401  401 401     401      401      401     404    404   200h    200h   200h   200h
distrusted              401  401 401     401      401      401     404    404   404     404    404    404
revoked                 401  401 401     401      401      401     404    404   404     404    404    404
absent                  401  401 401     401      401      401     404    404   404     404    404    404
classic-of-admitted     401  401 401     401      401      401     200    200   200     200    200    200
"""

MANIFEST_BY_TAG_WITH_VIEW: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      401      401     200    200   200     200    200    200
parent                  401  401 401     401      401      401     200    200   200     200    200    200
held                    401  401 401     401      401      401     404    404   200h    200h   200h   200h
carried                 401  401 401     401      401      401     404    404   200h    200h   200h   200h
moved                   401  401 401     401      401      401     200    200   200h    200h   200h   200h
cache                   401  401 401     401      401      401     404    404   200h    200h   200h   200h
distrusted              401  401 401     401      401      401     404    404   404     404    404    404
revoked                 401  401 401     401      401      401     404    404   404     404    404    404
absent                  401  401 401     401      401      401     404    404   404     404    404    404
"""

BLOB: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
of-admitted             401  401 401     401      401      401     200    200   200     200    200    200
of-carried              401  401 401     401      401      401     200    200   200     200    200    200
shared                  401  401 401     401      401      401     200    200   200     200    200    200
of-held                 401  401 401     401      401      401     404    404   200h    200h   200h   200h
of-distrusted           401  401 401     401      401      401     404    404   200h    200h   200h   200h
of-revoked              401  401 401     401      401      401     404    404   200h    200h   200h   200h
orphan                  401  401 401     401      401      401     404    404   200h    200h   200h   200h
elsewhere               401  401 401     401      401      401     404    404   404     404    404    404
absent                  401  401 401     401      401      401     404    404   404     404    404    404
"""

REFERRERS: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      401      401     1      1     2       2      2      2
carried                 401  401 401     401      401      401     0      0     0       0      0      0
held                    401  401 401     401      401      401     0      0     1       1      1      1
cache                   401  401 401     401      401      401     0      0     0       0      0      0
distrusted              401  401 401     401      401      401     0      0     1       1      1      1
revoked                 401  401 401     401      401      401     0      0     1       1      1      1
absent                  401  401 401     401      401      401     0      0     0       0      0      0
"""
"""The number of entries, where the answer is 200."""

TAGS: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      401      401     yes    yes   yes     yes    yes    yes
parent                  401  401 401     401      401      401     yes    yes   yes     yes    yes    yes
moved                   401  401 401     401      401      401     yes    yes   yes     yes    yes    yes
held                    401  401 401     401      401      401     no     no    yes     no     yes    no
carried                 401  401 401     401      401      401     no     no    yes     no     yes    no
cache                   401  401 401     401      401      401     no     no    yes     yes    yes    yes
distrusted              401  401 401     401      401      401     no     no    no      no     no     no
revoked                 401  401 401     401      401      401     no     no    no      no     no     no
absent                  401  401 401     401      401      401     no     no    no      no     no     no
"""
"""Whether the tag is in the list."""

MANIFEST_PUT: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      404      404     401    201   403     201    201    201
carried                 401  401 401     401      404      404     401    201   403     201    201    201
held                    401  401 401     401      404      404     401    201h  403     201h   201h   201h
cache                   401  401 401     401      404      404     401    201h  403     201h   201h   201h
distrusted              401  401 401     401      404      404     401    201d  403     201d   201d   201d
revoked                 401  401 401     401      404      404     401    403   403     403    403    403
absent                  401  401 401     401      404      404     401    201h  403     201h   201h   201h
signature-of-admitted   401  401 401     401      404      404     401    403   201     201    201    201
"""
"""``carried``: the decision on it alone is to hold it; its parent shows it, and the answer has no state (DESIGN 3).
``distrusted``: the bytes are put again and judged as if held, and what they were signed with is not believed any more."""

PUT_DIFFERS: Final[Mapping[tuple[str, str], str]] = {
    ("distrusted", caller): "judged by a signer who is not believed any more, it passes: the answer and the record say"
    " admitted, though nobody sees it (DESIGN 3: evidence by signers not revoked now; INTERFACE 5: the state header)"
    for caller in ("writer", "pusher", "maintainer")
}
"""The cells of `MANIFEST_PUT` that the gateway does not keep yet, each with what it does instead."""

MANIFEST_DELETE: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
signature-of-admitted   401  401 401     401      401      401     401    401   401     401    401    403
junk-of-held            401  401 401     401      401      401     401    401   401     401    401    202
admitted                401  401 401     401      401      401     401    401   401     401    401    202
carried                 401  401 401     401      401      401     401    401   401     401    401    202
held                    401  401 401     401      401      401     401    401   401     401    401    202
cache                   401  401 401     401      401      401     401    401   401     401    401    202
distrusted              401  401 401     401      401      401     401    401   401     401    401    202
revoked                 401  401 401     401      401      401     401    401   401     401    401    202
absent                  401  401 401     401      401      401     401    401   401     401    401    404
"""

TAG_DELETE: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
admitted                401  401 401     401      401      401     401    401   401     401    401    202
parent                  401  401 401     401      401      401     401    401   401     401    401    202
held                    401  401 401     401      401      401     401    401   401     401    401    202
carried                 401  401 401     401      401      401     401    401   401     401    401    202
moved                   401  401 401     401      401      401     401    401   401     401    401    202
cache                   401  401 401     401      401      401     401    401   401     401    401    202
distrusted              401  401 401     401      401      401     401    401   401     401    401    202
revoked                 401  401 401     401      401      401     401    401   401     401    401    202
absent                  401  401 401     401      401      401     401    401   401     401    401    404
"""

BLOB_DELETE: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
of-admitted             401  401 401     401      401      401     401    401   401     401    401    405
of-carried              401  401 401     401      401      401     401    401   401     401    401    405
shared                  401  401 401     401      401      401     401    401   401     401    401    405
of-held                 401  401 401     401      401      401     401    401   401     401    401    405
of-distrusted           401  401 401     401      401      401     401    401   401     401    401    405
of-revoked              401  401 401     401      401      401     401    401   401     401    401    405
orphan                  401  401 401     401      401      401     401    401   401     401    401    202
elsewhere               401  401 401     401      401      401     401    401   401     401    401    404
absent                  401  401 401     401      401      401     401    401   401     401    401    404
"""

UPLOAD_START: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
session                 401  401 401     401      404      404     401    202   202     202    202    202
whole                   401  401 401     401      404      404     401    201   201     201    201    201
mount-of-held           401  401 401     401      404      404     401    202   201     201    201    201
mount-of-admitted       401  401 401     401      404      404     401    201   201     201    201    201
"""

SESSION: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
GET                     401  401 401     401      404      404     401    404   404     404    204    404
HEAD                    401  401 401     401      404      404     401    404   404     404    204    404
PATCH                   401  401 401     401      404      404     401    404   404     404    202    404
PUT                     401  401 401     401      404      404     401    404   404     404    201    404
DELETE                  401  401 401     401      404      404     401    404   404     404    204    404
"""
"""Of a session that ``pusher`` started."""

MOUNT: Final = """
                        outsider neighbour partner
of-admitted             202      201       201
of-carried              202      201       201
shared                  202      201       201
of-held                 202      202       201
of-distrusted           202      202       201
of-revoked              202      202       201
orphan                  202      202       201
absent                  202      202       202
"""
"""From ``team/app`` into ``other/app``, where all three write; ``neighbour`` reads and ``partner`` writes in ``team``."""

SIGNING: Final = """
                        manifest tag  head get mount referrers
admitted                200      200  200  200 201   1
held                    200h     404  200h 404 202   0
distrusted              200d     404  200h 404 202   0
revoked                 200r     404  200h 404 202   0
absent                  404      404  404  404 202   0
"""
"""What a writer of a project with ``writers_read_held = false`` gets: the level ``signing``."""

OPEN: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
ping                    401  401 401     401      200      200     200    200   200     200    200    200
catalog                 401  401 401     401      200      200     200    200   200     200    200    200
live                    200  200 200     200      200      200     200    200   200     200    200    200
ready                   200  200 200     200      200      200     200    200   200     200    200    200
metrics                 401  401 401     401      401      401     401    401   401     401    401    401
keys                    200  200 200     200      200      200     200    200   200     200    200    200
about                   200  200 200     200      200      200     200    200   200     200    200    200
"""

FORMS: Final = """
                        none bad expired disabled outsider auditor reader blind scanner writer pusher maintainer
federation/token        400  400 400     400      400      400     400    400   400     400    400    400
federation/revoke       400  400 400     400      400      400     400    400   400     400    400    400
"""
"""An empty form: the credential is in the form, and what a caller is otherwise changes nothing."""

CATALOG: Final = """
                        outsider auditor reader blind scanner writer pusher maintainer
team/app                no       no      yes    yes   yes     yes    yes    yes
team/waiting            no       no      no     no    yes     yes    yes    yes
other/app               no       no      no     no    no      no     no     no
"""
"""``team/waiting`` holds nothing but what is held; ``other/app`` a blob and no manifest."""

TOKEN: Final = """
                        none  wrong unknown disabled outsider auditor reader scanner   writer    maintainer
team/app                -     401   401     401      -        -       pull   pull,push pull,push pull,push,delete
nowhere/app             -     401   401     401      -        -       -      -         -         -
"""
"""The actions that the token gives of ``pull,push,delete``; ``-``: a token without any."""

OF_A_MANIFEST: Final = frozenset({"admitted", "carried", "held", "cache", "distrusted", "revoked", "absent"})
OF_A_TAG: Final = OF_A_MANIFEST | {"parent", "moved"}
OF_A_BLOB: Final = frozenset(
    {"of-admitted", "of-carried", "shared", "of-held", "of-distrusted", "of-revoked", "orphan", "absent"}
)

STATES: Final[Mapping[Endpoint, tuple[tuple[str, frozenset[str]], ...]]] = {
    Endpoint.MANIFEST_READ: (
        (MANIFEST_BY_DIGEST, OF_A_MANIFEST),
        (MANIFEST_BY_TAG, OF_A_TAG),
        (MANIFEST_BY_TAG_WITH_VIEW, OF_A_TAG),
    ),
    Endpoint.MANIFEST_PUT: ((MANIFEST_PUT, OF_A_MANIFEST),),
    Endpoint.MANIFEST_DELETE: ((MANIFEST_DELETE, OF_A_MANIFEST), (TAG_DELETE, OF_A_TAG)),
    Endpoint.TAGS: ((TAGS, OF_A_TAG),),
    Endpoint.REFERRERS: ((REFERRERS, OF_A_MANIFEST),),
    Endpoint.BLOB_READ: ((BLOB, OF_A_BLOB),),
    Endpoint.BLOB_DELETE: ((BLOB_DELETE, OF_A_BLOB),),
    Endpoint.UPLOAD_START: ((MOUNT, OF_A_BLOB),),
}
"""The rows that the tables of an endpoint that names something must have: every state that it can be in."""

TABLES: Final[Mapping[Endpoint, tuple[str, ...]]] = {
    Endpoint.MANIFEST_READ: (MANIFEST_BY_DIGEST, MANIFEST_BY_TAG, MANIFEST_BY_TAG_WITH_VIEW, SIGNING),
    Endpoint.BLOB_READ: (BLOB, SIGNING),
    Endpoint.REFERRERS: (REFERRERS, SIGNING),
    Endpoint.TAGS: (TAGS,),
    Endpoint.MANIFEST_PUT: (MANIFEST_PUT,),
    Endpoint.MANIFEST_DELETE: (MANIFEST_DELETE, TAG_DELETE),
    Endpoint.BLOB_DELETE: (BLOB_DELETE,),
    Endpoint.UPLOAD_START: (UPLOAD_START, MOUNT, SIGNING),
    Endpoint.UPLOAD_STATUS: (SESSION,),
    Endpoint.UPLOAD_APPEND: (SESSION,),
    Endpoint.UPLOAD_FINISH: (SESSION,),
    Endpoint.UPLOAD_CANCEL: (SESSION,),
    Endpoint.PING: (OPEN,),
    Endpoint.CATALOG: (OPEN, CATALOG),
    Endpoint.TOKEN_GET: (TOKEN,),
    Endpoint.TOKEN_POST: (TOKEN,),
    Endpoint.FEDERATION_TOKEN: (FORMS,),
    Endpoint.FEDERATION_REVOKE: (FORMS,),
    Endpoint.LIVE: (OPEN,),
    Endpoint.READY: (OPEN,),
    Endpoint.METRICS: (OPEN,),
    Endpoint.KEYS: (OPEN,),
    Endpoint.ABOUT: (OPEN,),
}
"""Which tables walk which endpoint: a route that is added without one fails the build."""


def cells(table: str) -> list[tuple[str, str, str]]:
    """Return the cells of a table as (row, column, cell)."""
    head, *rows = (line.split() for line in table.strip().splitlines())
    for row in rows:
        if len(row) != len(head) + 1:
            raise ValueError(f"a row that is not as long as its head: {row}")
    return [(row[0], column, cell) for row in rows for column, cell in zip(head, row[1:], strict=True)]
