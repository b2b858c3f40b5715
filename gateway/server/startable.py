"""Whether a gateway could serve with a configuration: `serve` asks before it does anything, `config check` asks only.

One function for both, since a check that passes what the start refuses is found out at the next restart. It looks at the
settings, the files that they name and the limit of open files. What changes without them (the catalog's schema, who
listens on the address, whether the OPA server answers) is for `doctor` and the start.

I/O: reads files, and the limit of this process.
Source: INTERFACE 3 (`config check`).
"""

import ssl
from pathlib import Path

from gateway.config.issuers import token_issuers
from gateway.config.reading import read_secret
from gateway.config.sections import Config
from gateway.errors import ConfigInvalid
from gateway.identity.key_files import load_key_ring
from gateway.outbound.client import Outbound
from gateway.policy.opa_client import OpaAddress
from gateway.server.descriptors import attainable, max_connections
from gateway.server.tls import listener_context


def check(config: Config) -> None:
    """Raise `ConfigInvalid` for the first setting that the gateway would not serve with."""
    listener_context(config)
    load_key_ring(config.path(config.identity.key_directory))
    check_secret_files(config)
    check_open_files()


def check_secret_files(config: Config) -> None:
    """Raise `ConfigInvalid` for the first file with a secret, or what belongs to one, that cannot be used."""
    metrics_secret(config)
    token_issuers(config, Outbound())
    for issuer in config.identity.issuer:
        _check_ca(issuer.ca, config, key=f"identity.issuer {issuer.name}: ca")
    if config.policy.engine == "opa":
        if config.policy.token_file is not None:
            read_secret(config.path(config.policy.token_file), key="policy.token_file")
        OpaAddress.parse(config.policy.address)
        _check_ca(config.policy.ca, config, key="policy.ca")


def check_open_files() -> int:
    """Return how many connections there may be. Raises `ConfigInvalid` where this process may open too few files."""
    return max_connections(attainable())


def metrics_secret(config: Config) -> str | None:
    """Return the secret that `/metrics` is for; None where there is no such address. Raises `ConfigInvalid`."""
    file = config.metrics.token_file
    return None if file is None else read_secret(config.path(file), key="metrics.token_file")


def _check_ca(file: Path | None, config: Config, *, key: str) -> None:
    """Raise where ``file`` is not one: whoever uses it reads it when it is first needed, which is too late to refuse."""
    if file is None:
        return
    path = config.path(file)
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:  # an SSLError is one
        raise ConfigInvalid(f"{key}: {path} cannot be read as certificates ({error.strerror or error})") from None
