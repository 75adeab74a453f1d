import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grinder_resources.errors import ContractBroken, LedgerBroken
from grinder_resources.learning.ledger import Ledger, Trial


def trial(number: int) -> Trial:
    return Trial("backtest", "grid", f"width_{number}", {"width_bps": number}, (10, 11), (number, -number))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Five records, the last two of one append."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for trials in ([trial(1)], [trial(2)], [trial(3)], [trial(4), trial(5)]):
        ledger.append(trials)
    return ledger


def test_what_was_appended_is_read_in_order(ledger: Ledger) -> None:
    """Each record names the one before; there are texts and integers only in the file."""
    records = ledger.read()
    assert [record.trial for record in records] == [trial(number) for number in range(1, 6)]
    assert [record.seq for record in records] == [1, 2, 3, 4, 5]
    assert [record.previous for record in records[1:]] == [record.sha256 for record in records[:-1]]
    assert records[0].previous == "0" * 64


def test_a_record_is_one_line_of_canonical_json(tmp_path: Path) -> None:
    """The same trial gives the same bytes anywhere: no clock, host or path."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([Trial("fit", "regime", "regime", {"rows": 7})])
    assert ledger.path.read_text() == (
        '{"blocks":[],"facts":{"rows":7},"kind":"fit","previous":"' + "0" * 64 + '","question":"regime","returns":[],'
        '"seq":1,"sha256":"6557474e170818bc73500dd3911713842be4bcef31d638e9b5119e223239aba2","subject":"regime"}\n'
    )


def test_no_ledger_has_no_records(tmp_path: Path) -> None:
    """And appending nothing does not start one."""
    ledger = Ledger(tmp_path / "models" / "ledger.jsonl")
    ledger.append([])
    assert ledger.read() == ()
    assert not ledger.path.parent.exists()


Lines = list[str]
ALTERATIONS: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "cut tail": (lambda lines: lines[:-1], r"records at the end are missing \(.*line 5; got 4 records; expected 5\)"),
    "everything cut": (lambda _: [], r"records at the end are missing \(.*line 1; got 0 records; expected 5\)"),
    "removed middle": (lambda lines: lines[:2] + lines[3:], r"removed, repeated or moved \(.*line 3; got record 4"),
    "removed first": (lambda lines: lines[1:], r"removed, repeated or moved \(.*line 1; got record 2"),
    "edited": (lambda lines: [line.replace('"width_bps":4', '"width_bps":5') for line in lines], r"edited \(.*line 4"),
    "reordered": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], r"removed, repeated or moved \(.*line 2"),
    "duplicated": (lambda lines: [*lines[:3], lines[2], *lines[3:]], r"removed, repeated or moved \(.*line 4"),
    "repeated at the end": (lambda lines: [*lines, lines[4]], r"removed, repeated or moved \(.*line 6"),
    "torn": (lambda lines: [*lines[:-1], lines[-1][:40]], r"the last line is torn \(.*line 5; got 40 characters"),
    "no end of line": (lambda lines: [*lines[:-1], lines[-1][:-1]], r"the last line is torn \(.*line 5"),
    "not JSON": (lambda lines: ["what\n", *lines[1:]], r"the line is no record \(.*line 1; got what"),
    "other JSON": (lambda lines: ["[1]\n", *lines[1:]], r"the line is no record \(.*line 1; got \[1\]"),
    "added field": (lambda lines: [lines[0].replace("{", '{"a":1,', 1), *lines[1:]], r"the line is no record"),
}


@pytest.mark.parametrize(("alter", "sentence"), ALTERATIONS.values(), ids=ALTERATIONS)
def test_what_was_altered_is_found_at_its_line(ledger: Ledger, alter: Callable[[Lines], Lines], sentence: str) -> None:
    """Whatever was done to the file after it was written."""
    lines = ledger.path.read_text().splitlines(keepends=True)
    ledger.path.write_text("".join(alter(lines)))
    with pytest.raises(LedgerBroken, match=sentence):
        ledger.read()


def rechained(lines: Lines) -> Lines:
    """Return the same trials as a new chain, as someone would who edits a record and means to hide it."""
    forged = Ledger(Path("forged.jsonl"))
    forged.append(
        [Trial(**{name: json.loads(line)[name] for name in ("kind", "subject", "question", "facts")}) for line in lines]
    )
    return forged.path.read_text().splitlines(keepends=True)


def test_a_chain_made_anew_is_not_the_one_the_head_names(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every hash fits, but the newest record is another one."""
    monkeypatch.chdir(tmp_path)
    ledger.path.write_text("".join(rechained(ledger.path.read_text().splitlines(keepends=True))))
    with pytest.raises(LedgerBroken, match=r"the last record is not the one the head names \(.*line 5"):
        ledger.read()


