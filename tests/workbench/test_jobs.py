import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

import core.workbench.jobs
from core.errors import Cancelled, InputError, UnknownName
from core.workbench.jobs import Jobs, Tick, begin_step


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path / "jobs")


def start(jobs, work, **arguments):
    return jobs.start("Work", work, verb="ingest", arguments=arguments)


def until(condition, seconds=10.0):
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "waited too long"
        sleep(0.01)


def test_a_job_that_ends_well_is_done_with_its_result_and_progress(jobs):
    def work(tick):
        for i in range(5):
            tick(i + 1, 5)
        return "five"

    job = start(jobs, work).wait()
    assert (job.state, job.result, job.done, job.total) == ("done", "five", 5, 5)
    assert job.sentence == "Done in 0 s."
    assert jobs.get(job.id) is job


def test_a_cancelled_job_stops_at_its_next_tick_and_keeps_what_it_did(jobs):
    reached, go = Event(), Event()
    done = []

    def work(tick):
        for i in range(3):
            tick(i, 3)
            done.append(i)
            reached.set()
            go.wait(10)

    job = start(jobs, work)
    reached.wait(10)
    job.cancel()
    assert job.cancelling
    assert job.sentence == "Cancelled: stops as soon as it can."
    go.set()
    job.wait(10)
    assert (job.state, job.cancelling) == ("cancelled", False)
    assert done == [0]
    assert job.sentence == "Cancelled at 0 of 3; what was done is saved."
    assert not job.cancel_file.exists()


def test_another_instance_sees_a_running_job_and_can_cancel_it(jobs):
    def work(tick):
        while True:
            tick(1, 10)
            sleep(0.005)

    job = start(jobs, work)
    other = Jobs(jobs.folder)
    until(lambda: other.get(job.id).done == 1)
    assert other.get(job.id).state == "running"
    other.get(job.id).cancel()
    job.wait(10)
    assert job.state == "cancelled"


