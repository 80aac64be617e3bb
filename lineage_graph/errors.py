"""What can go wrong, as one tree.

::

    LineageGraphError                exit 1
    +-- DeclarationError             a file in ontology/ or queries/ is wrong
    +-- RecordError
    |   +-- InvalidRecord            a bundle breaks a shape; nothing was written
    |   +-- RecordConflict           the same transaction id with other content
    |   +-- NotFound                 exit 4, with "did you mean"
    +-- StoreError
    |   +-- StoreUnavailable         a store that does not answer
    |   |   +-- CheckpointGone       a frozen folder was dropped before it was read
    |   |   +-- VisibilityChanged    what may be seen is another since the graph was opened
    |   +-- StoreLocked              another process holds the projection too long
    |   +-- LedgerBroken             the hash chain does not hold; names the first bad entry
    |   +-- ArtifactBroken           a content-addressed file is missing or altered
    +-- ReplayError
    |   +-- PlanIncomplete           nothing, or nothing replayable, was recorded
    |   +-- InputChanged             a pinned input is gone or altered
    |   +-- StepFailed               a step raised while it was executed
    |   +-- ReplayMismatch           exit 6, raised by ``Replay.verify()`` only
    +-- ExecutorUnavailable          exit 3, Spark did not start
    +-- MissingExtra                 exit 3, an optional package or Java is absent
    +-- AccessNotConfigured          exit 3, others could reach a server that knows nobody
    +-- AddressUnusable              a server cannot listen where it was told to
    +-- PolicyRefused                exit 5, for example a model class that is not allowed
        +-- LimitExceeded            a text of a stranger costs more than one may

:class:`LicenseWarning` is a warning: it stops nothing.

A finding is a result, an exception is a failure: a rebuild that differs returns
a verdict, it does not raise. Every message says what, where, and what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class LineageGraphError(Exception):
    """Base of everything raised on purpose.

    Attributes:
        code: Stable identifier for programs.
        exit_status: Exit status of the command line for this failure.
    """

    code: ClassVar[str] = "failed"
    exit_status: ClassVar[int] = 1


class DeclarationError(LineageGraphError):
    """A declaration file cannot be used as it stands."""

    code = "declaration"


class RecordError(LineageGraphError):
    """Something about what is recorded, or was asked to be."""

    code = "record"


class InvalidRecord(RecordError):
    """A bundle breaks a shape; it was refused before it reached the ledger."""

    code = "invalid-record"


class RecordConflict(RecordError):
    """A transaction id was used again with different content."""

    code = "record-conflict"


class NotFound(RecordError):
    """No such dataset, model, version, query or column."""

    code = "not-found"
    exit_status = 4


class StoreError(LineageGraphError):
    """The place where the record lives."""

    code = "store"


class StoreUnavailable(StoreError):
    """The store does not answer, or answers with an error."""

    code = "store-unavailable"


class CheckpointGone(StoreUnavailable):
    """A frozen folder holds less than it did; another one has to be taken."""

    code = "checkpoint-gone"


class VisibilityChanged(StoreUnavailable):
    """What may be seen of what was recorded before is not what it was: open the graph again."""

    code = "visibility-changed"


class StoreLocked(StoreError):
    """Another process keeps the projection locked."""

    code = "store-locked"


class LedgerBroken(StoreError):
    """The ledger's hash chain does not hold.

    Attributes:
        seq: First entry that cannot be trusted.
    """

    code = "ledger-broken"

    def __init__(self, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.seq = seq


class ArtifactBroken(StoreError):
    """A content-addressed file is missing or no longer has its digest."""

    code = "artifact-broken"


class ReplayError(LineageGraphError):
    """A rebuild could not be carried out."""

    code = "replay"


class PlanIncomplete(ReplayError):
    """The record does not hold a plan that can be executed."""

    code = "plan-incomplete"


class InputChanged(ReplayError):
    """A pinned input is missing or altered."""

    code = "input-changed"


class StepFailed(ReplayError):
    """A step raised while it was executed."""

    code = "step-failed"


class ReplayMismatch(ReplayError):
    """The rebuilt output is not the recorded one."""

    code = "replay-mismatch"
    exit_status = 6


class ExecutorUnavailable(LineageGraphError):
    """Spark could not be started or reached."""

    code = "executor-unavailable"
    exit_status = 3


class MissingExtra(LineageGraphError):
    """An optional package, or Java, is not installed."""

    code = "missing-extra"
    exit_status = 3


class AccessNotConfigured(LineageGraphError):
    """A server that others reach has no way to tell who they are; it does not start."""

    code = "access-not-configured"
    exit_status = 3


class AddressUnusable(LineageGraphError):
    """A server cannot listen at an address: it is taken, or not this machine's."""

    code = "address-unusable"


class PolicyRefused(LineageGraphError):
    """Refused by a rule, before anything was written."""

    code = "policy-refused"
    exit_status = 5


class LimitExceeded(PolicyRefused):
    """A question or a document takes more time, memory or room than one may."""

    code = "limit-exceeded"


class LicenseWarning(UserWarning):
    """What is being made could not be shared; it is made all the same."""
