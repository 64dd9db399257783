"""Executors, resolvers and workflows: your process runs them, and tailorsecrets dispatches.

There is no server, no scheduler and no queue in here.
"""

from tailorsecrets.app.app import App
from tailorsecrets.app.definitions import Executor, Resolver, create_executor, create_resolver
from tailorsecrets.app.events import (
    Event,
    IncomingWebhook,
    RecordCreated,
    RecordDeleted,
    RecordUpdated,
    Scheduled,
    parse_event,
)
from tailorsecrets.app.operations import Function, Sent, Webhook, WorkflowStart, webhook
from tailorsecrets.app.outcome import BodyFailed, InputInvalid, Outcome, OutputInvalid, WebhookFailed
from tailorsecrets.app.triggers import (
    incoming_webhook_trigger,
    record_created_trigger,
    record_deleted_trigger,
    record_updated_trigger,
    schedule_trigger,
)
from tailorsecrets.app.workflows import Workflow, WorkflowJob, create_workflow, create_workflow_job

__all__ = [
    "App",
    "BodyFailed",
    "Event",
    "Executor",
    "Function",
    "IncomingWebhook",
    "InputInvalid",
    "Outcome",
    "OutputInvalid",
    "RecordCreated",
    "RecordDeleted",
    "RecordUpdated",
    "Resolver",
    "Scheduled",
    "Sent",
    "Webhook",
    "WebhookFailed",
    "Workflow",
    "WorkflowJob",
    "WorkflowStart",
    "create_executor",
    "create_resolver",
    "create_workflow",
    "create_workflow_job",
    "incoming_webhook_trigger",
    "parse_event",
    "record_created_trigger",
    "record_deleted_trigger",
    "record_updated_trigger",
    "schedule_trigger",
    "webhook",
]
