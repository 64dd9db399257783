"""Workflows and their jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tailorsecrets.app.names import defining
from tailorsecrets.app.parameters import bind
from tailorsecrets.errors import ConfigError


@dataclass(frozen=True, slots=True)
class WorkflowJob:
    """A step of a workflow. Calling it calls its body, so a job starts another job like a function."""

    name: str
    body: Callable[..., Any]

    def __call__(self, *args: Any, **parts: Any) -> Any:
        """Return the result of the body; await it if the body is async."""
        return self.body(*args, **parts)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A job that is started by name or by an executor, and may call other jobs."""

    name: str
    main_job: WorkflowJob


def create_workflow_job(*, name: str, body: Callable[..., Any]) -> WorkflowJob:
    """Define a job: *body* is called with the args of the workflow, and with ``env`` if it has such a parameter.

    Raise ConfigError for a name that is not allowed and for a body with other parameters.
    """
    with defining("workflow job", name):
        return WorkflowJob(name, bind("body", body, None).function)


def create_workflow(*, name: str, main_job: WorkflowJob) -> Workflow:
    """Define a workflow that runs *main_job*; raise ConfigError where that is not a job, and for a bad name."""
    with defining("workflow", name):
        if not isinstance(main_job, WorkflowJob):
            raise ConfigError("main_job: expected the result of create_workflow_job")
        return Workflow(name, main_job)
