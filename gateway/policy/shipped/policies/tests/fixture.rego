# METADATA
# title: What the tests share
# description: |
#   A tag decision about a signed two-platform index that every rule passes, and parameters of which every one is set.
#   Tests replace what they are about; they never read `data/`, so changing a parameter breaks no test.
package registry.testing

digest(character) := concat("", ["sha256:", concat("", [character | some _ in numbers.range(1, 64)])])

config := {
	"user": "10001",
	"env": ["PATH=/bin"],
	"labels": {"team": "payments"},
	"entrypoint": ["/app"],
	"cmd": [],
	"exposed_ports": ["8080/tcp"],
	"os": "linux",
	"architecture": "amd64",
	"created": null,
}

image := {
	"digest": digest("a"),
	"root": true,
	"media_type": "application/vnd.oci.image.manifest.v1+json",
	"kind": "image",
	"artifact_type": null,
	"platform": null,
	"annotations": {"org.opencontainers.image.base.name": "docker.io/library/alpine:3.20"},
	"layers": [{
		"digest": digest("1"),
		"size": 900,
		"media_type": "application/vnd.oci.image.layer.v1.tar+gzip",
		"foreign": false,
	}],
	"size": 1000,
	"config": config,
	"secret_findings": [],
}

child := object.union(image, {"digest": digest("b"), "root": false})

attestation := object.union(child, {"digest": digest("c"), "kind": "attestation", "config": null, "annotations": {}})

index := object.union(image, {
	"kind": "index",
	"media_type": "application/vnd.oci.image.index.v1+json",
	"annotations": {},
	"layers": [],
	"size": 0,
	"config": null,
})

document := {
	"api_version": "registry-gateway/admission/v1",
	"decision": "manifest",
	"time": 1790000000,
	"trigger": {"kind": "push", "principal": "u:1"},
	"who": {"id": "u:1", "kind": "user", "name": "anna", "claims": {}},
	"where": {"registry": "localhost:5000", "project": "payments", "repository": "payments/api", "mode": "hold"},
	"tag": null,
	"what": {
		"digest": digest("a"),
		"media_type": "application/vnd.oci.image.manifest.v1+json",
		"kind": "image",
		"artifact_type": null,
		"size": 500,
		"subject": null,
	},
	"subjects": [image],
	"closure": "complete",
	"trust": {
		"satisfied": true,
		"static_pass": false,
		"policies": ["payments"],
		"signers": ["key:1"],
		"codes": [],
	},
	"evidence": {
		"verified": [{
			"evidence": digest("e"),
			"format": "cosign-bundle",
			"signer": "key:1",
			"signer_name": "release",
			"authority": "release",
			"policy": "payments",
			"predicate_type": null,
			"annotations": {},
			"first_seen": 1790000000,
		}],
		"rejected": [],
	},
	"truncated": [],
}

tagging(target, is_this) := object.union(document, {
	"decision": "tag",
	"tag": {"name": "v1.0", "target": target, "target_is_this": is_this},
})

about(subjects) := object.union(document, {"subjects": subjects})

changed(patch) := about([object.union(image, patch)])

configured(patch) := changed({"config": object.union(config, patch)})

parameters := {
	"rules": {
		"SIG001": {"level": "enforce", "binding": false, "minimum_signers": 1, "accept_static_pass": true},
		"TAG001": {"level": "enforce", "immutable_tags": ["v*"]},
		"BASE001": {"level": "enforce", "allowed": ["docker.io/library/*"], "undeclared": "deny"},
		"SEC001": {"level": "enforce", "ignored_detectors": []},
		"CFG001": {"level": "enforce", "root_names": ["root", "ContainerAdministrator"], "exempt_repositories": []},
		"ANN001": {"level": "enforce", "required": [{"key": "team", "in": "label", "value": "*"}]},
		"PUSH001": {"level": "enforce", "pushers": []},
		"SIZE001": {
			"level": "enforce",
			"max_bytes": 1000,
			"max_layers": 2,
			"manifest_media_types": ["application/vnd.oci.*"],
			"layer_media_types": ["application/vnd.oci.*"],
			"foreign_layers": "deny",
		},
	},
	"delegated": {},
}

# METADATA
# description: The parameters with some of one rule's replaced.
with_rule(code, patch) := object.union(parameters, {"rules": {code: object.union(parameters.rules[code], patch)}})

# METADATA
# description: The projects document in which `payments` overrides some of one rule's parameters.
overriding(code, patch) := {"payments": {"rules": {code: patch}}}
