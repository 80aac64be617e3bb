"""Records of a rebuild: new activities, informed by the originals, with the same plans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lineage_graph.identity import fresh, part
from lineage_graph.recording.descriptions import (
    association,
    content_of,
    environment_record,
    usages,
)
from lineage_graph.records import Comparison, Record, Replay
from lineage_graph.replay.results import Rebuilt


def replay_records(outputs: Sequence[Rebuilt], author: str) -> tuple[list[Record], list[Record]]:
    """Return what a rebuild adds to the record: one activity for each plan that ran.

    Args:
        outputs: Of the rebuild; what did not run is left out.
        author: IRI of the agent who records.

    Returns:
        The activities with what belongs to them, and the environments and contents,
        which may be described already.
    """
    own: list[Record] = []
    shared: list[Record] = []
    for output in outputs:
        if output.plan and output.original and output.started:
            environment = environment_record(output.facts)
            shared.append(environment)
            replay = _replay(output, output.started, output.original, environment.id, author)
            own += [replay, *usages(replay.id, output.inputs)]
            own.append(association(replay.id, output.plan))
            if output.content is not None:
                shared.append(content_of(output.content))
                own.append(_comparison(output, replay))
    return own, shared


def _replay(
    output: Rebuilt, started: datetime, original: str, environment: str, author: str
) -> Replay:
    activity = fresh("activity")
    return Replay(
        id=activity,
        label=f"rebuild {output.name}",
        started_at=started,
        ended_at=started + timedelta(seconds=output.seconds or 0),
        status="failed" if output.error else "completed",
        error=output.error,
        used=tuple(sorted(set(output.inputs.values()))),
        qualified_usage=tuple(part(activity, "usage", slot) for slot in output.inputs),
        associated_with=author,
        qualified_association=part(activity, "association"),
        environment=environment,
        informed_by=(original,),
        verdict=output.verdict or "impossible",
        evaluates=output.version,
    )


def _comparison(output: Rebuilt, replay: Replay) -> Comparison:
    """Say what came out beside what was recorded; equal contents are one node."""
    return Comparison(
        id=part(replay.id, "comparison"),
        generated_by=replay.id,
        recorded=output.version,
        rebuilt=content_of(output.content).id if output.content else None,
        verdict=replay.verdict,
        explanation=output.explanation,
    )
