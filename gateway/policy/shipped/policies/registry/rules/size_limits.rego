# METADATA
# title: Size, layers and media types
# description: |
#   The bytes of config and layers, the number of layers, the media types of the manifest and of its layers, and whether
#   a layer may be foreign (kept elsewhere, named by URL) are within limits. Judges everything that is pushed.
# custom:
#   code: SIZE001
#   level: enforce
#   solution: Make the image smaller, or ask for another limit for this project.
# schemas:
#   - input: schema.admission
package registry.rules.size_limits

import data.registry.lib.judge
import data.registry.lib.match
import data.registry.lib.settings

rule := {"id": "size_limits", "code": "SIZE001", "effect": "deny"}

kinds := {
	"max_bytes": "amount",
	"max_layers": "amount",
	"manifest_media_types": "patterns",
	"layer_media_types": "patterns",
	"foreign_layers": "choice",
}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	settings.sound(rule.code, kinds)
	some subject in input.subjects
}

verdict(subject) := {"is": "pass"} if {
	subject.size <= max_bytes
	count(subject.layers) <= max_layers
	match.in_every(manifest_media_types, subject.media_type)
	allowed := allowed_types(subject)
	every layer in subject.layers {
		layer.media_type in allowed
		local_or_allowed(layer)
	}
}

verdict(subject) := {"is": "violation", "message": concat("; ", problems(subject))} if count(problems(subject)) > 0

problems(subject) := ((too_large(subject) | too_many(subject)) | wrong_manifest(subject)) | wrong_layers(subject)

too_large(subject) := set() if subject.size <= max_bytes

too_large(subject) := {concat("", [amount(subject.size), " bytes, the limit is ", amount(max_bytes)])} if {
	subject.size > max_bytes
}

too_many(subject) := set() if count(subject.layers) <= max_layers

too_many(subject) := {concat("", [amount(count(subject.layers)), " layers, the limit is ", amount(max_layers)])} if {
	count(subject.layers) > max_layers
}

wrong_manifest(subject) := set() if match.in_every(manifest_media_types, subject.media_type)

wrong_manifest(subject) := {concat("", ["manifest media type not allowed: ", subject.media_type])} if {
	count(allowing(manifest_media_types, subject.media_type)) < count(manifest_media_types)
}

wrong_layers(subject) := {problem | some problem in problems} if {
	is_array(subject.layers)
	refused := refused_types(subject)
	problems := array.concat(
		[concat("", ["layer media type not allowed: ", layer.media_type]) |
			some layer in subject.layers
			layer.media_type in refused
		],
		[concat("", ["foreign layer not allowed: ", layer.digest]) |
			some layer in subject.layers
			layer.foreign == true
			foreign_layers == "deny"
		],
	)
}

# A type is matched once, however many layers are of it. A layer without one is in neither set, so it does not pass.
types(subject) := {layer.media_type | some layer in subject.layers}

allowed_types(subject) := {type | some type in types(subject); match.in_every(layer_media_types, type)}

refused_types(subject) := {type |
	some type in types(subject)
	count(allowing(layer_media_types, type)) < count(layer_media_types)
}

local_or_allowed(layer) if layer.foreign == false

local_or_allowed(layer) if {
	layer.foreign == true
	foreign_layers == "allow"
}

allowing(lists, text) := [patterns | some patterns in lists; count(match.hits(patterns, text)) > 0]

# Not format_int: compiled to wasm it fails for numbers above 2^31.
amount(number) := json.marshal(number)

# Strict: the smaller limit.
max_bytes := min(settings.values("SIZE001", "max_bytes"))

max_layers := min(settings.values("SIZE001", "max_layers"))

# Strict: every list in force allows it.
manifest_media_types := settings.values("SIZE001", "manifest_media_types")

layer_media_types := settings.values("SIZE001", "layer_media_types")

# Strict: denied where one value in force denies.
foreign_layers := "deny" if "deny" in settings.values("SIZE001", "foreign_layers")

foreign_layers := "allow" if {
	every value in settings.values("SIZE001", "foreign_layers") {
		value == "allow"
	}
}
