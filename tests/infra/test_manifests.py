"""Images and manifests: parsed, held to schemas, and their commands to the real command lines."""

from __future__ import annotations

import importlib.resources
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from dockerfile_parse import DockerfileParser

from sweeps.cli.commands import _parser

# MLflow's own use of SQLAlchemy 2.1, and what its command line imports.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
KUSTOMIZATION = INFRA / "kubernetes" / "kustomization.yaml"
KUBERNETES = sorted(set((INFRA / "kubernetes").glob("*.yaml")) - {KUSTOMIZATION})
KUBERNETES_VERSION = "1.33"
PINNED = dict(
    line.split("==")
    for line in (INFRA / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
)


def dockerfile() -> list[dict[str, Any]]:
    parser = DockerfileParser(path=str(INFRA / "images" / "Dockerfile"))
    return list(parser.structure)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((INFRA / "compose.yaml").read_text()))


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def launcher() -> dict[str, Any]:
    return dict(yaml.safe_load((INFRA / "ray_up" / "aws.yaml").read_text()))


def within(value: Any, key: str) -> Iterator[Any]:
    """Yield what stands under `key`, at any depth."""
    if isinstance(value, dict):
        yield from [inner for name, inner in value.items() if name == key]
        for inner in value.values():
            yield from within(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from within(inner, key)


def pod_templates(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in within(document, "template") if "spec" in one]


def commands() -> dict[str, list[str]]:
    """Return every command of ours, in words, by where it stands."""
    found: dict[str, list[str]] = {}
    for name, service in compose()["services"].items():
        if "command" in service:
            found[f"compose {name}"] = shlex.split(_with_defaults(service["command"]))
        test = service.get("healthcheck", {}).get("test", [])[1:]
        found[f"compose {name} health"] = [str(word) for word in test]
    for path in KUBERNETES:
        for document in documents(path):
            for number, container in enumerate(
                c for cs in within(document, "containers") for c in cs
            ):
                words = [*container.get("command", []), *container.get("args", [])]
                found[f"{path.name} {document['kind']} {number}"] = words
            for entrypoint in within(document, "entrypoint"):
                found[f"{path.name} entrypoint"] = shlex.split(entrypoint)
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        for number, line in enumerate(launcher()[key]):
            found[f"aws {key} {number}"] = shlex.split(line)
    for block in re.findall("```bash\n(.*?)```", (INFRA / "README.md").read_text(), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            found[f"README: {line}"] = shlex.split(line, comments=True)
    return {where: words for where, words in found.items() if words}


def _with_defaults(text: str) -> str:
    """Return what Compose makes of `${NAME:-default}`."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def _click_command(words: list[str]) -> Any:
    if words[0] == "ray":
        from ray.scripts.scripts import cli
    else:
        from mlflow.cli import cli
    return cli.commands[words[1]]


def _of_sweeps(words: list[str]) -> list[str]:
    """Return the words after `sweeps`, if it is our command and not only asked for its help."""
    is_script = words[0] == "sweeps"
    rest = words[1:] if is_script else words[3:] if words[1:3] == ["-m", "sweeps"] else []
    return [] if rest == ["--help"] else rest


@pytest.mark.parametrize("where", commands())
def test_every_command_is_one_of_the_real_command_line(where: str) -> None:
    words = commands()[where]
    if words[0] in ("ray", "mlflow"):
        with _click_command(words).make_context(words[1], words[2:]) as context:
            assert context.command.name == words[1]
    elif ours := _of_sweeps(words):
        parser, _ = _parser()
        parsed = parser.parse_args(ours)
        file = str(parsed.file).removeprefix("/opt/sweeps/")
        assert (ROOT / file).exists()
    elif words[:4] == ["python", "-m", "pip", "install"]:
        assert words[4:] == ["-c", "infra/constraints.txt", "-e", ".[all,aws]"]
    else:
        assert words[0] in {
            "aws", "buildah", "curl", "docker", "export", "install", "kubectl", "pg_isready",
            "umask", "wget",
        }  # fmt: skip
        for word in words:
            if word.startswith("infra/") and not word.endswith((".env", "auth_token")):
                assert (ROOT / word).exists(), word


def test_the_command_for_digests_names_every_image_that_is_not_ours() -> None:
    listed = re.search(r"^for image in (.*); do$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert listed is not None
    bases = [line["value"] for line in dockerfile() if line["instruction"] == "FROM"]
    files = [INFRA / "compose.yaml", *KUBERNETES]
    named = {
        one for path in files for one in re.findall(r"image: (postgres:\S+)", path.read_text())
    }
    assert sorted(listed[1].split()) == sorted({*bases, *named})


def test_the_image_is_pinned_holds_no_secret_and_does_not_run_as_root() -> None:
    lines = [(line["instruction"], line["value"]) for line in dockerfile()]
    (base,) = [value for kind, value in lines if kind == "FROM"]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base)
    assert [value for kind, value in lines if kind == "USER"] == ["ray"]
    assert lines.index(("USER", "ray")) > max(
        number for number, (kind, _) in enumerate(lines) if kind in ("RUN", "COPY")
    )
    arguments = dict(value.partition("=")[::2] for kind, value in lines if kind == "ARG")
    assert arguments["TORCH"] == f"torch=={PINNED['torch']}"
    settings = " ".join(value for kind, value in lines if kind in ("ENV", "ARG"))
    assert not re.search("PASSWORD|TOKEN|SECRET", settings)
    installs = [value for kind, value in lines if kind == "RUN" and "pip install" in value]
    assert installs
    held = re.compile(r"-c infra/constraints\.txt|--require-hashes --no-deps")
    assert all(held.search(value) for value in installs)


def test_the_image_has_what_rays_launcher_calls_in_it() -> None:
    runs = [line["value"] for line in dockerfile() if line["instruction"] == "RUN"]
    (packages,) = [re.findall(r"--no-install-recommends ([\w -]+)", one) for one in runs[:1]]
    assert {"rsync", "openssh-client", "bash", "wget"} <= set(packages[0].split())
    assert "-e '.[all,aws]'" in runs[-1]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert extras["aws"] == ["boto3"]
    assert {"boto3", "botocore", "jmespath", "s3transfer"} <= set(PINNED)
    assert "| boto3 (extra `aws`) |" in (ROOT / "docs" / "decisions.md").read_text()


def test_an_image_is_named_after_the_torch_that_it_is_built_with() -> None:
    cpu = f"torch=={PINNED['torch']}+cpu"
    readme = (INFRA / "README.md").read_text().replace("\\\n", " ")
    builds = [shlex.split(line) for line in readme.splitlines() if line.startswith("docker build")]
    assert builds
    for words in builds:
        assert any(word.endswith("-cpu") for word in words) == (f"TORCH={cpu}" in words)
    for text in ((INFRA / "compose.yaml").read_text(), (INFRA / "env.example").read_text()):
        names = set(re.findall(r"sweeps:[\d.]+-(\w+)", text))
        assert names == {"cpu"}
        assert set(re.findall(r"torch==[\d.+a-z]+", text)) == {cpu}


def mlflow_servers() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return command and plain environment of every MLflow server, by where it stands."""
    service = compose()["services"]["mlflow"]
    (container,) = [
        container
        for document in documents(INFRA / "kubernetes" / "mlflow.yaml")
        for containers in within(document, "containers")
        for container in containers
        if container["name"] == "mlflow"
    ]
    plain = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    return {
        "compose": (shlex.split(service["command"]), service["environment"]),
        "kubernetes": ([*container["command"], *container["args"]], plain),
    }


@pytest.mark.parametrize("where", mlflow_servers())
def test_an_mlflow_server_has_no_more_processes_than_its_memory_is_for(where: str) -> None:
    command, environment = mlflow_servers()[where]
    with _click_command(command).make_context("server", command[2:]) as context:
        assert int(context.params["workers"]) == 2
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_mlflow_knows_the_switch_that_turns_its_jobs_off(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.environment_variables import MLFLOW_SERVER_ENABLE_JOB_EXECUTION as SWITCH

    monkeypatch.delenv(SWITCH.name, raising=False)
    assert SWITCH.get() is True
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    assert SWITCH.get() is False


def test_what_the_image_copies_exists_and_is_sent_to_the_builder() -> None:
    sources = [
        source
        for line in dockerfile()
        if line["instruction"] == "COPY"
        for source in line["value"].split()[:-1]
    ]
    ignore = (INFRA / "images" / "Dockerfile.dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in sent, source
    left_out = {line for line in ignore if not line.startswith("!")}
    assert {"**/.env", "**/auth_token", "**/.cluster"} <= left_out
    package = (ROOT / "pyproject.toml").read_text()
    for folder in ("infra", "models", "search_spaces", "sweeps"):
        assert folder in sources
        assert folder in package


def test_compose_names_only_what_it_has() -> None:
    file = compose()
    services = file["services"]
    for name, service in services.items():
        for other, about in service.get("depends_on", {}).items():
            assert about["condition"] == "service_healthy"
            assert "healthcheck" in services[other], (name, other)
        for mount in service.get("volumes", []):
            assert mount.split(":")[0] in file["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
    assert not [image for image in within(file, "image") if "latest" in image or ":" not in image]


def test_every_variable_of_compose_is_in_the_example_and_no_secret_has_a_value() -> None:
    text = (INFRA / "compose.yaml").read_text()
    example = dict(
        line.split("=", 1)
        for line in (INFRA / "env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == set(example)
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert needed == {name for name in example if re.search("PASSWORD|TOKEN|SECRET", name)}
    assert {example[name] for name in needed} == {""}
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))
    assert defaults == {name: example[name] for name in defaults}


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.stem)
def test_kubernetes_takes_every_object_and_pod(path: Path) -> None:
    plain = [one for one in documents(path) if not one["apiVersion"].startswith("ray.io/")]
    for document in plain:
        kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)
    for document in documents(path):
        for template in pod_templates(document):
            about = {"metadata": {"name": "a"}, **template}
            pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "a"}}
            kubernetes_validate.validate(
                {**pod, "template": about}, KUBERNETES_VERSION, strict=True
            )
            spec = template["spec"]
            assert spec["securityContext"]["runAsNonRoot"] is True
            for container in spec["containers"]:
                assert "latest" not in container["image"]
                assert ":" in container["image"]
                assert "limits" in container["resources"]


def test_who_runs_trials_has_no_account_of_the_administrator() -> None:
    files = [compose(), *(one for path in KUBERNETES for one in documents(path))]
    names = [name for file in files for name in within(file, "MLFLOW_TRACKING_USERNAME")]
    names += [
        one["value"]
        for file in files
        for environment in within(file, "env")
        for one in environment
        if one["name"] == "MLFLOW_TRACKING_USERNAME"
    ]
    assert set(names) == {"sweeps"}
    admins = [line for path in [INFRA / "compose.yaml", *KUBERNETES]
              for line in path.read_text().splitlines() if "admin-password" in line
              or "MLFLOW_ADMIN_PASSWORD" in line]  # fmt: skip
    assert len(admins) == 2  # of the two servers alone


def test_the_accounts_are_made_at_addresses_that_mlflow_has() -> None:
    from mlflow.server.auth import routes

    addresses = {
        f"http://127.0.0.1:5000{one}" for one in (routes.CREATE_USER, routes.UPDATE_USER_PASSWORD)
    }
    text = (INFRA / "README.md").read_text()
    assert set(re.findall(r"http://127\.0\.0\.1:5000/api\S+", text)) == addresses


def test_every_claim_and_secret_key_is_made_somewhere() -> None:
    everything = [document for path in KUBERNETES for document in documents(path)]
    claims = {
        one["metadata"]["name"] for one in everything if one["kind"] == "PersistentVolumeClaim"
    }
    wanted = {one["claimName"] for one in within(everything, "persistentVolumeClaim")}
    assert wanted == claims
    readme = (INFRA / "README.md").read_text()
    for reference in within(everything, "secretKeyRef"):
        assert f"secret generic {reference['name']}" in readme
        assert f"--from-literal={reference['key']}=" in readme


def test_kuberay_is_asked_for_a_token_and_the_pinned_ray() -> None:
    clusters = [
        document["spec"] if document["kind"] == "RayCluster" else document["spec"]["rayClusterSpec"]
        for path in KUBERNETES
        for document in documents(path)
        if document["kind"] in ("RayCluster", "RayJob")
    ]
    assert len(clusters) == 2
    # The first operator that knows authOptions.
    for path in (INFRA / "README.md", INFRA / "kubernetes" / "ray-cluster.yaml"):
        assert re.findall(r"[Kk]ube[Rr]ay(?: operator)? (\d[\d.]*\d)", path.read_text()) == [
            "1.5.1"
        ]
    for cluster in clusters:
        assert cluster["authOptions"] == {"mode": "token"}
        assert cluster["rayVersion"] == PINNED["ray"]
        for group in cluster["workerGroupSpecs"]:
            assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_launchers_file_passes_rays_own_schema() -> None:
    schema = importlib.resources.files("ray.autoscaler") / "ray-schema.json"
    file = launcher()
    jsonschema.validate(file, json.loads(schema.read_text()))
    assert file["head_node_type"] in file["available_node_types"]
    spot = [
        name
        for name, about in file["available_node_types"].items()
        if about["node_config"].get("InstanceMarketOptions") == {"MarketType": "spot"}
    ]
    assert spot == ["cpu", "gpu"]
    assert "--env=RAY_AUTH_MODE=token" in file["docker"]["run_options"]
    # Ray's own image is an Ubuntu of 2018; the default store would be SQLite on NFS.
    for name, about in file["available_node_types"].items():
        assert about["node_config"]["ImageId"] == "AMI", name
    assert any(
        one.startswith("--env=MLFLOW_TRACKING_URI=http") for one in file["docker"]["run_options"]
    )
    for place in ("AMI", "FILE_SYSTEM", "MLFLOW_SERVER"):
        assert re.search(rf"[Rr]eplace [^.]*\b{place}\b", _comment_of_launcher()), place


def _comment_of_launcher() -> str:
    lines = (INFRA / "ray_up" / "aws.yaml").read_text().splitlines()
    return " ".join(line.removeprefix("# ") for line in lines if line.startswith("# "))


@pytest.mark.parametrize(
    "path", sorted(one for one in INFRA.rglob("*") if one.is_file() and one.suffix != ".pyc")
)
def test_no_file_carries_a_secret(path: Path) -> None:
    if path.name in (".env", "auth_token"):
        pytest.skip("not part of the repository")
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"--hash=sha256:[0-9a-f]{64}\b", "", text)  # of a public file
    assert not re.search(r"\b[0-9a-f]{32,}\b", text), "a token or a password"
