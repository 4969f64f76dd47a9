"""The files of deploy/ say what djtasks understands, and fit together."""

import re
import shlex

import pytest

from djtasks.management.commands import runbeat, runworker
from djtasks.worker.config import WorkerConfig
from tests.deploy.conftest import DEPLOY, MANIFESTS, UNITS, documents

TEN_SECONDS = 10
COMMANDS = {"runworker": runworker.Command, "runbeat": runbeat.Command}


def parsed(words):
    """Parse a command line as `manage.py` would; an unknown flag ends the test."""
    words = words[words.index("manage.py") + 1 :]
    parser = COMMANDS[words[0]]().create_parser("manage.py", words[0])
    return words[0], parser.parse_args(words[1:])


def grace_of(options):
    return getattr(options, "grace", 0)


def containers():
    for path in MANIFESTS:
        for one in documents(path):
            pod = one.get("spec", {}).get("template", {}).get("spec", {})
            for container in pod.get("containers", []):
                yield f"{path.name}: {container['name']}", pod, container


def setting(unit, name):
    return re.search(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)[1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_we_have_and_gives_it_time_to_stop(unit):
    _command, options = parsed(shlex.split(setting(unit, "ExecStart")))

    assert int(setting(unit, "TimeoutStopSec")) >= grace_of(options) + TEN_SECONDS
    assert setting(unit, "Restart") == "always"
    assert setting(unit, "User") != "root"


def test_a_unit_of_a_worker_stops_the_supervisor_alone():
    unit = DEPLOY / "systemd" / "shop-worker.service"

    assert setting(unit, "KillMode") == "mixed"
    assert setting(unit, "KillSignal") == "SIGTERM"


def test_containers_start_what_we_have_and_have_time_to_stop():
    seen = []
    for name, pod, container in containers():
        if container["args"][2] in COMMANDS:
            command, options = parsed(container["args"])
            seen.append(command)
            assert pod["terminationGracePeriodSeconds"] >= grace_of(options) + TEN_SECONDS, name
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                assert probe in container, name

    assert sorted(seen) == ["runbeat", "runworker"]


def test_no_container_runs_as_root_or_without_limits():
    for name, _pod, container in containers():
        context = container["securityContext"]
        assert context["runAsNonRoot"], name
        assert not context["allowPrivilegeEscalation"], name
        assert "memory" in container["resources"]["limits"], name
        assert not container["image"].endswith(":latest"), name


def test_probes_look_where_the_process_shows_itself():
    for name, _pod, container in containers():
        text = str([container.get(probe) for probe in ("livenessProbe", "readinessProbe")])
        if "--health-file" in container["args"]:
            path = container["args"][container["args"].index("--health-file") + 1]
            assert text.count(path) == 2, name
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert any(path.startswith(mount) for mount in mounts), name
        elif "httpGet" in text:
            port = container["args"][-1].rpartition(":")[2]
            assert [one["containerPort"] for one in container["ports"]] == [int(port)], name


def test_the_autoscaler_asks_for_what_there_is():
    (scaled,) = documents(DEPLOY / "kubernetes" / "autoscaling.yaml")
    (trigger,) = scaled["spec"]["triggers"]
    names = {one["metadata"]["name"] for path in MANIFESTS for one in documents(path)}

    assert trigger["metadata"]["url"].startswith("http://shop-beat.shop.svc:9100/metrics.json")
    assert trigger["metadata"]["valueLocation"] == "queues.default.oldest_wait_seconds"
    assert {scaled["spec"]["scaleTargetRef"]["name"], "shop-beat"} <= names


def test_the_compose_file_fits_together():
    (compose,) = documents(DEPLOY / "docker" / "compose.yaml")
    services = compose["services"]
    _command, options = parsed(services["worker"]["command"])
    grace = options.grace + TEN_SECONDS

    assert int(services["worker"]["stop_grace_period"].rstrip("s")) >= grace
    assert grace == WorkerConfig(backend="default").grace.total_seconds() + TEN_SECONDS
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        assert "image" in service, name
    assert "noeviction" in services["index"]["command"]
    assert not [p for one in services.values() for p in one.get("ports", []) if "127." not in p]


def test_the_image_runs_a_worker_that_hears_its_signals():
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    words = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)[1]

    command, options = parsed(re.findall(r'"([^"]+)"', words))

    assert command == "runworker"
    assert f"find {options.health_file} -mmin -0.5" in text
    assert "STOPSIGNAL SIGTERM" in text
    assert re.findall(r"^USER (\d+)$", text, re.MULTILINE) == ["10001"]
