# METADATA
# title: Allowed base images
# description: |
#   The annotation `org.opencontainers.image.base.name` (or the config label of that name) matches a pattern of
#   `allowed`. Where it is declared in both places, both must. Where it is not declared, `undeclared` says `allow` or
#   `deny`. A declaration is only a claim of whoever built the image. Judges images.
# custom:
#   code: BASE001
#   level: enforce
#   solution: Build from an allowed base image, and declare it (docker buildx build --annotation ...).
# schemas:
#   - input: schema.admission
package registry.rules.base_image

import data.registry.lib.judge
import data.registry.lib.match
import data.registry.lib.settings

rule := {"id": "base_image", "code": "BASE001", "effect": "deny"}

kinds := {"allowed": "patterns", "undeclared": "choice"}

key := "org.opencontainers.image.base.name"

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

verdict(subject) := {"is": "pass"} if {
	subject.kind == "image"
	count(declared(subject)) > 0
	every name in declared(subject) {
		match.in_every(allowed, name)
	}
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.kind == "image"
	refused := {name | some name in declared(subject); count(allowing(name)) < count(allowed)}
	count(refused) > 0
	message := concat("", ["base image not allowed: ", concat(", ", refused)])
}

verdict(subject) := {"is": "pass"} if {
	subject.kind == "image"
	count(declared(subject)) == 0
	undeclared == "allow"
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.kind == "image"
	count(declared(subject)) == 0
	undeclared == "deny"
	message := concat("", ["the image does not declare its base image in the annotation ", key])
}

# `subject.config` is null where there is no config that the gateway reads: a value, unlike a missing field. What is read
# is bound outside the comprehension, since inside one a missing field would read as "declares nothing".
declared(subject) := {name | some name in names} if {
	subject.config == null
	names := named(subject.annotations)
}

declared(subject) := {name | some name in names} if {
	subject.config != null
	names := array.concat(named(subject.annotations), named(subject.config.labels))
}

named(texts) := [text | some name, text in texts; name == key] if is_object(texts)

allowing(name) := [patterns | some patterns in allowed; count(match.hits(patterns, name)) > 0]

# Strict: every list in force allows it.
allowed := settings.values("BASE001", "allowed")

# Strict: denied where one value in force denies.
undeclared := "deny" if "deny" in settings.values("BASE001", "undeclared")

undeclared := "allow" if {
	every value in settings.values("BASE001", "undeclared") {
		value == "allow"
	}
}
