"""What events mean: which versions there are, which run made them, and from what."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.declarations import bundled
from lineage_graph.errors import StoreError
from lineage_graph.ledger import NewEntry
from lineage_graph.openlineage.mapping import Mapper
from lineage_graph.openlineage.names import (
    Name,
    RunKey,
    dataset_iri,
    declared_version,
    outside_version,
    run_iri,
    written_version,
)
from lineage_graph.validation import Validator
from tests.houses import AUTHOR, House
from tests.producers import (
    DATABASE,
    PUBLISHED,
    STORY,
    Event,
    columns,
    dataset,
    facet,
    published,
    run,
    schema,
    static,
    symlink,
)

SCENARIOS = sorted(path.name for path in (PUBLISHED / "events").iterdir())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    yield opened
    opened.close()


def table(name: str) -> Name:
    return Name(DATABASE, name)


def wrote(name: str, run_id: str, namespace: str = "shop") -> str:
    return written_version(table(name), RunKey(namespace, run_id))


def outside(name: str) -> str:
    return outside_version(table(name))


def test_a_run_derives_what_it_wrote_from_what_it_read(house: House) -> None:
    house.take(run("r", inputs=["a", "b"], outputs=["c"]))
    assert house.edges() == {
        (wrote("c", "r"), outside("a"), ("Combine", "Transform")),
        (wrote("c", "r"), outside("b"), ("Combine", "Transform")),
    }
    (activity,) = house.ask("records/activity", activity=run_iri(RunKey("shop", "r")))
    assert (activity["label"], activity["status"]) == ("load", "completed")
    titles = [row["title"] for row in house.ask("records/datasets")]
    assert titles == [table(name).text for name in "abc"]


def test_edges_belong_to_the_run_that_made_them(house: House) -> None:
    for number, (source, target) in enumerate([("a", "x"), ("b", "y"), ("a", "y")]):
        house.take(run(f"r{number}", inputs=[source], outputs=[target]))
    assert house.pairs() == {
        (wrote("x", "r0"), outside("a")),
        (wrote("y", "r1"), outside("b")),
        (wrote("y", "r2"), outside("a")),
    }


def test_what_was_read_is_the_newest_version_that_had_been_written(house: House) -> None:
    house.take(
        run("w1", at="10:00:00", outputs=["a"]),
        run("w2", at="11:00:00", outputs=["a"]),
        run("w3", at="13:00:00", outputs=["a"]),
        run("failed", "FAIL", at="11:30:00", outputs=["a"]),
        run("r", "START", at="12:00:00", inputs=["a"], outputs=["b"]),
        run("r", "COMPLETE", at="14:00:00"),
        run("early", at="09:00:00", inputs=["a"], outputs=["c"]),
    )
    assert house.pairs() == {
        (wrote("b", "r"), wrote("a", "w2")),
        (wrote("c", "early"), outside("a")),
    }
    grades = {
        str(row["grade"])
        for row in house.queries.select(
            f"SELECT DISTINCT ?grade {{ ?d <{bundled().iri('evidence_grade')}> ?grade }}"
        )
    }
    assert grades == {bundled().iri("InferredByTime")}


def test_a_late_event_changes_which_version_was_read(house: House) -> None:
    house.take(run("r", at="12:00:00", inputs=["a"], outputs=["b"]))
    assert house.pairs() == {(wrote("b", "r"), outside("a"))}
    house.take(run("w", at="11:00:00", outputs=["a"]))
    assert house.pairs() == {(wrote("b", "r"), wrote("a", "w"))}
    used = house.ask("records/used", activity=run_iri(RunKey("shop", "r")))
    assert [str(row["entity"]) for row in used] == [wrote("a", "w")]
    assert len(house.ask("records/version_of", of=dataset_iri(table("a")))) == 1
    house.take(run("w", "FAIL", at="11:01:00", outputs=["a"]))
    assert house.pairs() == {(wrote("b", "r"), outside("a"))}


def test_versions_that_producers_name_are_those(house: House) -> None:
    named = dataset("a", version=facet(datasetVersion="7"), schema=schema("x"))
    house.take(
        run("w", at="10:00:00", outputs=[named]),
        run("w2", at="11:00:00", outputs=["a"]),
        run("r", at="12:00:00", inputs=[named], outputs=["b"]),
    )
    seven = declared_version(table("a"), "7")
    assert house.pairs() == {(wrote("b", "r"), seven)}
    (version,) = house.ask("records/versions", version=seven)
    assert str(version["activity"]) == run_iri(RunKey("shop", "w"))
    assert [row["name"] for row in house.ask("records/columns", version=seven)] == ["x"]


def test_columns_come_from_column_lineage_also_without_inputs(house: House) -> None:
    lineage = columns(x=[("a", "p")], y=[("a", "p"), ("b", "q")])
    house.take(run("r", outputs=[dataset("c", columnLineage=lineage, schema=schema("x", "y"))]))
    assert house.pairs() == {(wrote("c", "r"), outside("a")), (wrote("c", "r"), outside("b"))}
    ends = {(derived.partition("#")[2], source) for derived, source, _ in house.edges("column")}
    assert ends == {
        ("x", f"{outside('a')}#p"),
        ("y", f"{outside('a')}#p"),
        ("y", f"{outside('b')}#q"),
    }
    used = house.ask("records/used", activity=run_iri(RunKey("shop", "r")))
    assert {str(row["entity"]) for row in used} == {outside("a"), outside("b")}


def one_field(**entry: Any) -> Event:
    source = {"namespace": DATABASE, "name": "a", "field": "p"}
    transformations = entry.pop("transformations", None)
    if transformations:
        source["transformations"] = transformations
    return facet(fields={"x": {"inputFields": [source], **entry}})


@pytest.mark.parametrize(
    ("lineage", "whole", "column"),
    [
        (one_field(transformationType="IDENTITY"), {("Projection",)}, {("Identity",)}),
        (one_field(transformationType="MASKED"), {("Transform",)}, {("Transform",)}),
        (one_field(), {("Combine", "Transform")}, {("Transform",)}),
        (
            one_field(transformations=[{"type": "DIRECT", "subtype": "AGGREGATION"}]),
            {("Aggregate",)},
            {("Aggregate",)},
        ),
        (
            one_field(
                transformations=[
                    {"type": "DIRECT", "subtype": "IDENTITY"},
                    {"type": "INDIRECT", "subtype": "FILTER"},
                ]
            ),
            {("Filter", "Projection")},
            {("Identity",)},
        ),
        (
            one_field(transformations=[{"type": "INDIRECT", "subtype": "JOIN"}]),
            {("Combine",)},
            set(),
        ),
        (
            one_field(transformations=[{"type": "INDIRECT", "subtype": "CONDITIONAL"}]),
            {("Transform",)},
            {("Transform",)},
        ),
    ],
)
def test_kinds_follow_the_transformations(
    house: House, lineage: Event, whole: set[Any], column: set[Any]
) -> None:
    house.take(run("r", inputs=["a"], outputs=[dataset("c", columnLineage=lineage)]))
    assert {kinds for _, _, kinds in house.edges()} == whole
    assert {kinds for _, _, kinds in house.edges("column")} == column


def test_an_input_that_one_output_names_is_not_taken_for_a_source_of_the_other(
    house: House,
) -> None:
    outputs = [
        dataset("x", columnLineage=columns(p=[("a", "p")])),
        dataset("y", columnLineage=columns(q=[("b", "q")])),
    ]
    house.take(run("r", inputs=["a", "b", "nobody knows"], outputs=outputs))
    assert house.pairs() == {
        (wrote("x", "r"), outside("a")),
        (wrote("y", "r"), outside("b")),
        (wrote("x", "r"), outside("nobody knows")),
        (wrote("y", "r"), outside("nobody knows")),
    }


def source(name: str, **more: Any) -> Event:
    return {"namespace": DATABASE, "name": name, "type": "DATASET", **more}


def test_lineage_facets_of_datasets_and_jobs_are_read(house: House) -> None:
    of_dataset = facet(inputs=[source("a")], fields={"x": {"inputs": [source("b", field="p")]}})
    of_job = facet(
        entries=[{**source("d"), "inputs": [source("a")]}, {**source("e"), "inputs": []}]
    )
    house.take(
        run("r", inputs=["a"], outputs=[dataset("c", lineage=of_dataset)]),
        run("j", inputs=["a"], job_facets={"lineage": of_job}),
    )
    assert house.pairs() == {
        (wrote("c", "r"), outside("a")),
        (wrote("c", "r"), outside("b")),
        (wrote("d", "j"), outside("a")),
    }
    versions = {str(row["version"]) for row in house.ask("records/version_of")}
    assert wrote("e", "j") in versions


def test_one_table_under_two_names_is_one_dataset(house: House) -> None:
    house.take(
        run("w", at="10:00:00", outputs=[dataset("/warehouse/t", "file")]),
        run("r", at="12:00:00", inputs=[dataset("db.t", "hive://m")], outputs=["b"]),
    )
    assert len(house.ask("records/datasets")) == 3
    written = written_version(Name("file", "/warehouse/t"), RunKey("shop", "w"))
    linked = dataset("/warehouse/t", "file", symlinks=symlink("db.t", "hive://m"))
    house.take(run("other", at="13:00:00", inputs=[linked]))
    assert [row["title"] for row in house.ask("records/datasets")] == [
        "hive://m db.t",
        table("b").text,
    ]
    one = Name("hive://m", "db.t")
    (row,) = house.ask("records/datasets", dataset=dataset_iri(one))
    assert row["location"] == "/warehouse/t"
    assert house.pairs() == {(wrote("b", "r"), written)}
    (version,) = house.ask("records/version_of", version=written)
    assert str(version["of"]) == dataset_iri(one)


def test_the_same_run_id_in_two_namespaces_is_two_runs(house: House) -> None:
    house.take(
        run("r", namespace="one", inputs=["a"], outputs=["x"]),
        run("r", namespace="two", inputs=["b"], outputs=["x"]),
    )
    assert house.pairs() == {
        (wrote("x", "r", "one"), outside("a")),
        (wrote("x", "r", "two"), outside("b")),
    }


def test_an_end_before_the_beginning_is_an_activity_that_took_no_time(house: House) -> None:
    house.take(run("r", "COMPLETE", at="2016-05-01T12:00:00Z"), run("r", "START", at="12:00:00"))
    (activity,) = house.ask("records/activity", activity=run_iri(RunKey("shop", "r")))
    assert activity["started"] == activity["ended"]
    assert activity["status"] == "completed"


@pytest.mark.parametrize(
    ("events", "status", "versions"),
    [
        (["START"], "running", 1),
        (["RUNNING", "OTHER"], "running", 1),
        (["START", "COMPLETE"], "completed", 1),
        (["START", "FAIL"], "failed", 0),
        (["START", "ABORT"], "aborted", 0),
    ],
)
def test_a_run_is_in_the_state_of_its_events(
    house: House, events: list[str], status: str, versions: int
) -> None:
    for number, kind in enumerate(events):
        house.take(run("r", kind, at=f"12:00:0{number}", outputs=["x"]))
    (activity,) = house.ask("records/activity", activity=run_iri(RunKey("shop", "r")))
    assert activity["status"] == status
    assert len(house.ask("records/version_of")) == versions


def test_parents_and_dependencies_are_named_once_they_are_known(house: House) -> None:
    of = {"run": {"runId": "p"}, "job": {"namespace": "shop", "name": "dag"}}
    before = {"upstream": [{"job": of["job"], "run": {"runId": "u"}}]}
    facets = {"parent": facet(**of), "jobDependencies": facet(**before)}
    house.take(run("r", run_facets=facets))
    linked = (
        f"SELECT ?other {{ <{run_iri(RunKey('shop', 'r'))}> "
        f"<{bundled().iri('part_of')}>|<{bundled().iri('informed_by')}> ?other }}"
    )
    assert list(house.queries.select(linked)) == []
    house.take(run("p", job="dag"), run("u", job="before"))
    assert {str(row["other"]) for row in house.queries.select(linked)} == {
        run_iri(RunKey("shop", "p")),
        run_iri(RunKey("shop", "u")),
    }


def test_datasets_and_jobs_are_described_by_what_was_said_last(house: House) -> None:
    def said(at: str, text: str) -> Event:
        about = facet(description=text)
        tags = facet(tags=[{"key": "layer", "value": text}])
        owner = facet(owners=[{"name": "team:sales"}])
        facets = {"documentation": about, "tags": tags, "ownership": owner}
        job = {**facets, "sql": facet(query=f"select '{text}'")}
        return run(f"r{at}", at=at, inputs=[dataset("a", DATABASE, **facets)], job_facets=job)

    house.take(said("12:00:00", "new"), said("11:00:00", "old"))
    (row,) = house.ask("records/datasets")
    assert (row["description"], row["owner"]) == ("new", "urn:lineage-graph:agent:team%3Asales")
    (sql,) = house.queries.select(f"SELECT ?sql {{ ?job <{bundled().iri('sql')}> ?sql }}")
    assert sql["sql"] == "select 'new'"
    gone = {"_deleted": True, **facet()}
    house.take(run("r3", at="13:00:00", inputs=[dataset("a", documentation=gone)]))
    assert house.ask("records/datasets")[0]["description"] is None


def test_events_of_jobs_and_datasets_describe_without_a_run(house: House) -> None:
    job = {"namespace": "shop", "name": "nightly"}
    house.take(
        static(job=job, inputs=[dataset("a")], outputs=[dataset("b")]),
        static(dataset=dataset("c", version=facet(datasetVersion="1"), schema=schema("x"))),
    )
    assert house.edges() == set()
    assert [row["title"] for row in house.ask("records/datasets")] == [
        table(name).text for name in "abc"
    ]
    one = declared_version(table("c"), "1")
    assert [row["name"] for row in house.ask("records/columns", version=one)] == ["x"]
    declared = f"SELECT ?d {{ ?job <{bundled().iri('declared_output')}> ?d }}"
    assert [str(row["d"]) for row in house.queries.select(declared)] == [dataset_iri(table("b"))]


def test_checks_of_data_and_sizes_are_recorded(house: House) -> None:
    checks = facet(assertions=[{"assertion": "not_null", "column": "x", "success": False}])
    output = dataset("b", schema=schema("x"))
    output["outputFacets"] = {"outputStatistics": facet(rowCount=5, size=100)}
    checked = dataset("a")
    checked["inputFacets"] = {"dataQualityAssertions": checks}
    house.take(run("r", inputs=[checked], outputs=[output]))
    found = house.queries.select(
        f"SELECT ?about ?rows {{ ?check <{bundled().iri('passed')}> false ; "
        f"<{bundled().iri('about')}> ?about . ?v <{bundled().iri('row_count')}> ?rows }}"
    )
    assert list(found) == [{"about": f"{outside('a')}#x", "rows": 5}]


def test_what_is_dropped_has_no_sources(house: House) -> None:
    drop = facet(lifecycleStateChange="DROP")
    house.take(run("r", inputs=["a"], outputs=[dataset("b", lifecycleStateChange=drop)]))
    assert house.edges() == set()


def test_every_bundle_fits_its_shapes_and_names_nothing_that_is_not_described(
    house: House,
) -> None:
    for scenario in SCENARIOS:
        house.take(*published(scenario))
    house.take(*STORY)
    house.queries.up_to_date()
    validator = Validator(bundled())
    for entry in house.ledger.entries():
        assert validator.violations(entry.body) == []
    assert validator.validate_store(house.queries.dump()) == []
    assert house.ledger.verify() == house.ledger.head
    assert house.queries.verify().differs is None


def test_what_is_known_may_be_dropped_or_damaged(house: House) -> None:
    house.take(*STORY[:6])
    before, head = house.graph(), house.ledger.head
    path = house.folder / "openlineage.db"
    for spoil in (path.unlink, lambda: path.write_bytes(b"no database" * 1000)):
        for beside in house.folder.glob("openlineage.db-*"):
            beside.unlink()
        spoil()
        house.mapper = Mapper(path, house.ledger)
        assert house.graph() == before
        assert house.ledger.head == head
    house.take(*STORY[6:])
    assert house.graph() != before


def test_two_that_ask_at_once_say_it_once(house: House) -> None:
    house.take(*STORY)
    other = Mapper(house.folder / "openlineage.db", house.ledger)
    house.mapper.catch_up()
    head = house.ledger.head
    other.catch_up()
    house.mapper.catch_up()
    assert house.ledger.head == head


def test_a_store_without_events_keeps_no_file_of_them(house: House) -> None:
    house.queries.up_to_date()
    assert not (house.folder / "openlineage.db").exists()


def test_what_was_appended_past_the_checks_harms_nobody(house: House) -> None:
    house.take(run("r", outputs=["a"]))
    (entry,) = house.ledger.entries()
    bad = entry.body.replace(b"run", b"nur")
    house.ledger.append(
        NewEntry(
            txid="openlineage:forged",
            author=AUTHOR,
            bundle="urn:lineage-graph:bundle:forged",
            body=bad.replace(entry.bundle.encode(), b"urn:lineage-graph:bundle:forged"),
            subjects=["urn:lineage-graph:openlineage-event:forged"],
        )
    )
    assert len(house.ask("records/datasets")) == 1


def test_one_more_version_of_a_table_states_no_other_version_again(house: House) -> None:
    sizes = []
    for number in range(12):
        named = dataset("t", version=facet(datasetVersion=f"v{number}"), schema=schema("a", "b"))
        before = house.ledger.head
        house.take(run(f"r{number}", at=f"12:00:{number:02}", outputs=[named]))
        house.ask("records/datasets")
        stated = house.ledger.entries(before, house.ledger.head)
        sizes.append(sum(len(entry.body) for entry in stated))
    # A digit more, no version more.
    assert sizes[-1] <= sizes[2] + 200


def test_a_column_that_is_named_later_is_one_of_the_versions_before(house: House) -> None:
    house.take(run("r", inputs=[dataset("a", version=facet(datasetVersion="7"))], outputs=["c"]))
    house.ask("records/datasets")
    lineage = columns(x=[("a", "y")])
    house.take(run("s", inputs=["a"], outputs=[dataset("c", columnLineage=lineage)]))
    found = house.ask("records/columns", version=declared_version(table("a"), "7"))
    assert [row["name"] for row in found] == ["y"]


def test_of_what_one_event_says_twice_the_first_counts(house: House) -> None:
    twice = [dataset("c", schema=schema("a")), dataset("c", schema=schema("b"))]
    house.take(run("r", outputs=twice))
    found = house.ask("records/columns", version=wrote("c", "r"))
    assert [row["name"] for row in found] == ["a"]


def test_an_event_that_comes_again_in_another_batch_states_nothing(house: House) -> None:
    house.take(run("r", outputs=["c"]))
    house.ask("records/datasets")
    house.take(run("r", outputs=["c"]), run("s", outputs=["d"]))
    before = house.ledger.head
    house.ask("records/datasets")
    stated = {entry.body for entry in house.ledger.entries(before, house.ledger.head)}
    assert not any(run_iri(RunKey("shop", "r")).encode() in body for body in stated)


@pytest.mark.parametrize("stated", range(4))
def test_an_interruption_while_events_are_worked_out_loses_no_meaning(
    house: House, tmp_path: Path, stated: int
) -> None:
    joined = static(dataset=dataset("a", symlinks=symlink("d", DATABASE, "TABLE")))
    first, later = run("r", inputs=["a"], outputs=["b"]), run("w", at="11:00:00", outputs=["a"])
    house.take(first)
    house.ask("records/datasets")
    house.take(later, joined)
    full = f"(SELECT count(*) FROM entry) >= {house.ledger.head + stated}"
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as disk:
        disk.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON entry WHEN {full} "
            "BEGIN SELECT RAISE(FAIL, 'no room'); END"
        )
        disk.commit()
        with pytest.raises(StoreError):
            house.mapper.catch_up()
        disk.execute("DROP TRIGGER full")
        disk.commit()
    (tmp_path / "other").mkdir()
    other = House(tmp_path / "other").take(first, later, joined)
    assert house.graph() == other.graph()
    assert house.edges() == other.edges()
    other.close()


def test_a_version_holds_by_its_dataset_s_name_and_no_other(house: House) -> None:
    seven = dataset("b", version=facet(datasetVersion="7"), symlinks=symlink("d", DATABASE, "X"))
    house.take(run("r", inputs=[seven]))
    house.ask("records/datasets")
    house.take(static(dataset=dataset("d", symlinks=symlink("a", DATABASE, "TABLE"))))
    versions = {declared_version(table(name), "7") for name in "abd"}
    found = {row["version"] for row in house.ask("records/version_of")} & versions
    (name,) = [name for name in "abd" if declared_version(table(name), "7") in found]
    others = house.ask("records/alternates", of=[declared_version(table(name), "7")])
    assert {row["alternate"] for row in others} == versions - found
