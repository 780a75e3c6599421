"""Settings, read once at the start: `OSTIARY_*` environment variables, over a TOML file, over these defaults.

What an administrator changes while the server runs (people, branding, policy) is data in storage, not here.
"""

import os
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OSTIARY_", extra="forbid", frozen=True)

    data: Path = Field(default=Path("ostiary-data"), description="Directory of the database and the sealing key.")
    public_url: str = Field(
        default="http://localhost:8000",
        description="Where people's browsers find this server. Its host is the relying party's identifier, for good.",
    )
    rp_id: str = Field(
        default="",
        description="The relying party's identifier when it is to be a parent domain of the public URL's host.",
    )
    extra_origins: tuple[str, ...] = Field(
        default=(), description="Further origins from which passkeys of this relying party are accepted."
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="`postgresql+psycopg://...`; SQLite in the data directory when empty.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses of reverse proxies whose X-Forwarded-For is believed."
    )
    tunnel_domain: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="The number of the domain under which this server's own tunnel service is reached; 0: none.",
    )
    smtp_host: str = Field(
        default="", description="The mail server that takes our mail. When empty, mail waits and nobody is told."
    )
    smtp_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Its port; 0 means the usual one: 587 for `starttls`, 465 for `tls`, 25 for `none`.",
    )
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        default="starttls",
        description="How the connection is protected: `starttls`, `tls` from the first byte, or `none`.",
    )
    smtp_username: str = Field(default="", description="The name to log in to the mail server with; empty: no login.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="The password that belongs to it.")
    mail_from: str = Field(
        default="",
        description="The sender of mail, `address` or `Name <address>`; `no-reply@` and the public host when empty.",
    )
    mail_language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}$",
        description="The language of mail to people whose own we do not know: `en` or `ar`.",
    )
    mds_accept_terms: bool = Field(
        default=False,
        description="Whether you accept the terms of FIDO's metadata service; without it nothing is downloaded.",
    )
    mds_url: str = Field(
        default="https://mds3.fidoalliance.org/", description="Where FIDO's metadata is downloaded from."
    )
    mds_root: str = Field(
        default="", description="A PEM file with the root its signature leads to; the one FIDO uses today when empty."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get("OSTIARY_CONFIG", "ostiary.toml")
        return (
            init_settings,
            env_settings,
            _SecretFiles(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=file),
        )

    @field_validator("public_url", "extra_origins", mode="after")
    @classmethod
    def _are_origins(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(value, str):
            return _origin(value)
        return tuple(_origin(one) for one in value)

    @field_validator("tunnel_domain", mode="after")
    @classmethod
    def _is_tunnel_domain(cls, value: int) -> int:
        if 0 < value < 256:
            raise ValueError("an organisation's own tunnel domain is 256 or more: see `ostiary tunnel --domains`")
        return value

    @field_validator("mail_from", mode="after")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        local, at, domain = parseaddr(value)[1].rpartition("@")
        if value and (not local or not at or not domain or not value.isprintable()):
            raise ValueError(f"{value} is not of the form address@host or Name <address@host>")
        return value

    @model_validator(mode="after")
    def _rp_id_fits(self) -> "Settings":
        host = self.host
        if self.rp_id and host != self.rp_id and not host.endswith(f".{self.rp_id}"):
            raise ValueError(f"rp_id must be {host} or a parent domain of it")
        return self

    @property
    def host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def relying_party_id(self) -> str:
        return self.rp_id or self.host

    @property
    def origins(self) -> tuple[str, ...]:
        return (self.public_url, *self.extra_origins)

    @property
    def database(self) -> str:
        return self.database_url.get_secret_value() or f"sqlite:///{self.data / 'ostiary.db'}"


class _SecretFiles(PydanticBaseSettingsSource):
    """`OSTIARY_DATABASE_URL_FILE` names a file that holds the secret, as container platforms hand them out."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"OSTIARY_{field_name.upper()}_FILE")
        is_secret = field.annotation is SecretStr
        return (Path(path).read_text().strip() if path and is_secret else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _origin(url: str) -> str:
    """`scheme://host[:port]`; https, or http for a loopback name, as browsers allow WebAuthn."""
    parts = urlsplit(url.rstrip("/"))
    is_local = parts.hostname == "localhost" or (parts.hostname or "").endswith(".localhost")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query or parts.username:
        raise ValueError(f"{url} is not of the form https://host")
    if parts.scheme == "http" and not is_local:
        raise ValueError(f"{url}: passkeys need https, except on localhost")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # browsers leave the default port out of an origin (RFC 6454 §6.2), and origins are compared whole
    is_default_port = parts.port in (None, {"https": 443, "http": 80}[parts.scheme])
    return f"{parts.scheme}://{host}" if is_default_port else f"{parts.scheme}://{host}:{parts.port}"
