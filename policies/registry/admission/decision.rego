# METADATA
# title: The admission decision
# description: |
#   The one document the gateway asks for. It names the rules and the data it was made from, and what every rule says
#   of every subject. It never says "allow": the gateway derives the outcome, and counts an answer only if each active
#   rule answered once for each subject, so that a rule whose body is undefined cannot vanish silently.
# schemas:
#   - input: schema.admission
package registry.admission

# The digest of the Rego modules is written into `data.registry.compiled` by the build, the digest of the data into
# `data.registry.revision` by the activation. Both are undefined here on purpose: without them there is no decision.
revision := {
	"rules": data.registry.compiled.rules,
	"data": data.registry.revision,
}

# METADATA
# entrypoint: true
decision := {
	"revision": revision,
	"evaluated": [finding | some finding in findings],
	"obligations": [obligation | some obligation in obligations],
}

# Every package below `registry.rules` is a rule.
findings contains finding if {
	some id
	some finding in data.registry.rules[id].findings
}

# METADATA
# description: |
#   What the gateway must do when it admits. A gateway that does not know an obligation refuses the manifest, so list
#   here only what your gateway's documentation names. None is shipped.
obligations := set()