def test_a_sentence_becomes_the_sentence_of_the_failed_job(jobs):
    def work(tick):
        raise InputError("The folder is empty.")

    job = start(jobs, work).wait()
    assert (job.state, job.sentence, job.traceback) == ("failed", "The folder is empty.", "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_keeps_its_traceback_and_reaches_the_thread_hook(jobs, monkeypatch):
    seen = []
    monkeypatch.setattr("threading.excepthook", lambda args: seen.append(args.exc_value))

    def work(tick):
        return 1 // 0

    job = start(jobs, work).wait()
    assert job.state == "failed"
    assert "ZeroDivisionError" in job.sentence
    assert "return 1 // 0" in Jobs(jobs.folder).get(job.id).traceback
    assert isinstance(seen[0], ZeroDivisionError)


def test_records_survive_and_say_what_to_call_again(jobs, tmp_path):
    job = start(jobs, lambda tick: tick(2, 2), name="pets", path="/pets").wait()
    again = Jobs(jobs.folder).get(job.id)
    assert (again.verb, again.arguments) == ("ingest", {"name": "pets", "path": "/pets"})
    assert (again.state, again.done, again.title) == ("done", 2, "Work")


CHILD = """
import sys, time
from core.workbench.jobs import Jobs
def work(tick):
    for i in range(10**6):
        tick(i, 10**6)
        time.sleep(0.01)
Jobs(sys.argv[1]).start("Work", work, verb="ingest", arguments={"name": "pets"})
print("started", flush=True)
time.sleep(60)
"""


def test_a_killed_process_leaves_an_interrupted_job_that_the_next_start_replaces(jobs):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(jobs.folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    child.stdout.readline()
    assert [j.state for j in jobs.all()] == ["running"]
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (left,) = jobs.all()
    assert left.state == "interrupted"
    assert "when the process ended" in left.sentence
    again = jobs.start("Work", lambda tick: None, verb=left.verb, arguments=left.arguments).wait()
    assert [j.id for j in jobs.all()] == [again.id]


def test_a_reused_process_number_does_not_count_as_alive(jobs):
    job = start(jobs, lambda tick: None).wait()
    path = jobs.folder / f"{job.id}.json"
    record = json.loads(path.read_text()) | {"state": "running", "born": "long ago"}
    path.write_text(json.dumps(record))
    assert record["pid"] == os.getpid()
    assert Jobs(jobs.folder).get(job.id).state == "interrupted"
    path.write_text(json.dumps(record | {"born": "123456"}))  # clock ticks, as version 0.1 wrote
    assert Jobs(jobs.folder).get(job.id).state == "interrupted"


def test_the_same_work_is_not_run_twice_at_a_time(jobs):
    go = Event()
    first = start(jobs, lambda tick: go.wait(10), name="pets")
    assert start(jobs, lambda tick: go.wait(10), name="pets") is first
    other = start(jobs, lambda tick: go.wait(10), name="birds")
    go.set()
    assert other.wait(10) is not first.wait(10)


def test_rate_and_time_left_come_from_the_recent_window(jobs, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(core.workbench.jobs, "monotonic", lambda: clock[0])
    job = start(jobs, lambda tick: None).wait()
    job.state = "running"
    tick = Tick(job)
    tick(0, 10_000)
    assert (job.rate, job.seconds_left) == (0.0, None)
    clock[0] += 10
    tick(1000, 10_000)
    assert (job.rate, job.seconds_left) == (100.0, 90.0)
    assert job.sentence == "1,000 of 10,000, 100 per second, 2 min left."
    for done in (1300, 1600, 1900):  # 30 a second from here on: the old speed is forgotten
        clock[0] += 10
        tick(done, 10_000)
    assert job.rate == pytest.approx(30.0)
    clock[0] += 1
    tick(5, 50)  # a new stage
    assert job.rate == 0.0


def test_the_record_is_written_at_most_once_a_second(jobs, monkeypatch):
    clock = [0.0]
    written = []
    job = start(jobs, lambda tick: None).wait()
    monkeypatch.setattr(core.workbench.jobs, "monotonic", lambda: clock[0])
    monkeypatch.setattr(core.workbench.jobs, "save_record", lambda job: written.append(job.done))
    tick = Tick(job)
    for i in range(100):
        clock[0] = i * 0.05
        tick(i, 100)
    assert written == [0, 20, 40, 60, 80]


def test_the_latest_attempt_at_a_piece_of_work_is_found(jobs):
    assert jobs.latest("ingest", {"name": "pets"}) is None
    job = start(jobs, lambda tick: None, name="pets").wait()
    start(jobs, lambda tick: None, name="birds").wait()
    assert jobs.latest("ingest", {"name": "pets"}) is job
    assert jobs.latest("layout", {"name": "pets"}) is None


def test_old_records_are_dropped_but_never_a_running_job(jobs, monkeypatch):
    monkeypatch.setattr(core.workbench.jobs, "KEPT", 3)
    go = Event()
    running = start(jobs, lambda tick: go.wait(10), i=-1)
    for i in range(6):
        start(jobs, lambda tick: None, i=i).wait()
    left = jobs.all()
    go.set()
    assert running in left
    assert [j.arguments["i"] for j in left if j is not running] == [5, 4, 3, 2][: len(left) - 1]
    assert len(left) <= 5


def test_a_damaged_record_says_so_and_breaks_nothing(jobs):
    start(jobs, lambda tick: None).wait()
    (jobs.folder / "half.json").write_text('{"id": "ha')
    assert jobs.get("half").sentence == "The record half.json cannot be read."
    jobs.forget("half")
    assert len(jobs.all()) == 1


def test_a_job_nobody_knows_is_a_sentence(jobs):
    with pytest.raises(UnknownName, match=r"No job is called .x.\. There are none yet\."):
        jobs.get("x")


def test_cancelled_is_not_taken_for_a_refusal():
    assert not issubclass(Cancelled, InputError)


def test_a_named_step_counts_anew_in_its_own_unit(jobs):
    go = Event(), Event()

    def work(tick):
        begin_step(tick, "drawing", 1, 2, "images")
        tick(159, 159)
        go[0].wait(30)
        begin_step(tick, "encoding", 2, 2, "records")
        tick(77, 159)
        go[1].wait(30)

    job = start(jobs, work)
    until(lambda: job.done == 159)
    assert job.sentence == "Step 1 of 2, drawing: 159 of 159 images, finishing."
    go[0].set()
    until(lambda: job.done == 77)
    assert job.sentence.startswith("Step 2 of 2, encoding: 77 of 159 records")
    assert Jobs(jobs.folder).get(job.id).step == "encoding"
    go[1].set()
    assert job.wait(30).state == "done"


def test_records_of_an_earlier_version_without_steps_are_read(jobs):
    job = start(jobs, lambda tick: tick(3, 9)).wait()
    record = jobs.folder / f"{job.id}.json"
    stored = json.loads(record.read_text())
    for name in ("step", "step_number", "steps", "unit"):
        del stored[name]
    record.write_text(json.dumps(stored))
    assert Jobs(jobs.folder).get(job.id).state == "done"
