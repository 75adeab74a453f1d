"""Documentation under test: every code and reason is explained, every documented command and file exists."""

import inspect
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from grinder_resources import errors
from grinder_resources.cli import build_parser
from grinder_resources.evaluation.promotion_gates import CODES
from grinder_resources.inference.canary import CanaryRule
from grinder_resources.inference.config import MlConfig
from grinder_resources.inference.reasons import REASONS as SIGNAL_REASONS
from grinder_resources.inference.reasons import MlBlockReason, RefusalCode
from grinder_resources.ingest.quarantine import REASONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "data" / "README.md",
    ROOT / "models" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_every_error_code_is_documented() -> None:
    """docs/errors.md holds each code with its class's own sentence."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.GrinderError)]
    missing = [
        one.code for one in classes if f"| `{one.code}` | {str(inspect.getdoc(one)).splitlines()[0]} |" not in page
    ]
    assert missing == []


def test_every_error_code_has_its_way_out() -> None:
    """docs/troubleshooting.md has one row a code, each with a cause and something to do."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.GrinderError)]
    assert sorted(code for code, _, _ in rows) == sorted(one.code for one in classes)


def test_error_codes_are_distinct() -> None:
    """A code names one class."""
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.GrinderError)]
    assert len({one.code for one in classes}) == len(classes)


def test_the_error_tree_is_drawn() -> None:
    """Every class stands in the drawing at the top of errors.py."""
    classes = [
        name for name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.GrinderError)
    ]
    assert [name for name in classes if name not in str(errors.__doc__)] == []


def test_every_quarantine_reason_is_documented() -> None:
    """docs/errors.md holds each reason with its sentence."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [reason for reason, text in REASONS.items() if f"| `{reason}` | {text} |" not in page] == []


def test_every_promotion_code_is_documented() -> None:
    """docs/errors.md holds each code with its sentence."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [code for code, text in CODES.items() if f"| `{code}` | {text} |" not in page] == []


def test_every_reason_for_no_signal_is_documented() -> None:
    """docs/errors.md holds each code with its sentence, and the ten blocks in their order."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [f"| `{code}` | {text} |" for code, text in SIGNAL_REASONS.items()]
    assert [row for row in rows if row not in page] == []
    assert sorted(rows, key=page.index) == rows
    assert set(SIGNAL_REASONS) == {*MlBlockReason, *RefusalCode}


def test_every_setting_of_the_runtime_is_documented() -> None:
    """docs/runtime.md holds each setting's name."""
    page = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:canary\.)?(\w+)(?:: \d+)?`", page))
    assert {one.name for one in (*fields(MlConfig), *fields(CanaryRule))} - named == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_named_files_exist(page: Path) -> None:
    """Relative links lead to files, and source files that a page names are there."""
    text = page.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)]
    named = re.findall(r"`((?:grinder_assets|grinder_resources|tests)/[\w/]+\.py)`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_documented_commands_exist() -> None:
    """Every `grinder` command in the README is one, with the options shown."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"bin/grinder ([a-z0-9-]+)", text))
    helped = build_parser().format_help()
    assert used
    assert [command for command in used if command not in helped] == []
    assert [option for option in ("--landing", "--from", "--to", "--symbols") if option not in text] == []


def test_commands_that_pages_and_hints_name_exist() -> None:
    """`grinder X` on any page, and in any line of the program, is a command."""
    sources = [*ROOT.glob("grinder_*/**/*.py"), *PAGES]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    used = set(re.findall(r"`(?:\.venv/bin/)?grinder ([a-z][a-z0-9-]+)", text))
    helped = build_parser().format_help()
    assert {"run", "registry"} <= used
    assert [command for command in sorted(used) if not re.search(rf"^ +{command}( |$)", helped, re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_code_blocks_are_understood(page: Path) -> None:
    """What a page tells to type has the options and arguments that the command takes."""
    parser, blocks = build_parser(), re.findall(r"```(?:sh)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [
        line for block in blocks for line in re.findall(r"^(?:\$ |\.venv/bin/)?grinder (.*)$", block, re.MULTILINE)
    ]
    for line in lines:
        typed = re.split(r"\s+#|;|\| |&&| > ", line)[0]
        assert callable(parser.parse_args(shlex.split(typed)).run), line


def test_make_targets_in_the_readme_exist() -> None:
    """Every `make` target the README names is in the Makefile."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in set(re.findall(r"make ([a-z]+)", text)) if f"\n{target}:" not in makefile] == []