def test_a_record_beyond_the_head_is_found(ledger: Ledger, tmp_path: Path) -> None:
    """A good record that did not come through the ledger."""
    longer = Ledger(tmp_path / "longer" / "ledger.jsonl")
    longer.append([trial(number) for number in range(1, 7)])
    ledger.path.write_bytes(longer.path.read_bytes())
    with pytest.raises(
        LedgerBroken, match=r"a record that the head does not know \(.*line 6; got 6 records; expected 5\)"
    ):
        ledger.read()


@given(st.data())
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """At the line it is in, or at the next, whose chain it breaks."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.jsonl")
    ledger.append([trial(number) for number in range(1, 4)])
    content = bytearray(ledger.path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    ledger.path.write_bytes(content)
    with pytest.raises(LedgerBroken, match=r"line [1-4]"):
        ledger.read()


@pytest.mark.parametrize("change", ["cut", "grown"])
def test_nothing_is_appended_to_a_log_of_another_length(ledger: Ledger, change: str) -> None:
    """The head suffices to see it; the log stays as it is."""
    content = ledger.path.read_bytes()
    altered = content[:-1] if change == "cut" else content + b"\n"
    ledger.path.write_bytes(altered)
    with pytest.raises(LedgerBroken, match=f"does not end where its head says.*got {len(altered)} bytes"):
        ledger.append([trial(6)])
    assert ledger.path.read_bytes() == altered


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"count":5}', '{"count":"5","newest":"","pending":"","size":1}'])
def test_a_head_that_is_none_is_refused(ledger: Ledger, content: str) -> None:
    """In reading and in appending."""
    ledger.path.with_suffix(".head").write_text(content)
    for act in (ledger.read, lambda: ledger.append([trial(6)])):
        with pytest.raises(LedgerBroken, match="the head cannot be read"):
            act()


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.head"])
def test_one_file_without_the_other_is_refused(ledger: Ledger, name: str) -> None:
    """A removed log is a cut to nothing; without a head no record is known."""
    (ledger.path.parent / name).unlink()
    with pytest.raises(LedgerBroken, match="line 1"):
        ledger.read()


@pytest.mark.parametrize("value", [0.5, float("nan"), np.int64(3), b"x", {"deep": [1, 0.25]}])
def test_floats_are_refused_with_nothing_written(ledger: Ledger, value: object) -> None:
    """Not even the good trial that came with it."""
    before = ledger.path.read_bytes()
    with pytest.raises(ContractBroken, match=r"integers and texts.*backtest trial of grid"):
        ledger.append([trial(6), Trial("backtest", "grid", "", {"value": value})])
    assert ledger.path.read_bytes() == before


def test_a_repeated_trial_is_the_same_trial(ledger: Ledger) -> None:
    """So is one that was repeated to prove it; other facts make another, other returns do not."""
    ledger.verifying().append([trial(5)])
    *_, known, repeated = (record.trial for record in ledger.read())
    assert repeated.facts == {"width_bps": 5, "verify": True}
    assert repeated.key == known.key == Trial("backtest", "grid", "width_5", {"width_bps": 5}).key
    others = [
        Trial("tuning", "grid", "width_5", {"width_bps": 5}),
        Trial("backtest", "grid2", "width_5", {"width_bps": 5}),
        Trial("backtest", "grid", "width_6", {"width_bps": 5}),
        Trial("backtest", "grid", "width_5", {"width_bps": 6}),
    ]
    assert len({known.key, *(other.key for other in others)}) == 5


SETUP = """
import os, resource, signal, sys
from pathlib import Path
from grinder_resources.learning.ledger import Ledger, Trial
ledger = Ledger(Path(sys.argv[1]))
"""

KILL_AT_EVERY_CALL = """
import grinder_resources.learning.journal as journal
count = 0
class Killing:
    def __init__(self, limit):
        self.calls, self.limit = 0, limit
    def __getattr__(self, name):
        if name not in {"write", "fsync"}:
            return getattr(os, name)
        return lambda *given: self.call(name, *given)
    def call(self, name, *given):
        self.calls += 1
        if self.calls == self.limit:
            if name == "write":
                os.write(given[0], given[1][: len(given[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(os, name)(*given)

for limit in range(1, 100):
    child = os.fork()
    if child == 0:
        journal.os = Killing(limit)
        ledger.append([Trial("fit", "killed", str(limit)), Trial("fit", "killed", f"{limit} too")])
        os._exit(0)
    died = os.waitpid(child, 0)[1] != 0
    killed = [record.trial.question for record in ledger.read()]
    ledger.append([Trial("fit", "lived", str(limit))])
    assert [record.trial.question for record in ledger.read()] == [*killed, str(limit)]
    if not died:
        break
print(limit)
"""


def run_child(script: str, path: Path) -> str:
    """Run a script in a fresh process, where killing is safe, and return what it printed."""
    command = [sys.executable, "-c", SETUP + script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_writer_killed_at_any_call_leaves_all_of_its_records_or_none(ledger: Ledger) -> None:
    """Killed half-way through every write and before every fsync: readers see no torn line, the next one goes on."""
    calls = int(run_child(KILL_AT_EVERY_CALL, ledger.path))
    assert calls > 8
    killed = [record.trial.question for record in ledger.read() if record.trial.subject == "killed"]
    assert killed == [
        name for limit in range(calls + 1) for name in (str(limit), f"{limit} too") if str(limit) in killed
    ]
    assert 0 < len(killed) < 2 * calls


APPEND_FIFTY = """
for number in range(50):
    ledger.append([Trial("fit", sys.argv[1], str(os.getpid()), {"number": number})])
"""


def test_eight_writers_at_once_keep_one_chain(ledger: Ledger) -> None:
    """Nothing is lost, and each finds its own records in order."""
    command = [sys.executable, "-c", SETUP + APPEND_FIFTY, str(ledger.path)]
    for writer in [subprocess.Popen(command) for _ in range(8)]:
        assert writer.wait() == 0
    records = ledger.read()
    assert len(records) == 5 + 8 * 50
    of_writers: dict[str, list[int]] = {}
    for record in records[5:]:
        of_writers.setdefault(record.trial.question, []).append(record.trial.facts["number"])
    assert list(of_writers.values()) == [list(range(50))] * 8


FULL_DISK = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = os.path.getsize(ledger.path)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 60, size + 60))
from grinder_resources.errors import StorageFull
try:
    ledger.append([Trial("fit", "late", "question")])
except StorageFull as error:
    print(error.line())
"""


def test_a_full_disk_is_one_line_and_the_ledger_goes_on_later(ledger: Ledger) -> None:
    """What was announced before the disk refused is written once there is room."""
    assert run_child(FULL_DISK, ledger.path).startswith("STORAGE_FULL: the store takes no more bytes")
    ledger.append([trial(6)])
    questions = [record.trial.question for record in ledger.read()]
    assert questions[-1] == "width_6"
    assert len(questions) in {6, 7}


def test_ten_thousand_records_are_verified_in_a_second(tmp_path: Path) -> None:
    """Of processor time, on any machine; a check that is slow is a check that is skipped."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([Trial("fit", "m", "h", {"number": number, "booster": "a" * 64}) for number in range(10_000)])
    started = time.process_time()
    assert len(ledger.read()) == 10_000
    assert time.process_time() - started < 1.0
