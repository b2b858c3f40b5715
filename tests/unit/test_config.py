"""The configuration: what is refused, by the key that is named; what wins; what is made of it."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.config.reading import MAX_SECRET_BYTES, find_file, load, parse, read_secret
from gateway.config.sections import Config
from gateway.errors import ConfigInvalid
from gateway.evidence.limits import MAX_ATTESTATION_BYTES, MAX_EVIDENCE_MANIFEST_BYTES

DIRECTORY = Path("/srv/registry")
PREFIX = "REGISTRY_GATEWAY__"


def read(text: str = "", environment: Mapping[str, str] | None = None) -> Config:
    return parse(text, environment or {}, directory=DIRECTORY, name="gateway.toml")


def refusal(text: str = "", environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        read(text, environment)
    return caught.value.message


def test_an_empty_file_is_the_defaults_and_they_are_safe() -> None:
    config = read()
    assert config.server.address == ("127.0.0.1", 5000)
    assert config.server.public_host == "localhost:5000"
    assert config.server.tls.mode == "self-signed"
    assert config.server.tls.minimum == "1.3"
    assert config.metrics.token_file is None
    assert config.policy.engine == "wasm"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param('[server]\nlisten = "5000"', "server.listen", id="listen-no-host"),
        pytest.param('[server]\nlisten = ":5000"', "server.listen", id="listen-empty-host"),
        pytest.param('[server]\nlisten = "localhost:5000"', "server.listen", id="listen-a-name"),
        pytest.param('[server]\nlisten = "127.0.0.1:65536"', "server.listen", id="listen-port-over"),
        pytest.param('[server]\nlisten = "127.0.0.1:٥"', "server.listen", id="listen-port-not-ascii"),
        pytest.param('[server]\nhosts = ["a b"]', "server.hosts", id="hosts-space"),
        pytest.param('[server]\nhosts = ["https://a"]', "server.hosts", id="hosts-url"),
        pytest.param('[server]\nhosts = ["a:65536"]', "server.hosts", id="hosts-port-over"),
        pytest.param('[server]\nhosts = ["*"]', "server.hosts", id="hosts-any"),
        pytest.param('[server.tls]\nmode = "acme"', "server.tls.mode", id="tls-mode"),
        pytest.param('[server.tls]\nminimum = "1.1"', "server.tls.minimum", id="tls-minimum"),
        pytest.param("[server.limits]\nmanifest_bytes = 4194303", "server.limits.manifest_bytes", id="manifest-under"),
        pytest.param("[server.limits]\nmanifest_bytes = 16777217", "server.limits.manifest_bytes", id="manifest-over"),
        pytest.param(
            "[server.limits]\nevidence_manifest_bytes = 65535",
            "server.limits.evidence_manifest_bytes",
            id="evidence-manifest-under",
        ),
        pytest.param(
            f"[server.limits]\nevidence_manifest_bytes = {MAX_EVIDENCE_MANIFEST_BYTES + 1}",
            "server.limits.evidence_manifest_bytes",
            id="evidence-manifest-over-what-the-parsers-take",
        ),
        pytest.param(
            f"[server.limits]\nevidence_bytes = {MAX_ATTESTATION_BYTES + 1}",
            "server.limits.evidence_bytes",
            id="evidence-over-what-the-parsers-take",
        ),
        pytest.param("[server.limits]\nblob_bytes = 0", "server.limits.blob_bytes", id="blob-zero"),
        pytest.param("[server.limits]\nhead_seconds = 0", "server.limits.head_seconds", id="head-zero"),
        pytest.param("[server.limits]\nhead_seconds = nan", "server.limits.head_seconds", id="head-nan"),
        pytest.param("[server.limits]\nhead_seconds = inf", "server.limits.head_seconds", id="head-inf"),
        pytest.param("[server.limits]\ndrain_seconds = -1", "server.limits.drain_seconds", id="drain-negative"),
        pytest.param(
            "[server.limits]\nupload_idle_seconds = 59", "server.limits.upload_idle_seconds", id="upload-idle-under"
        ),
        pytest.param("[server.limits]\nheld_seconds = 0", "server.limits.held_seconds", id="held-zero"),
        pytest.param(
            "[server.limits]\nverification_seconds = 61", "server.limits.verification_seconds", id="verification-over"
        ),
        pytest.param("[identity]\ntoken_seconds = 59", "identity.token_seconds", id="token-under"),
        pytest.param("[identity]\ntoken_seconds = 901", "identity.token_seconds", id="token-over"),
        pytest.param("[identity]\ntoken_seconds = true", "identity.token_seconds", id="token-a-truth"),
        pytest.param('[policy]\nengine = "rego"', "policy.engine", id="engine"),
        pytest.param("[policy]\nseconds = 0", "policy.seconds", id="policy-zero"),
        pytest.param("[policy]\nseconds = 11", "policy.seconds", id="policy-over"),
        pytest.param("[log]\nrequests = 3", "log.requests", id="requests-a-number"),
        pytest.param("server = 1", "server", id="a-section-that-is-a-number"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_its_key(text: str, key: str) -> None:
    assert refusal(text).startswith(f"gateway.toml: {key}: ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("[sever]\n", "sever: unknown key, did you mean server?", id="section"),
        pytest.param("[server]\nlisen = 1", "server.lisen: unknown key, did you mean listen?", id="key"),
        pytest.param("[server.tls]\nmodes = 1", "server.tls.modes: unknown key, did you mean mode?", id="nested"),
        pytest.param("[trust]\nxyz = 1", "trust.xyz: unknown key, the known ones are directory", id="nothing-is-near"),
        pytest.param(
            'directory = "/etc"',
            "directory: unknown key, the known ones are identity, log, metrics, policy, server, storage, trust",
            id="the-folder-is-not-for-the-file-to-say",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(text: str, sentence: str) -> None:
    assert refusal(text) == f"gateway.toml: {sentence}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param('[server]\ntrusted_proxies = ["10.0.0.0/8"]', "server.trusted_proxies", id="trusted-proxies"),
        pytest.param('[storage]\ncontent = "s3://bucket"', "storage.content", id="content"),
        pytest.param('[storage]\ncatalog = "postgresql://db"', "storage.catalog", id="catalog"),
        pytest.param('[policy]\nshadow = "next"', "policy.shadow", id="shadow"),
        pytest.param('[projects.team]\nmode = "hold"', "projects", id="projects"),
        pytest.param('[audit]\nx = "y"', "audit", id="audit"),
        pytest.param('[[identity.provider]]\nname = "corp"', "identity.provider", id="providers"),
        pytest.param('[[upstream]]\nname = "hub"', "upstream", id="upstreams"),
        pytest.param('[[mirror]]\nname = "hub"', "mirror", id="mirrors"),
    ],
)
def test_a_key_of_a_later_version_is_refused_as_such(text: str, key: str) -> None:
    assert refusal(text) == f"gateway.toml: {key}: is not there yet in this version; remove it"


def test_one_worker_is_accepted_and_more_are_refused_with_what_is_supported() -> None:
    assert read("[server]\nworkers = 1").server.workers == 1
    assert refusal("[server]\nworkers = 2").startswith(
        "gateway.toml: server.workers: this version serves with one worker over one SQLite catalog"
    )
    assert refusal("[server]\nworkers = 0").startswith("gateway.toml: server.workers: ")


class TestSecrets:
    def test_a_secret_is_the_one_line_of_its_file(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_bytes(b"s3cret-\n")
        assert read_secret(file, key="metrics.token_file") == "s3cret-"

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b" \n\t\n", id="blank"),
            pytest.param(b"\xff\xfe", id="not-utf-8"),
            pytest.param("sécret".encode(), id="not-ascii"),
            pytest.param(b"one\ntwo", id="two-lines"),
            pytest.param(b"one two", id="two-words"),
            pytest.param(b"one\x00", id="nul"),
            pytest.param(None, id="no-file"),
        ],
    )
    def test_a_file_without_a_usable_secret_is_refused_by_its_setting(
        self, tmp_path: Path, content: bytes | None
    ) -> None:
        file = tmp_path / "token"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigInvalid) as caught:
            read_secret(file, key="metrics.token_file")
        assert caught.value.message.startswith(f"metrics.token_file: {file} ")

    @pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
    def test_what_is_no_regular_file_is_refused_and_not_waited_for(self, tmp_path: Path, kind: str) -> None:
        file = tmp_path / "token"
        if kind == "folder":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        else:
            file.symlink_to("/dev/zero")
        with pytest.raises(ConfigInvalid) as caught:
            read_secret(file, key="metrics.token_file")
        assert caught.value.message == f"metrics.token_file: {file} is not a regular file"

    def test_a_secret_has_a_length_that_fits_a_head(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_bytes(b"s" * MAX_SECRET_BYTES)
        assert len(read_secret(file, key="metrics.token_file")) == MAX_SECRET_BYTES
        file.write_bytes(b"s" * (MAX_SECRET_BYTES + 1))
        with pytest.raises(ConfigInvalid):
            read_secret(file, key="metrics.token_file")

    def test_a_secret_may_be_mounted_as_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b"s3cret\n")
        (tmp_path / "token").symlink_to("data")
        assert read_secret(tmp_path / "token", key="metrics.token_file") == "s3cret"


def test_what_is_not_toml_is_refused() -> None:
    assert refusal("[server").startswith("gateway.toml: not TOML: ")
    assert refusal("[server]\nlisten = 'a'\nlisten = 'b'").startswith("gateway.toml: not TOML: ")


class TestTheNameThatClientsUse:
    @pytest.mark.parametrize(
        "url",
        [
            pytest.param("http://registry.example.test", id="plain-with-tls"),
            pytest.param("registry.example.test", id="no-scheme"),
            pytest.param("https://", id="no-host"),
            pytest.param("https://registry.example.test/", id="path"),
            pytest.param("https://registry.example.test/v2", id="longer-path"),
            pytest.param("https://registry.example.test?x=1", id="query"),
            pytest.param("https://registry.example.test#x", id="fragment"),
            pytest.param("https://user@registry.example.test", id="user"),
            pytest.param("https://@registry.example.test", id="empty-user"),
            pytest.param("https://registry.example.test:99999", id="port-over"),
            pytest.param("https://registry.example.test:https", id="port-a-word"),
            pytest.param("https://registry example.test", id="space"),
            pytest.param("https://registry.example.test\n", id="line-break"),
            pytest.param("HTTPS://registry.example.test", id="upper-case-scheme"),
        ],
    )
    def test_anything_but_scheme_host_and_port_is_refused(self, url: str) -> None:
        assert refusal(environment={f"{PREFIX}SERVER__PUBLIC_URL": url}) == (
            "gateway.toml: server: public_url is https://HOST[:PORT] and nothing more"
        )

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            pytest.param("https://registry.example.test", "registry.example.test", id="name"),
            pytest.param("https://registry.example.test:8443", "registry.example.test:8443", id="port"),
            pytest.param("https://192.0.2.1:5000", "192.0.2.1:5000", id="v4"),
            pytest.param("https://[2001:db8::1]:5000", "[2001:db8::1]:5000", id="v6"),
        ],
    )
    def test_the_host_is_as_it_stands_in_references(self, url: str, host: str) -> None:
        assert read(f'[server]\npublic_url = "{url}"').server.public_host == host


class TestPlainHttp:
    """Security row 7: what is told in plain text, and by whom, is not for the network to decide."""

    @pytest.mark.parametrize("listen", ["0.0.0.0:5000", "[::]:5000", "192.0.2.1:5000", "[2001:db8::1]:5000"])
    def test_is_refused_where_others_could_listen(self, listen: str) -> None:
        text = f'[server]\nlisten = "{listen}"\npublic_url = "http://localhost:5000"\n[server.tls]\nmode = "off"'
        assert refusal(text) == 'gateway.toml: server: tls.mode = "off" is accepted on loopback addresses only'

    @pytest.mark.parametrize("listen", ["127.0.0.1:5000", "127.9.9.9:5000", "[::1]:5000"])
    def test_is_accepted_on_loopback(self, listen: str) -> None:
        text = f'[server]\nlisten = "{listen}"\npublic_url = "http://localhost:5000"\n[server.tls]\nmode = "off"'
        assert read(text).server.tls.mode == "off"

    def test_needs_a_public_url_that_says_so(self) -> None:
        text = '[server]\npublic_url = "https://localhost:5000"\n[server.tls]\nmode = "off"'
        assert refusal(text) == "gateway.toml: server: public_url is http://HOST[:PORT] and nothing more"

    def test_a_proxy_is_never_believed(self) -> None:
        assert refusal('[server]\ntrusted_proxies = ["*"]').endswith("is not there yet in this version; remove it")


class TestOpa:
    @pytest.mark.parametrize(
        "address",
        ["", "opa:8181", "unix://relative", "ftp://opa"],
    )
    def test_needs_an_address(self, address: str) -> None:
        found = refusal(f'[policy]\nengine = "opa"\naddress = "{address}"')
        assert found.startswith('gateway.toml: policy: engine = "opa" needs address = ')

    @pytest.mark.parametrize("address", ["unix:///run/opa.sock", "http://127.0.0.1:8181", "https://opa.example.test"])
    def test_takes_a_socket_or_a_url(self, address: str) -> None:
        assert read(f'[policy]\nengine = "opa"\naddress = "{address}"').policy.address == address


GOOD_ISSUER = 'name = "ci"\nissuer = "https://ci.example.test"\n'


def issuers(*tables: str) -> str:
    return "".join(f"[[identity.issuer]]\n{table}\n" for table in tables)


class TestIssuersOfCiTokens:
    def test_without_one_nobody_else_s_tokens_are_taken(self) -> None:
        assert read().identity.issuer == ()

    def test_one_needs_its_name_and_its_address(self) -> None:
        (found,) = read(issuers(GOOD_ISSUER)).identity.issuer
        assert (found.name, found.issuer) == ("ci", "https://ci.example.test")
        assert (found.jwks_file, found.ca, found.internal, found.immutable_claims) == (None, None, False, ())
        assert refusal(issuers('issuer = "https://ci.example.test"')).startswith(
            "gateway.toml: identity.issuer.0.name: "
        )
        assert refusal(issuers('name = "ci"')).startswith("gateway.toml: identity.issuer.0.issuer: ")

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            pytest.param('jwks = "k"', "identity.issuer.0.jwks: unknown key, did you mean jwks_file?", id="near"),
            pytest.param(
                'audience = "a"', "identity.issuer.0.audience: unknown key, the known ones are ca, ", id="none"
            ),
        ],
    )
    def test_an_unknown_key_inside_is_refused_with_the_nearest(self, line: str, said: str) -> None:
        assert refusal(issuers(f"{GOOD_ISSUER}{line}")).startswith(f"gateway.toml: {said}")

    @pytest.mark.parametrize("name", ["", "CI", "-ci", "c i", "ci\\n", "c" * 64])
    def test_a_name_is_one_that_a_rule_can_write(self, name: str) -> None:
        text = issuers(f'name = "{name}"\nissuer = "https://ci.example.test"')
        assert refusal(text).startswith("gateway.toml: identity.issuer.0.name: ")

    @pytest.mark.parametrize(
        "url",
        [
            pytest.param("http://ci.example.test", id="not-https"),
            pytest.param("ci.example.test", id="no-scheme"),
            pytest.param("https://", id="no-host"),
            pytest.param("https://user@ci.example.test", id="user"),
            pytest.param("https://ci.example.test?x=1", id="query"),
            pytest.param("https://ci.example.test#x", id="fragment"),
        ],
    )
    def test_an_address_is_https_and_has_no_more_than_a_path(self, url: str) -> None:
        assert refusal(issuers(f'name = "ci"\nissuer = "{url}"')) == (
            "gateway.toml: identity.issuer.0.issuer: is https://HOST[:PORT][/PATH] and nothing more"
        )

    @pytest.mark.parametrize("url", ["https://ci.example.test/", "https://ci.example.test:8443/oidc"])
    def test_an_address_is_kept_to_the_letter(self, url: str) -> None:
        assert read(issuers(f'name = "ci"\nissuer = "{url}"')).identity.issuer[0].issuer == url

    def test_no_two_have_one_name(self) -> None:
        other = 'name = "ci"\nissuer = "https://other.example.test"'
        assert refusal(issuers(GOOD_ISSUER, other)) == "gateway.toml: identity.issuer: two issuers have one name"

    def test_two_share_an_address_only_where_each_has_its_keys_pinned(self) -> None:
        pinned = f'{GOOD_ISSUER}jwks_file = "one.json"'
        second = 'name = "second"\nissuer = "https://ci.example.test"\n'
        assert refusal(issuers(pinned, second)) == (
            "gateway.toml: identity.issuer: two issuers are https://ci.example.test: "
            "then each needs its keys pinned by jwks_file"
        )
        assert len(read(issuers(pinned, f'{second}jwks_file = "two.json"')).identity.issuer) == 2

    @pytest.mark.parametrize("line", ['ca = "ca.pem"', "internal = true"])
    def test_with_pinned_keys_nothing_says_how_to_fetch(self, line: str) -> None:
        assert refusal(issuers(f'{GOOD_ISSUER}jwks_file = "keys.json"\n{line}')) == (
            "gateway.toml: identity.issuer.0: with jwks_file nothing is fetched: ca and internal have no meaning"
        )


class TestTheEnvironment:
    def test_wins_over_the_file_at_every_depth(self) -> None:
        config = read(
            '[server]\nlisten = "127.0.0.1:1"\n[server.limits]\nheld_seconds = 100\n',
            {
                f"{PREFIX}SERVER__LISTEN": "127.0.0.1:2",
                f"{PREFIX}SERVER__LIMITS__HELD_SECONDS": "200",
                f"{PREFIX}STORAGE__PATH": "/var/lib/registry",
                f"{PREFIX}LOG__REQUESTS": "false",
            },
        )
        assert config.server.address == ("127.0.0.1", 2)
        assert config.server.limits.held_seconds == 200
        assert config.storage.path == Path("/var/lib/registry")
        assert config.log.requests is False

    def test_a_list_is_written_with_commas(self) -> None:
        config = read(environment={f"{PREFIX}SERVER__HOSTS": "registry.internal, 192.0.2.1:5000"})
        assert config.server.hosts == ("registry.internal", "192.0.2.1:5000")

    def test_a_mistake_is_told_by_the_variable_that_made_it(self) -> None:
        variable = f"{PREFIX}IDENTITY__TOKEN_SECONDS"
        assert refusal(environment={variable: "1"}).startswith(f"{variable}: identity.token_seconds: ")

    def test_an_unknown_variable_is_refused(self) -> None:
        variable = f"{PREFIX}SERVER__LISEN"
        assert refusal(environment={variable: "x"}) == f"{variable}: server.lisen: unknown key, did you mean listen?"

    def test_a_key_is_no_section(self) -> None:
        variable = f"{PREFIX}SERVER__LISTEN__PORT"
        assert refusal('[server]\nlisten = "127.0.0.1:1"', {variable: "1"}) == f"{variable}: listen is not a section"

    def test_the_folder_is_not_for_the_environment_to_say(self) -> None:
        variable = f"{PREFIX}DIRECTORY"
        assert refusal(environment={variable: "/etc"}).startswith(f"{variable}: directory: unknown key")

    def test_other_variables_are_not_read(self) -> None:
        assert read(environment={"SERVER__LISTEN": "x", "REGISTRY_GATEWAY_SERVER__LISTEN": "y"}) == read()


class TestTheFile:
    def test_the_option_wins_over_the_variable_and_that_over_the_folder(self) -> None:
        assert find_file(Path("a"), {"REGISTRY_GATEWAY_CONFIG": "b"}) == Path("a")
        assert find_file(None, {"REGISTRY_GATEWAY_CONFIG": "b"}) == Path("b")
        assert find_file(None, {}) == Path("gateway.toml")

    def test_one_that_is_not_there_is_refused_with_what_makes_one(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigInvalid) as caught:
            load(tmp_path / "gateway.toml", {})
        assert "registry-gateway init DIR" in caught.value.message

    def test_relative_paths_are_relative_to_it(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.toml").write_text('[storage]\npath = "state"\n', encoding="utf-8")
        config = load(tmp_path / "gateway.toml", {})
        assert config.path(config.storage.path) == tmp_path / "state"
        assert config.path(Path("/var/lib/registry")) == Path("/var/lib/registry")

    def test_what_is_not_utf8_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.toml").write_bytes(b"# \xff\n")
        with pytest.raises(ConfigInvalid) as caught:
            load(tmp_path / "gateway.toml", {})
        assert "UTF-8" in caught.value.message


def test_a_configuration_does_not_change() -> None:
    config = read()
    with pytest.raises(ValueError, match="frozen"):
        config.log.requests = False
