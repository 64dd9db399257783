"""The driver: each operation as calls of AWS Secrets Manager.

A name of the seam is the name of a secret, a version is its VersionId, the current one has the label AWSCURRENT.
``put`` is atomic where it creates (CreateSecret) and nowhere else: AWS can compare and swap only with two writes that
leave a label behind, so the core compares with a metadata read instead.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Identity, Problem, Stored, Target
from tailorsecrets.errors import Corrupt, NotFound, Unsupported
from tailorsecrets.kit import walk_pages
from tailorsecrets.secret import Secret
from tailorsecrets_aws import entries
from tailorsecrets_aws.client import Connection
from tailorsecrets_aws.errors import explain
from tailorsecrets_aws.options import read_options

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CAPS: Final = Caps(
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    cas="create",
    versions=True,
    undelete=True,
    batch=20,
    list_lag=300.0,
    per_s={"list": 100.0, "write": 50.0},
    retries=True,
)
_PAGE: Final = 100  # the most that AWS gives
_UNTIL_PURGED: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # seconds between attempts to create what is being purged


@dataclass(frozen=True, slots=True)
class _Write:
    """One value to write, with its version id, which stays the same each time it is sent."""

    name: str
    value: Secret
    version: str
    only_new: bool


class AwsDriver(Driver):
    """The secrets of one account in one region. *sleep* takes the seconds to wait for a purge."""

    caps = CAPS

    def __init__(self, target: Target, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._target, self._options = target, read_options(target)
        self._connection = Connection(target)
        self._sleep = sleep

    def prepare(self) -> None:
        """Make botocore's client, which takes a good part of a second."""
        self._connection.prepare()

    def get(self, name: str, version: str = "") -> Stored:
        """Return the value of AWSCURRENT, or of *version*."""
        which: dict[str, Any] = {"VersionId": version} if version else {"VersionStage": entries.CURRENT}
        with self._connection.reading() as client:
            result = entries.stored(name, client.get_secret_value(SecretId=name, **which))
        if isinstance(result, Corrupt):
            raise result
        return result

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Read up to 20 in one call, and in further calls those that did not fit into the answer."""
        results: dict[str, Stored | Exception] = {}
        with self._connection.reading() as client:
            while left := [name for name in names if name not in results]:
                batch = _read_batch(client, left)
                if batch.keys().isdisjoint(left):
                    break
                results |= batch
        return results

    def stat(self, name: str) -> Entry:
        """Describe it; ``updated`` is the time at which AWS last changed anything about it."""
        with self._connection.reading() as client:
            return entries.described(name, client.describe_secret(SecretId=name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """List by AWS's prefix filter, 100 a page; AWS may show a change up to five minutes late."""
        request: dict[str, Any] = {"MaxResults": _PAGE, "IncludePlannedDeletion": deleted}
        if prefix:
            request["Filters"] = [{"Key": "name", "Values": [prefix]}]
        for page in self._pages("list_secrets", request):
            for entry in map(entries.listed, page["SecretList"]):
                if entry.name.startswith(prefix) and (entry.state == "deleted") == deleted:
                    yield entry

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Create or add a version, whose id holds *stamp*; the core compares versions, so *expect* is never one."""
        if expect not in {None, ABSENT, PRESENT} or tags:
            raise Unsupported
        write = _Write(name, value, entries.new_version(stamp), only_new=expect == ABSENT)
        send = {ABSENT: self._create, PRESENT: _add, None: self._create_or_add}[expect]
        with self._connection.writing() as client:
            send(client, write)
        return Entry(name=name, version=write.version, stamp=stamp)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Open the recovery window, or with *purge* let AWS begin to destroy it."""
        days = self._options.recovery_days
        how: dict[str, Any] = {"ForceDeleteWithoutRecovery": True} if purge else {"RecoveryWindowInDays": days}
        with self._connection.writing() as client, suppress(client.exceptions.ResourceNotFoundException):
            try:
                client.delete_secret(SecretId=name, **how)
            except (client.exceptions.InvalidRequestException, client.exceptions.InvalidParameterException):
                deleted = self.stat(name).state == "deleted"
                if deleted and not purge:
                    return
                if deleted:
                    client.restore_secret(SecretId=name)
                elif not _drop_replicas(client, name):
                    raise
                client.delete_secret(SecretId=name, **how)

    def restore(self, name: str) -> Entry:
        """Close the recovery window."""
        with self._connection.writing() as client:
            entry = self.stat(name)
            if entry.state != "deleted":
                raise NotFound
            client.restore_secret(SecretId=name)
            return replace(entry, state="live")

    def versions(self, name: str) -> Iterator[Entry]:
        """List all version ids; of a deleted secret AWS gives no value, so there are none."""
        if self.stat(name).state == "deleted":
            return
        pages = self._pages("list_secret_version_ids", {"SecretId": name, "IncludeDeprecated": True})
        yield from entries.history(name, [item for page in pages for item in page["Versions"]])

    def identity(self) -> Identity:
        """Ask AWS's Security Token Service."""
        from tailorsecrets_aws.identity import identity_at

        return identity_at(self._target)

    def skew(self) -> float | None:
        """Return the difference to AWS's clock."""
        return self._connection.clock.ahead

    def locate(self, name: str) -> str:
        """Return the ARN."""
        with self._connection.reading() as client:
            return client.describe_secret(SecretId=name)["ARN"]

    def explain(self, exc: Exception, op: str) -> Problem:
        """Look *exc* up in the tables of ``errors``."""
        return explain(exc, op)

    def close(self) -> None:
        """Close the client's connections."""
        self._connection.close()

    def _pages(self, operation: str, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the answers of *operation*; each page has the budget of a read."""

        def page(token: str) -> tuple[list[Mapping[str, Any]], str | None]:
            more = {"NextToken": token} if token else {}
            with self._connection.reading() as client:
                found = getattr(client, operation)(**request, **more)
            return [found], found.get("NextToken")

        return walk_pages(page)

    def _create_or_add(self, client: "SecretsManagerClient", write: _Write) -> None:
        """Add a version to a secret that exists, else create it."""
        try:
            _add(client, write)
        except client.exceptions.ResourceNotFoundException:
            self._create(client, write)
        except client.exceptions.InvalidRequestException as refusal:
            if not self._take_over(client, write, refusal):
                self._create(client, write)

    def _create(self, client: "SecretsManagerClient", write: _Write) -> None:
        """Create it; restore a deleted secret, fill one without a value, and wait for one that is being purged."""
        for pause in _UNTIL_PURGED:
            try:
                client.create_secret(**self._creation(write))
            except (client.exceptions.ResourceExistsException, client.exceptions.InvalidRequestException) as refusal:
                if self._take_over(client, write, refusal):
                    return
            else:
                return
            self._sleep(pause)
        client.create_secret(**self._creation(write))

    def _take_over(self, client: "SecretsManagerClient", write: _Write, refusal: ClientError) -> bool:
        """Write to the secret that has the name, or raise *refusal*; False where that secret is being destroyed."""
        try:
            entry = self.stat(write.name)
            if entry.state == "deleted":
                client.restore_secret(SecretId=write.name)
        except client.exceptions.ResourceNotFoundException:
            return False
        if entry.version == write.version:
            return True  # this same write, sent twice because its first answer was lost
        if entry.state == "live" and write.only_new:
            raise refusal
        _add(client, write)
        return True

    def _creation(self, write: _Write) -> dict[str, Any]:
        options = self._options
        request: dict[str, Any] = {
            "Name": write.name,
            "SecretString": write.value.reveal(),
            "ClientRequestToken": write.version,
        }
        if options.kms_key_id:
            request["KmsKeyId"] = options.kms_key_id
        if options.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in options.tags.items()]
        if options.replicas:
            request["AddReplicaRegions"] = [{"Region": region} for region in options.replicas]
        return request


def _add(client: "SecretsManagerClient", write: _Write) -> None:
    client.put_secret_value(SecretId=write.name, SecretString=write.value.reveal(), ClientRequestToken=write.version)


def _read_batch(client: "SecretsManagerClient", names: Sequence[str]) -> dict[str, Stored | Exception]:
    answer = client.batch_get_secret_value(SecretIdList=list(names))
    results: dict[str, Stored | Exception] = {
        item.get("Name", ""): entries.stored(item.get("Name", ""), item) for item in answer.get("SecretValues", [])
    }
    for error in answer.get("Errors", []):
        facts: Any = {"Error": {"Code": error.get("ErrorCode", ""), "Message": error.get("Message", "")}}
        results[_name_in(error.get("SecretId", ""))] = ClientError(facts, "GetSecretValue")
    return results


def _name_in(secret_id: str) -> str:
    """Return the name in *secret_id*: a name, or an ARN, which ends in a hyphen and six characters."""
    return secret_id.partition(":secret:")[2][:-7] if secret_id.startswith("arn:") else secret_id


def _drop_replicas(client: "SecretsManagerClient", name: str) -> bool:
    """Remove the replicas, with which AWS deletes no secret; False where there are none."""
    replicas = client.describe_secret(SecretId=name).get("ReplicationStatus", [])
    regions = [region for replica in replicas if (region := replica.get("Region"))]
    if regions:
        client.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=regions)
    return bool(regions)
