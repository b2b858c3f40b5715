"""The rights that a write needs, asked of the caller's standing in the same snapshot as everything else.

The guard has checked the token; these are the rights that no scope can name, and those that may have gone since.

Pure: no I/O, no third-party import.
Source: DESIGN 2 ("rights"), 3 ("Answers to a missing right"); INTERFACE 3 (who may revoke).
"""

from gateway.access.rights import NO_RIGHTS, instance_actions, rights
from gateway.access.roles import InstanceAction
from gateway.access.values import Grant, Rights, Standing, Verb
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import TagFacts
from gateway.errors import Denied, Reason
from gateway.oci.digest import Digest


def present(grant: Grant, standing: Standing) -> Rights:
    """Return what the caller may do now: its standing's rights, within what its token gave.

    Nothing, where the project was deleted and made again since the request came in: it is another one of the same name.
    """
    now = rights(standing) if standing.project.id == grant.project.id else NO_RIGHTS
    return Rights(now.verbs & grant.rights.verbs, min(now.quarantine, grant.rights.quarantine))


def check_put(held: Rights, *, cls: ManifestClass, overwriting: tuple[TagFacts, ...]) -> None:
    """Raise `Denied` unless the caller may put a manifest of this class, and move the tags that exist."""
    if cls in (ManifestClass.EVIDENCE, ManifestClass.FALLBACK):
        _require(held, Verb.SIGN, "to add signatures and attestations here needs the right `sign`")
        return
    sign_only = "; this account can only add evidence" if held.allows(Verb.SIGN) else ""
    _require(held, Verb.PUSH, f"to push here needs the right `push`{sign_only}")
    for facts in overwriting:
        _require(held, Verb.OVERWRITE, f"tag {facts.tag} exists, and to move it needs the right `overwrite`")


def check_revoke(standing: Standing) -> None:
    """Raise `Denied` unless the principal is a security officer, an administrator, or the operator of this machine.

    No role on a project is enough: a tombstone hides from everybody, and its writer must not be the one to judge that.
    """
    if InstanceAction.REVOKE in instance_actions(standing.instance_roles, active=standing.active):
        return
    message = (
        f"{standing.principal.name} may not revoke in project {standing.project.name}: a security officer does that"
    )
    raise Denied(message, reasons=(Reason("RIGHT_MISSING", message, "deny"),))


def exists_elsewhere(facts: TagFacts, digest: Digest) -> bool:
    """Return whether the tag exists and putting ``digest`` under it would change what it names or waits for."""
    named = [target for target in (facts.target, facts.pending) if target is not None]
    return bool(named) and any(target != digest for target in named)


def may_move(standing: Standing, facts: TagFacts, digest: Digest) -> bool:
    """Return whether the requester of a pending tag still has the rights that the tag's move needs."""
    held = rights(standing)
    needs_overwrite = facts.target is not None and facts.target != digest
    return held.allows(Verb.PUSH) and (held.allows(Verb.OVERWRITE) or not needs_overwrite)


def _require(held: Rights, verb: Verb, message: str) -> None:
    if not held.allows(verb):
        raise Denied(message, reasons=(Reason("RIGHT_MISSING", message, "deny"),))
