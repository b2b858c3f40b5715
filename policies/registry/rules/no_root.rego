# METADATA
# title: Not root
# description: |
#   The user of the image's config is not root. No user at all, a user whose number is 0 in any spelling (`0`, `00`,
#   `+0`, `0:0`) and the names of `root_names`, each with or without a group, are root. A name that only the image's
#   own /etc/passwd makes number 0 is not seen. A user that the gateway masks, since it looks like a secret, is a
#   violation too, whatever SEC001 says of it: nobody can tell who that is. Repositories that match `exempt_repositories`
#   are not judged. Judges images, each platform of an index.
# custom:
#   code: CFG001
#   level: warn
#   solution: Add a line such as USER 10001 to the Dockerfile.
# schemas:
#   - input: schema.admission
package registry.rules.no_root

import data.registry.lib.judge
import data.registry.lib.match
import data.registry.lib.settings

rule := {"id": "no_root", "code": "CFG001", "effect": "deny"}

kinds := {"root_names": "texts", "exempt_repositories": "patterns"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	settings.sound(rule.code, kinds)
	some subject in input.subjects
}

verdict(subject) := {"is": "na"} if subject.kind in {"index", "artifact", "attestation", "chart"}

verdict(subject) := {"is": "na"} if {
	subject.kind == "image"
	exempt == true
}

verdict(subject) := {"is": "violation", "message": "the image has no config that says which user it runs as"} if {
	subject.kind == "image"
	exempt == false
	subject.config == null
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.kind == "image"
	exempt == false
	masked(subject.config.user) == false
	root(account(subject.config.user)) == true
	message := concat("", ["the image runs as root (user \"", subject.config.user, "\")"])
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.kind == "image"
	exempt == false
	masked(subject.config.user) == true
	message := concat("", ["nobody can tell whether the image runs as root (user \"", subject.config.user, "\")"])
}

verdict(subject) := {"is": "pass"} if {
	subject.kind == "image"
	exempt == false
	masked(subject.config.user) == false
	root(account(subject.config.user)) == false
}

# What was masked could be any user, root too.
masked(user) := startswith(user, "[masked: ")

# The part before the group.
account(user) := trim_space(split(user, ":")[0])

root(name) := answer if answer := true in {name == "", regex.match(`^[+-]?0+$`, name), lower(name) in root_names}

# Strict: the union of names.
root_names := {lower(name) | some names in lists; some name in names} if {
	lists := settings.values("CFG001", "root_names")
}

# Strict: exempt only where every value in force exempts it.
exempt := count(exempting) == count(lists) if {
	lists := settings.values("CFG001", "exempt_repositories")
	repository := input.where.repository
	exempting := [patterns | some patterns in lists; count(match.hits(patterns, repository)) > 0]
}
