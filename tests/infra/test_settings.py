"""Settings from the environment: each kind of value, each refusal, and no secret shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.infra.settings import SettingsError, has_password, read_settings, without_password

NAMES = (
    "RAY_ADDRESS",
    "SWEEPS_STORAGE",
    "MLFLOW_TRACKING_URI",
    "SWEEPS_NOTIFY_URL",
    "SWEEPS_NOTIFY_COMMAND",
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("value", ["", "local"])
def test_no_address_is_this_machine(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", value)
    settings = read_settings()
    assert (settings.cluster_address, settings.jobs_address) == (None, None)


@pytest.mark.parametrize("value", ["auto", "10.0.0.7:6379", "head.svc:6379"])
def test_a_cluster_is_joined(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", value)
    settings = read_settings()
    assert (settings.cluster_address, settings.jobs_address) == (value, None)


@pytest.mark.parametrize("value", ["http://head:8265", "https://ray.example.org"])
def test_a_jobs_address_is_submitted_to(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", value)
    settings = read_settings()
    assert (settings.cluster_address, settings.jobs_address) == (None, value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RAY_ADDRESS", "ray://head:10001", "RAY_ADDRESS=ray://head:10001: the Ray client"),
        ("RAY_ADDRESS", "head", "must be one of auto, HOST:PORT"),
        ("RAY_ADDRESS", "http://", "must name a host"),
        (
            "SWEEPS_STORAGE",
            "ftp://host/sweeps",
            "or the address of an object store",
        ),
        ("SWEEPS_STORAGE", "s3://key:hidden@bucket/sweeps", "must not hold a secret"),
        ("SWEEPS_STORAGE", "s3://bucket/sweeps?secret_key=hidden", "must not hold a secret"),
        ("SWEEPS_NOTIFY_URL", "hooks.example.org", "must begin with http"),
        (
            "SWEEPS_NOTIFY_URL",
            "https://ann:pw@hooks.example.org",
            "must not hold a user or password",
        ),
        ("SWEEPS_NOTIFY_URL", "https://hooks.example.org:port", "its port must be a number"),
        ("RAY_ADDRESS", "http://head:port", "a Jobs address must name a host: http://HOST:8265"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert name in str(caught.value)
    assert words in str(caught.value)


def test_all_mistakes_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head")
    monkeypatch.setenv("SWEEPS_STORAGE", "ftp://bucket")
    with pytest.raises(SettingsError, match=r"RAY_ADDRESS=head: .*; SWEEPS_STORAGE=ftp://bucket: "):
        read_settings()


def test_storage_is_an_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEPS_STORAGE", "shared")
    assert read_settings().storage == tmp_path / "shared"


@pytest.mark.parametrize(
    "value",
    [
        "https://hooks.example.org/s3cr3t",
        "s3cr3t",
        "https://ann:s3cr3t@hooks.example.org",
        "https://hooks.example.org:s3cr3t/x",
        "https://s3cr3t\u2100hooks.example.org",
    ],
)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SWEEPS_NOTIFY_URL", value)
    try:
        settings = read_settings()
    except SettingsError as err:
        shown = str(err)
    else:
        assert settings.notify_url is not None
        assert settings.notify_url.get_secret_value() == value
        shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:s3cr3t@host:5000/x", "http://ann:***@host:5000/x"),
        ("postgresql://ann:s@3/cr3t?@host/db", "postgresql://ann:***@host/db"),
        ("postgresql:///db?host=h&password=s3@cr3t", "postgresql:///db?host=h&password=***"),
        ("postgresql://ann@host/db?password=s3;cr#3t", "postgresql://ann@host/db?password=***"),
        ("mysql://host/db?passwd=s3cr3t&ssl=true", "mysql://host/db?passwd=***&ssl=true"),
        ("https://host/x?a=b&Access_Token=s3cr3t", "https://host/x?a=b&Access_Token=***"),
        ("https://host/x?pass%77ord=s3cr3t", "https://host/x?pass%77ord=***"),
        ("mssql+pyodbc://?odbc_connect=UID%3Da%3BPWD%3Ds3cr3t", "mssql+pyodbc://?odbc_connect=***"),
    ],
)
def test_a_password_in_a_uri_is_found_and_hidden(uri: str, shown: str) -> None:
    assert without_password(uri) == shown
    assert has_password(uri)
    assert not has_password(shown.replace("***", ""))


@pytest.mark.parametrize(
    "uri",
    [
        "http://host:5000",
        "http://ann@host:5000",
        "sqlite:////tmp/mlflow.db",
        "sqlite:////home/ann@example.org/mlflow.db",
        "postgresql://ann@host/db?sslmode=require&passfile=/home/ann/.pgpass&sslkey=/k.pem",
    ],
)
def test_a_uri_without_a_password_is_shown_as_it_is(uri: str) -> None:
    assert without_password(uri) == uri
    assert not has_password(uri)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAY_ADDRESS", "https://ann:s3cr3t@"),
        ("RAY_ADDRESS", "ray://ann:s3cr3t@head:10001"),
        ("SWEEPS_STORAGE", "s3://key:s3cr3t@bucket"),
    ],
)
def test_a_value_that_is_refused_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        read_settings()
    assert "s3cr3t" not in str(caught.value)
