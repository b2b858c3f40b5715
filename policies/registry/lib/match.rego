# METADATA
# title: Patterns
# description: |
#   `*` stands for any characters, also none, and also `/`, `:`, `.` and line breaks; everything else stands for itself.
#   Not `glob.match`: its star stops at a line break when compiled to wasm, and does not in the server.
package registry.lib.match

import data.registry.lib.settings

# METADATA
# description: |
#   The patterns of the list that the text matches. Undefined where the text is, and where a pattern has a character that
#   the data's schema does not allow: it would mean something else than itself.
hits(patterns, text) := {pattern | some pattern in patterns; like(pattern, text)} if {
	is_string(text)
	every pattern in patterns {
		settings.is_pattern(pattern)
	}
}

# METADATA
# description: True where the text matches a pattern of every list. One list is a floor, two are a floor and an override.
in_every(lists, text) if {
	is_string(text)
	every patterns in lists {
		count(hits(patterns, text)) > 0
	}
}

like(pattern, text) if regex.match(concat("", ["(?s)^", expression(pattern), "$"]), text)

expression(pattern) := replace(replace(replace(pattern, ".", "[.]"), "+", "[+]"), "*", ".*")
