# METADATA
# title: Patterns
# description: |
#   `*` stands for any characters, also none and also `/`, `:` and `.`; everything else stands for itself. The data's
#   schema allows no other special character in a pattern, so there is nothing to get wrong and nothing to escape.
package registry.lib.match

# METADATA
# description: The patterns of the list that the text matches. Undefined where the text is.
hits(patterns, text) := {pattern | some pattern in patterns; like(pattern, text)} if is_string(text)

# METADATA
# description: True where the text matches a pattern of every list. One list is a floor, two are a floor and an override.
in_every(lists, text) if {
	is_string(text)
	every patterns in lists {
		count(hits(patterns, text)) > 0
	}
}

like(pattern, text) if glob.match(pattern, null, text)
