"""What the tools of others say of the files of deploy/; a tool that is missing is a skip."""

import subprocess
import sys

import pytest

from tests.deploy.conftest import (
    DEPLOY,
    MANIFESTS,
    SCRIPTS,
    UNITS,
    complaints_of,
    documents,
    tool,
    yaml,
)

NOT_KUBERNETES_OWN = {"ScaledObject"}


def test_hadolint_has_nothing_to_say_about_the_dockerfile():
    assert complaints_of(tool("hadolint"), str(DEPLOY / "docker" / "Dockerfile")) == ""


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_fit_the_schemas_of_kubernetes(path, tmp_path):
    command = tool("kubernetes-validate")
    for number, one in enumerate(documents(path)):
        if one["kind"] not in NOT_KUBERNETES_OWN:
            copy = tmp_path / f"{number}.yaml"
            copy.write_text(yaml().safe_dump(one))
            assert complaints_of(command, "--strict", str(copy)) == "", one["kind"]


def test_a_manifest_with_a_wrong_key_would_be_refused(tmp_path):
    command = tool("kubernetes-validate")
    one = documents(DEPLOY / "kubernetes" / "migrate.yaml")[0]
    one["spec"]["backofLimit"] = 1
    copy = tmp_path / "wrong.yaml"
    copy.write_text(yaml().safe_dump(one))

    assert "backofLimit" in complaints_of(command, "--strict", str(copy))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say_about_a_script(path):
    assert complaints_of(tool("shellcheck"), str(path)) == ""


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say_about_a_probe(path, tmp_path):
    command = tool("shellcheck")
    for one in documents(path):
        for words in commands_of(one):
            if words[:2] == ["sh", "-c"]:
                script = tmp_path / "probe.sh"
                script.write_text(f"#!/bin/sh\n{words[2]}\n")
                assert complaints_of(command, str(script)) == ""


def commands_of(node):
    """Yield every `command` below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("command"), list):
            yield node["command"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from commands_of(child)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_unit(unit, tmp_path):
    command = tool("systemd-analyze", wheel=False)
    # What it starts must exist.
    text = unit.read_text().replace("/srv/shop/.venv/bin/python", sys.executable)
    copy = tmp_path / unit.name
    copy.write_text(text.replace("WorkingDirectory=/srv/shop", f"WorkingDirectory={tmp_path}"))

    done = subprocess.run(
        [command, "verify", "--man=no", "--recursive-errors=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
