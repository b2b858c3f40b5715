"""What a person is told to type next."""

from gateway.admission.remedy import command
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

REPOSITORY = RepositoryName("team/app")
DIGEST, SUBJECT = Digest.of(b"it"), Digest.of(b"subject")
MISSING = Reason("SIGNATURE_MISSING", "there is none", "hold")


def test_a_missing_signature_is_made_by_digest() -> None:
    typed = command("host:5000", REPOSITORY, DIGEST, [MISSING], subject=None)
    assert typed is not None
    assert typed.startswith("cosign sign ")
    assert typed.endswith(f" host:5000/team/app@{DIGEST}")


def test_who_attaches_something_unsigned_is_told_what_would_not_be_held() -> None:
    typed = command("host:5000", REPOSITORY, DIGEST, [MISSING], subject=SUBJECT)
    assert typed is not None
    assert typed.startswith("cosign attest ")
    assert f" host:5000/team/app@{SUBJECT} (a signed attestation is not held as this is)" in typed
    assert typed.endswith(
        f"cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false host:5000/team/app@{DIGEST}"
    )


def test_without_a_trust_policy_that_comes_first() -> None:
    reasons = [MISSING, Reason("NO_TRUST_POLICY", "none", "hold")]
    assert command("h", REPOSITORY, DIGEST, reasons, subject=SUBJECT) == "registry-gateway trust apply DIR"


def test_what_no_command_supplies_has_none() -> None:
    assert command("h", REPOSITORY, DIGEST, [Reason("SIZE001", "too large", "deny")], subject=None) is None
