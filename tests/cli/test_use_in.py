"""The snippets of "Use secrets in …": each is read by the parser of its tool, or by the tool where there is one.

The console blocks of the page run as those of every page.
"""

import base64
import configparser
import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore.session
import hcl2
import kubernetes_validate
import pytest
import yaml
from botocore.validate import ParamValidator
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

from tests.support.manifests import documents
from tests.support.shell import PROGRAM, Shell

PAGE = (Path(__file__).parents[2] / "docs" / "use-in.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KUBERNETES = "1.31"
VALUE = "sk_live_canary"
PROGRAM_THAT_TELLS = """#!/bin/sh
echo "$@" >> {folder}/arguments
env >> {folder}/environment
[ "$1" = apply ] && cat >> {folder}/input || touch {folder}/input
"""


def blocks(language: str, name: str = "") -> list[str]:
    """Return the blocks in *language* whose first line names the file *name*."""
    found = [text for kind, text in BLOCKS if kind == language and (not name or text.startswith(f"# {name}\n"))]
    assert found
    return found


def printed(command: str) -> str:
    """Return what the page says that *command* prints."""
    (found,) = [text for text in blocks("console") if command in text.partition("\n")[0]]
    return str(found).partition("\n")[2]


def by_schema(name: str, text: str) -> None:
    """Check *text* by the schema *name* that check-jsonschema brings."""
    found = find_spec("check_jsonschema")  # not imported: it needs a newer click than we do
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "builtin_schemas" / "vendor" / f"{name}.json"
    schema = json.loads(path.read_text())
    document = YAML(typ="safe", pure=True).load(text)  # YAML 1.2, where "on" is a text
    validator_for(schema)(schema).validate(document)


def test_every_block_is_checked() -> None:
    """A language that no test here knows is not on the page."""
    assert {kind for kind, _ in BLOCKS} == {"console", "dockerfile", "hcl", "ini", "json", "sh", "yaml"}
    names = {text.partition("\n")[0].removeprefix("# ") for kind, text in BLOCKS if kind == "yaml"}
    assert names == {"compose.yaml", ".github/workflows/deploy.yml", "pod.yaml", "service.yaml"}


@pytest.mark.parametrize("text", blocks("sh"))
def test_shell(text: str) -> None:
    """A shell can parse it."""
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize("text", [text for text in blocks("sh") if text.startswith("tailorsecrets ")])
def test_the_commands_do_what_they_say(managed: Shell, text: str) -> None:
    """Each command gives the secret to the program that it starts: in its environment or on stdin, in no argument."""
    managed.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY")}, "database": {"password": env("STRIPE_KEY")}}')
    assert managed("apply", "--yes", STRIPE_KEY=VALUE).code == 0
    programs = managed.folder / "bin"
    programs.mkdir()
    for name in ("node", "docker", "terraform", "kubectl", "../migrate.sh"):
        (programs / name).write_text(PROGRAM_THAT_TELLS.format(folder=managed.folder))
        (programs / name).chmod(0o755)
    path = f"{programs}:{Path(PROGRAM).parent}:{managed.environ['PATH']}"
    environ = {**managed.environ, "PATH": path}
    command, nothing = ["sh", "-ec", text], subprocess.DEVNULL
    done = subprocess.run(command, cwd=managed.folder, env=environ, stdin=nothing, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told = {name: (managed.folder / name).read_text() for name in ("arguments", "environment", "input")}
    assert VALUE not in told["arguments"]
    encoded = base64.b64encode(VALUE.encode()).decode()
    assert VALUE in told["environment"] or encoded in told["input"]


def test_compose() -> None:
    """It follows the Compose specification, and the service uses a secret that is declared."""
    (text,) = blocks("yaml", "compose.yaml")
    by_schema("compose-spec", text)
    parsed: Any = yaml.safe_load(text)
    assert parsed["services"]["web"]["secrets"] == list(parsed["secrets"])


def test_dockerfile() -> None:
    """The instructions are in the form of a list, so that no shell runs before the program."""
    (text,) = blocks("dockerfile")
    instructions = dict(line.split(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert json.loads(instructions["ENTRYPOINT"])[:2] == ["tailorsecrets", "run"]
    assert json.loads(instructions["CMD"])


def test_systemd(tmp_path: Path) -> None:
    """It is a unit; systemd itself accepts it where it is installed."""
    (text,) = blocks("ini")
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    assert unit["Service"]["ExecStart"].split(" -- ")[0].endswith("tailorsecrets run -V api-keys")
    if shutil.which("systemd-analyze"):
        path = tmp_path / "my-app.service"
        path.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/sh", text))  # the program is not here
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, "my-app.service" in done.stderr) == (0, False), done.stderr


def test_github_actions() -> None:
    """It follows the schema of GitHub's workflows."""
    (text,) = blocks("yaml", ".github/workflows/deploy.yml")
    by_schema("github-workflows", text)


@pytest.mark.parametrize("text", blocks("yaml", "pod.yaml"))
def test_pods(text: str) -> None:
    """Each is a Pod by the schemas of Kubernetes, without an unknown field, and uses what ``where`` has printed."""
    pod: Any = yaml.safe_load(text)
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    spec = pod["spec"]
    names = [document["metadata"]["name"] for form in ("eso", "csi") for document in documents(printed(form))]
    if "volumes" in spec:
        assert spec["volumes"][0]["csi"]["volumeAttributes"]["secretProviderClass"] in names
    else:
        reference = spec["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]
        secret = documents(printed("eso"))[1]["spec"]
        assert reference == {"name": secret["target"]["name"], "key": secret["data"][0]["secretKey"]}


def test_ecs() -> None:
    """AWS's own model of the API accepts the task definition."""
    (text,) = blocks("json")
    ecs = botocore.session.get_session().get_service_model("ecs")
    shape: Any = ecs.operation_model("RegisterTaskDefinition").input_shape
    assert not ParamValidator().validate(json.loads(text), shape).has_errors()


def test_cloud_run() -> None:
    """The container of the service is one of Kubernetes, with the variable that ``where`` has printed."""
    (text,) = blocks("yaml", "service.yaml")
    container = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"][0]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", **container}]},
    }
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    assert container["env"] == yaml.safe_load(printed("cloudrun"))["env"]


def test_hcl() -> None:
    """Terraform's and the agent's files parse, and hold what ``where`` has printed."""
    for name, form, kind in (("agent.hcl", "vault-agent", "template"), ("main.tf", "terraform", "ephemeral")):
        (text,) = blocks("hcl", name)
        assert hcl2.loads(text)[kind] == hcl2.loads(printed(f"--format {form}"))[kind]
