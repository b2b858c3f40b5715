"""Claims as the platforms write them, and the rules that an operator would write for them."""

from gateway.oci.strict_json import JsonObject

AUDIENCE = "https://registry.example.test"

GITHUB: JsonObject = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": AUDIENCE,
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "jti": "6f1a5b1e-8a3e-4d0f-9a0c-0a5d7f3f6b11",
    "exp": 1_790_000_300,
    "iat": 1_790_000_000,
    "nbf": 1_789_999_400,
    "actor": "ada",
    "actor_id": "1001",
    "base_ref": "",
    "event_name": "push",
    "head_ref": "",
    "job_workflow_ref": "acme/shop/.github/workflows/image.yml@refs/heads/main",
    "job_workflow_sha": "5b3c6f3c1d0e4b7a9f6a0d1c2b3a4f5e6d7c8b9a",
    "ref": "refs/heads/main",
    "ref_protected": "true",
    "ref_type": "branch",
    "repository": "acme/shop",
    "repository_id": "7007",
    "repository_owner": "acme",
    "repository_owner_id": "42",
    "repository_visibility": "private",
    "run_attempt": "1",
    "run_id": "900100",
    "run_number": "18",
    "runner_environment": "github-hosted",
    "sha": "5b3c6f3c1d0e4b7a9f6a0d1c2b3a4f5e6d7c8b9a",
    "workflow": "image",
    "workflow_ref": "acme/shop/.github/workflows/image.yml@refs/heads/main",
    "workflow_sha": "5b3c6f3c1d0e4b7a9f6a0d1c2b3a4f5e6d7c8b9a",
}
GITHUB_NEW_SUB: JsonObject = {**GITHUB, "sub": "repo:acme-42/shop-7007:ref:refs/heads/main"}
"""`sub` of a repository made or renamed after June 2026."""
GITHUB_REUSABLE: JsonObject = {
    **GITHUB,
    "job_workflow_ref": "acme/workflows/.github/workflows/publish.yml@refs/tags/v3",
}
"""The workflow is the shop's; the job that runs is another repository's."""
GITHUB_PULL_REQUEST_TARGET: JsonObject = {**GITHUB, "event_name": "pull_request_target", "head_ref": "evil"}
GITHUB_RECREATED: JsonObject = {**GITHUB, "repository_id": "9999", "repository_owner_id": "666"}
"""The same names, given to somebody else."""

GITLAB: JsonObject = {
    "iss": "https://gitlab.example.test",
    "aud": AUDIENCE,
    "sub": "project_path:acme/shop:ref_type:branch:ref:main",
    "jti": "2f3c-77",
    "exp": 1_790_003_600,
    "iat": 1_790_000_000,
    "nbf": 1_789_999_995,
    "namespace_id": "72",
    "namespace_path": "acme",
    "project_id": "20",
    "project_path": "acme/shop",
    "user_id": "1",
    "user_login": "ada",
    "user_email": "ada@example.test",
    "user_access_level": "developer",
    "pipeline_id": "574",
    "pipeline_source": "push",
    "job_id": "302",
    "ref": "main",
    "ref_type": "branch",
    "ref_path": "refs/heads/main",
    "ref_protected": "true",
    "environment": "production",
    "environment_protected": "false",
    "runner_id": 1,
    "runner_environment": "self-hosted",
    "ci_config_ref_uri": "gitlab.example.test/acme/shop//.gitlab-ci.yml@refs/heads/main",
    "ci_config_sha": "d34db33f",
    "project_visibility": "internal",
}
GITLAB_JOB_PROJECT: JsonObject = {**GITLAB, "job_project_id": "20", "job_project_path": "acme/shop"}
GITLAB_FORK_REQUEST: JsonObject = {
    **GITLAB,
    "project_id": "31",
    "project_path": "mallory/shop",
    "namespace_id": "99",
    "pipeline_source": "merge_request_event",
    "job_project_id": "20",
    "job_project_path": "acme/shop",
}
"""A merge request from a fork: `project_*` name the fork, the job ran in the parent."""

KUBERNETES: JsonObject = {
    "iss": "https://kubernetes.default.svc.cluster.local",
    "aud": [AUDIENCE],
    "sub": "system:serviceaccount:build:kaniko",
    "jti": "a1",
    "exp": 1_790_003_600,
    "iat": 1_790_000_000,
    "nbf": 1_790_000_000,
    "kubernetes.io": {
        "namespace": "build",
        "node": {"name": "node-1", "uid": "0f"},
        "pod": {"name": "kaniko-x1", "uid": "7c"},
        "serviceaccount": {"name": "kaniko", "uid": "5b1f1c0e-1111-4222-8333-944445555666"},
    },
}

KUBERNETES_MADE_AGAIN: JsonObject = {
    **KUBERNETES,
    "kubernetes.io": {"namespace": "build", "serviceaccount": {"name": "kaniko", "uid": "77"}},
}
"""The same names after the account was deleted and made anew."""

SPIFFE: JsonObject = {
    "aud": [AUDIENCE],
    "sub": "spiffe://acme.test/build/kaniko",
    "exp": 1_790_000_300,
    "iat": 1_790_000_000,
}

JENKINS: JsonObject = {
    "iss": "https://jenkins.example.test/oidc",
    "aud": AUDIENCE,
    "sub": "https://jenkins.example.test/job/shop/job/main/",
    "exp": 1_790_003_600,
    "iat": 1_790_000_000,
    "build_number": 18,
}

HEAD = f"""
name = "shop"
issuer = "ci"
audience = "{AUDIENCE}"
project = "acme"
role = "writer"
"""


def toml(match: str, *, more: str = "", head: str = HEAD) -> bytes:
    """Return a rule's file with the lines ``match`` in its table and the lines ``more`` before it."""
    return f"{head}{more}\n[match]\n{match}\n".encode()
