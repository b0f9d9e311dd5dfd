"""What a team asks of a cluster's manifests: Pod Security, policies, probes, budgets."""

from __future__ import annotations

from tests.infra.test_manifests import INFRA, KUBERNETES, documents, pod_templates

NETWORK = INFRA / "kubernetes" / "network.yaml"


def test_every_pod_satisfies_the_restricted_pod_security_standard() -> None:
    """By its table of rules: kubernetes.io/docs/concepts/security/pod-security-standards."""
    pods = [
        template["spec"]
        for path in KUBERNETES
        for document in documents(path)
        for template in pod_templates(document)
    ]
    assert len(pods) == 7
    for pod in pods:
        about = pod["securityContext"]
        assert about["seccompProfile"] == {"type": "RuntimeDefault"}
        assert about["runAsNonRoot"] is True
        assert about["runAsUser"] != 0
        assert not {"hostNetwork", "hostPID", "hostIPC"} & {*pod}
        for volume in pod.get("volumes", []):
            assert {*volume} <= {"name", "persistentVolumeClaim"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert not any("hostPort" in port for port in container.get("ports", []))


def test_every_server_is_reached_by_those_alone_whom_a_policy_names() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in documents(NETWORK)}
    servers = [one for one in documents(INFRA / "kubernetes" / "mlflow.yaml") if "spec" in one]
    for server in (one for one in servers if one["kind"] == "Service"):
        policy = policies[server["metadata"]["name"]]
        assert policy["podSelector"]["matchLabels"] == server["spec"]["selector"]
        ports = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
        assert ports == {port["port"] for port in server["spec"]["ports"]}
    for name, policy in policies.items():
        assert policy["policyTypes"] == ["Ingress"], name
        assert all(rule["from"] for rule in policy["ingress"]), name
        assert all(source != {} for rule in policy["ingress"] for source in rule["from"]), name


def test_each_server_is_tried_and_kept_while_a_node_is_drained() -> None:
    everything = [one for path in KUBERNETES for one in documents(path)]
    kept = [
        one["spec"]["selector"]["matchLabels"]
        for one in everything
        if one["kind"] == "PodDisruptionBudget"
    ]
    head = {"ray.io/cluster": "sweeps", "ray.io/node-type": "head"}
    assert sorted(kept, key=str) == sorted([head, {"app": "mlflow"}, {"app": "postgres"}], key=str)
    servers = [one for one in everything if one["kind"] in ("Deployment", "StatefulSet")]
    assert len(servers) == 2
    for server in servers:
        (container,) = server["spec"]["template"]["spec"]["containers"]
        ready, alive = container["readinessProbe"], container["livenessProbe"]
        assert ready["exec"] == alive["exec"]
        patience = alive["periodSeconds"] * alive["failureThreshold"]
        assert alive["initialDelaySeconds"] + patience >= 180
