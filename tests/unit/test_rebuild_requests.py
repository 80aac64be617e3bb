"""The queue of rebuilds: what a request goes through, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_graph.errors import InputChanged, NotFound, StepFailed, StoreUnavailable
from lineage_graph.replay.requests import MOST_ATTEMPTS, Requests
from lineage_graph.replay.results import Rebuild, Rebuilt

ANA, BRUNO = "urn:lineage-graph:agent:ana", "urn:lineage-graph:agent:bruno"
TARGET = "urn:lineage-graph:version:1"
TAKER = """
import os, sys, time
from pathlib import Path
from lineage_graph.replay.requests import Requests
with Requests(Path(sys.argv[1])).worker() as worker:
    print(worker.take().id, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    return Requests(tmp_path)


def taken_and_killed(folder: Path) -> str:
    """Let a process take a request, and kill it without warning."""
    taker = subprocess.Popen(
        [sys.executable, "-c", TAKER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert taker.stdout is not None
    with taker.stdout as said:
        taken = said.readline().strip()
        taker.send_signal(signal.SIGKILL)
        taker.wait()
    return taken


def test_a_request_waits_is_done_and_says_what_was_found(requests: Requests) -> None:
    asked = requests.add(TARGET, ANA)
    assert (asked.state, asked.has_ended) == ("queued", False)
    with requests.worker() as worker:
        taken = worker.take()
        assert taken is not None and (taken.id, taken.state) == (asked.id, "running")
        assert worker.take() is None
        assert worker.tell(asked.id, 1, 3, "features@1")
        running = requests.get(asked.id)
        assert (running.done, running.total, running.step) == (1, 3, "features@1")
        output = Rebuilt(TARGET, "late@1", "run", "different", "the values of ana differ")
        worker.finish(asked.id, Rebuild(TARGET, "late@1", (output,)))
    done = requests.get(asked.id)
    assert (done.state, done.verdict, done.has_ended) == ("done", "different", True)
    assert done.outputs[0]["name"] == "late@1"
    assert "ana differ" not in str(done)


def test_the_one_that_waits_longest_is_taken_first(requests: Requests) -> None:
    ids = [requests.add(f"{TARGET}{n}", ANA).id for n in range(3)]
    with requests.worker() as worker:
        assert [one.id for one in iter(worker.take, None) if one] == ids
    assert [one.id for one in requests.all()] == ids[::-1]


def test_the_same_is_not_asked_twice_by_one_person(requests: Requests) -> None:
    first = requests.add(TARGET, ANA)
    assert requests.add(TARGET, ANA) == first
    assert requests.add(TARGET, ANA, from_scratch=True).id != first.id
    assert requests.add(TARGET, BRUNO).id != first.id


def test_what_a_killed_worker_began_waits_again_but_not_for_ever(
    requests: Requests, tmp_path: Path
) -> None:
    asked = requests.add(TARGET, ANA)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert taken_and_killed(tmp_path) == asked.id
        assert requests.get(asked.id).attempts == attempt
    with requests.worker() as worker:
        assert worker.take() is None
    failed = requests.get(asked.id)
    assert failed.state == "failed"
    assert f"ended {MOST_ATTEMPTS} times" in str(failed.error)
    assert list((tmp_path / "workers").iterdir()) == []


def test_what_a_living_worker_does_is_not_taken_from_it(requests: Requests) -> None:
    asked = requests.add(TARGET, ANA)
    with requests.worker() as one, requests.worker() as other:
        assert one.take() is not None
        assert other.take() is None
        assert requests.get(asked.id).state == "running"


def test_a_request_is_taken_back(requests: Requests) -> None:
    waiting = requests.add(TARGET, ANA)
    assert requests.cancel(waiting.id).state == "cancelled"
    running = requests.add(TARGET, ANA)
    with requests.worker() as worker:
        taken = worker.take()
        assert taken is not None and taken.id == running.id
        assert requests.cancel(running.id).state == "running"
        assert not worker.tell(running.id, 1, 2, "x")
        worker.cancelled(running.id)
    ended = requests.get(running.id)
    assert ended.state == "cancelled"
    assert requests.cancel(running.id) == ended


def test_what_was_put_back_was_not_an_attempt(requests: Requests) -> None:
    asked = requests.add(TARGET, ANA)
    with requests.worker() as worker:
        worker.take()
        worker.put_back(asked.id)
    assert (requests.get(asked.id).state, requests.get(asked.id).attempts) == ("queued", 0)


def test_a_failure_is_told_without_what_the_data_holds(requests: Requests) -> None:
    told = []
    for error in (
        InputChanged("people.csv was altered."),
        StepFailed("cannot cast 'Ana Souza' to INT"),
        ValueError("Ana Souza"),
    ):
        asked = requests.add(TARGET, ANA)
        with requests.worker() as worker:
            worker.take()
            worker.fail(asked.id, error)
        told.append(str(requests.get(asked.id).error))
    assert told[0] == "input-changed: people.csv was altered."
    assert told[1].startswith("StepFailed was raised") and told[2].startswith("ValueError was")
    assert "Ana" not in "".join(told)


def test_the_queue_has_an_end(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_graph.replay.requests.MOST_QUEUED", 2)
    for number in range(2):
        requests.add(f"{TARGET}{number}", ANA)
    with pytest.raises(StoreUnavailable, match="lineage-graph worker"):
        requests.add(TARGET, ANA)


def test_there_is_nothing_of_another_name(requests: Requests) -> None:
    with pytest.raises(NotFound, match="no request"):
        requests.get("x")
    with pytest.raises(NotFound, match="no request"):
        requests.cancel("x")
