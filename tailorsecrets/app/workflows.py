"""Workflows and their jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tailorsecrets.app.names import defining
from tailorsecrets.app.parameters import bind
from tailorsecrets.errors import ConfigError


@dataclass(frozen=True, slots=True)
class WorkflowJob:
    """A step of a workflow. Calling it calls its body, so a job starts others as the functions that they are."""

    name: str
    body: Callable[..., Any]

    def __call__(self, *args: Any, **parts: Any) -> Any:
        """Return what the body returns, which for an async one is to be awaited."""
        return self.body(*args, **parts)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A job that is started by name or by an executor, and may call others."""

    name: str
    main_job: WorkflowJob


def create_workflow_job(*, name: str, body: Callable[..., Any]) -> WorkflowJob:
    """Define a job: *body* is called with the args of the workflow, and with ``env`` where it has such a parameter.

    Raise ConfigError for a name that is not allowed and for a body that cannot be called so.
    """
    with defining("workflow job", name):
        return WorkflowJob(name, bind("body", body, None).function)


def create_workflow(*, name: str, main_job: WorkflowJob) -> Workflow:
    """Define a workflow, which begins and ends with *main_job*; ConfigError for anything else and for a bad name."""
    with defining("workflow", name):
        if not isinstance(main_job, WorkflowJob):
            raise ConfigError("main_job is what create_workflow_job returns")
        return Workflow(name, main_job)
