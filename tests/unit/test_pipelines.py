"""The pipelines of the docs: valid YAML, with commands that the command line accepts."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.root import root
from tailorsecrets.cli.streams import Io

PAGE = (Path(__file__).parents[2] / "docs" / "plans.md").read_text()
PIPELINES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def texts(node: Any) -> Iterator[str]:
    """Yield all texts in a document."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from texts(child)


def commands(pipeline: str) -> list[list[str]]:
    """Return the command lines of tailorsecrets in a pipeline."""
    lines = [line for text in texts(yaml.safe_load(pipeline)) for line in text.splitlines()]
    return [shlex.split(line.partition(" > ")[0])[1:] for line in lines if line.startswith("tailorsecrets ")]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=["github", "gitlab"])
def test_the_commands_of_a_pipeline_are_accepted(pipeline: str) -> None:
    """Each one is parsed without an error; both plan, save, and apply the saved plan."""
    found = commands(pipeline)
    assert [argv[0] for argv in found] == ["plan", "apply"]
    import io

    for argv in found:
        invocation = Invocation(Io(io.BytesIO(), io.StringIO(), io.StringIO(), {}, Path()))
        with click.Context(root, obj=invocation) as context:
            sub = root.get_command(context, argv[0])
            assert sub is not None
            sub.make_context(argv[0], argv[1:], parent=context)


def test_every_job_signs_in_without_a_kept_login() -> None:
    """GitHub's jobs may ask for an identity, GitLab's get a token for each cloud; no key is in either."""
    github, gitlab = (yaml.safe_load(pipeline) for pipeline in PIPELINES)
    assert github["permissions"]["id-token"] == "write"
    for job in github["jobs"].values():
        used = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
        assert {"aws-actions/configure-aws-credentials", "google-github-actions/auth", "azure/login"} <= set(used)
    assert set(gitlab[".signed-in"]["id_tokens"]) == {"AWS_ID_TOKEN", "GCP_ID_TOKEN", "AZURE_ID_TOKEN"}
    assert not re.search(r"SECRET_ACCESS_KEY|CLIENT_SECRET|credentials_json", PAGE)
