"""The two commands: lines in, lines out, refusals in one line."""

import argparse
import gzip
import io
import json

import pytest

from grinder_resources.cli_market import add_parsers
from grinder_resources.errors import CorruptFile, NoData, SchemaMismatch
from tests.market.test_bot_features import PAIR, book, line

TICKS = [line(0, "1.00", "2.00"), line(1, "1.00", "3.00")]


def run(*words):
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    arguments = parser.parse_args(words)
    return arguments.run(arguments)


@pytest.mark.parametrize("name", ["ticks.jsonl", "ticks.jsonl.gz"])
def test_snapshots_prints_a_line_a_tick(tmp_path, capsys, name):
    """Plain and compressed files give the contract's fields in order."""
    opened = gzip.open if name.endswith("gz") else open
    with opened(tmp_path / name, "wt") as file:
        file.write("\n".join(TICKS))
    assert run("snapshots", str(tmp_path / name)) == 0
    first, second = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert list(first)[:3] == ["ts", "symbol", "mid_price"]
    assert (first["mid_price"], second["mid_price"], second["atr"]) == ("1.50", "2.00", None)


def test_standard_input_is_read(monkeypatch, capsys):
    """'-' reads standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(TICKS[0]))
    assert run("snapshots", "-") == 0
    assert capsys.readouterr().out.startswith('{"ts":0,')


def test_l2_features_takes_a_reference_size(tmp_path, capsys):
    """--qty-ref changes the impact and is printed as it was given."""
    path = tmp_path / "books.jsonl"
    path.write_text(json.dumps(book([PAIR[0]], [PAIR[1]])))
    assert run("l2-features", str(path)) == 0
    assert run("l2-features", str(path), "--qty-ref", "1.50") == 0
    small, large = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (small["impact_buy_topN_bps"], small["qty_ref"]) == (0, "0.003")
    assert (large["impact_buy_topN_bps"], large["qty_ref"]) == (500, "1.50")


def test_a_bad_line_is_named(tmp_path, capsys):
    """Rows before the bad line are printed; the refusal names file and line."""
    path = tmp_path / "ticks.jsonl"
    path.write_text(f'{TICKS[0]}\n{{"type": "SNAPSHOT"}}\n')
    with pytest.raises(SchemaMismatch, match=r"ticks\.jsonl:2"):
        run("snapshots", str(path))
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_unreadable_files_are_refused(tmp_path):
    """A missing file, a folder, and bytes that are no text are refused in our words."""
    with pytest.raises(NoData, match="nowhere"):
        run("snapshots", str(tmp_path / "nowhere"))
    with pytest.raises(NoData):
        run("snapshots", str(tmp_path))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(CorruptFile):
        run("snapshots", str(tmp_path / "bytes"))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(TICKS[0].encode())[:-12])
    with pytest.raises(CorruptFile):
        run("snapshots", str(tmp_path / "cut.gz"))
