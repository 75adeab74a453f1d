"""The explanation of one event: the answers are the artifact's own, and everything beside them is a fact."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grinder_resources.cli import main
from grinder_resources.contracts.artifacts import INPUT
from grinder_resources.contracts.bronze import PREDICTIONS
from grinder_resources.contracts.reports import predictions_table
from grinder_resources.errors import NoData, UnknownName
from grinder_resources.export.artifact import publish
from grinder_resources.export.verify import open_session, read_artifact
from grinder_resources.inference.config import MlConfig
from grinder_resources.interpretability import words
from grinder_resources.interpretability.event import find_event, is_artifact
from grinder_resources.interpretability.out_of_fold import out_of_fold
from grinder_resources.interpretability.page import why_page
from grinder_resources.interpretability.standing import OTHER_CHECK, logged_words, registry_words, runtime_words
from grinder_resources.interpretability.text_page import text_page
from grinder_resources.interpretability.why import Why, known_before, why
from grinder_resources.lake import Lake
from grinder_resources.learning.adopted import Adopted, adopted_path
from grinder_resources.learning.calibration import class_gaps_q16
from grinder_resources.learning.model_spec import BoosterParams
from grinder_resources.learning.specs import REGIME
from tests.interpretability.asked import EVENT, NOON, TEST_DAY, lake_of


def test_the_answers_are_those_of_the_graph(found: Why) -> None:
    """ONNX Runtime says the same of the same row, to the last unit."""
    session, row = open_session(found.artifact), found.event.prepared.matrix.values[[found.event.row]]
    bps, spacing = session.run(["regime", "spacing_multiplier_x1000"], {INPUT: row})
    assert bps[0].tolist() == [answer.said for answer in found.focused.answers]
    assert words.spacing(found, found.focused) == f"a grid {spacing[0, 0] / 1000:.3f} times as wide as usual"


def test_the_model_had_not_seen_the_day_and_the_past_was_over(found: Why) -> None:
    """The day was kept for the test; past events ended before this one began, and the nearest come first."""
    assert (found.part, found.event.facts["ts_ns"], found.event.facts["date"]) == ("test", NOON, TEST_DAY)
    ends = found.event.prepared.frame["label_end_ns"].to_numpy()[known_before(found.event)]
    assert (found.past_rows, len(found.past), int(ends.max()) < NOON) == (3 * 240 + 119, 5, True)
    assert all(past.ts_ns + 60_000_000_000 < NOON for past in found.past)
    assert sorted(past.distance for past in found.past) == [past.distance for past in found.past]


def test_what_happened_is_the_label_in_the_models_words(found: Why) -> None:
    """The next minute's range against the terciles of the training days."""
    low, high = json.loads(found.artifact.files["config.json"])["cuts"]["regime"]
    label = found.event.facts["range_60s_forward_x1000"]
    assert found.focused.happened == ("LOW" if label <= low else "MID" if label <= high else "HIGH")


def test_the_walk_forwards_own_answer_stands_beside(found: Why, root: Path) -> None:
    """Out of fold: the row of the predictions table."""
    rows = (
        lake_of(root).read(predictions_table("regime")).filter(pl.col("row_id") == EVENT, pl.col("mode") == "expanding")
    )
    assert {answer.output: answer.evidence.said for answer in found.focused.answers} == dict(
        rows.select("class", "calibrated_bps").iter_rows()
    )


def test_a_multiclass_step_is_looked_up_at_the_lead(root: Path) -> None:
    """In the walk-forward's answers as in the artifact: the margin minus the largest of the others."""
    rows = out_of_fold(REGIME, lake_of(root)).sort("fold", "row_id", "class")
    margins = rows["margin_q16"].to_numpy().reshape(-1, 3)
    assert np.array_equal(rows["scale_q16"].to_numpy().reshape(-1, 3), class_gaps_q16(margins))


def test_rows_of_the_step_are_counted(found: Why, root: Path) -> None:
    """Open out-of-fold answers between the step's bounds, and those of the class."""
    leading = found.focused.leading
    assert leading.step is not None
    low, high = leading.step.low_q16 or -(1 << 40), leading.step.high_q16 or 1 << 40
    rows = out_of_fold(REGIME, lake_of(root)).filter(
        pl.col("class") == leading.output, pl.col("scale_q16").is_between(low, high, closed="left")
    )
    assert (leading.evidence.rows, leading.evidence.came_true) == (rows.height, rows["label"].sum())


def test_settings_of_the_runtime_decide_whether_it_may_be_used(found: Why) -> None:
    """Off by default, scored in shadow; under other settings what those say."""
    off, shadow = runtime_words(found.event, None)
    assert off == "with default settings: refused, ML_DISABLED: `enabled` is false: rules alone decide"
    assert shadow.startswith(f"in shadow: scored and not used: {found.focused.leading.output}, spacing ")
    killed = MlConfig(enabled=True, shadow_only=True, ml_kill_switch=True, model_dir=str(found.event.model.folder))
    (sentence,) = runtime_words(found.event, killed)
    assert sentence.startswith("under the settings given: refused, KILL_SWITCH_CONFIG")


def test_a_model_no_runtime_serves_is_said_to_be_so(found: Why) -> None:
    """A spec without a regime head."""
    spec = replace(REGIME, heads=(replace(REGIME.heads[0], classes=("A", "B", "C")),))
    event = replace(found.event, model=replace(found.event.model, spec=spec))
    assert runtime_words(event, None)[0].startswith("the signal runtime serves a head of LOW, MID and HIGH")


def test_what_a_trading_process_logged_stands_beside(found: Why, root: Path, tmp_path: Path) -> None:
    """Of that very moment alone: what was said, by which model, and whether it was used."""
    lake = Lake(str(shutil.copytree(root / "lake", tmp_path / "lake")))
    own, facts = (
        found.artifact.manifest.model_hash,
        {"date": TEST_DAY, "venue": "demo", "symbol": "A", "ts_ns": NOON, "seq": 1},
    )
    said = {"low_bps": 2_500, "mid_bps": 6_000, "high_bps": 1_500, "spacing_x1000": 1_010}
    told = {"mode": "canary", "applied": True, "refusal": "", "model_hash": own, **said}
    silent = {"mode": "shadow", "applied": False, "refusal": "DEADLINE", "model_hash": "0" * 16}
    later = {**facts, "ts_ns": NOON + 60_000_000_000}
    blank = dict.fromkeys(PREDICTIONS.schema.names())
    rows = [blank | facts | silent, blank | facts | told, blank | later | told]
    lake.commit(PREDICTIONS, pl.DataFrame(rows, schema=PREDICTIONS.schema), day=TEST_DAY, code_version="1")
    assert sorted(logged_words(found.event, lake)) == [
        "in canary, by this model: LOW 25.00 %, MID 60.00 %, HIGH 15.00 %, spacing 1010 / 1000; applied",
        "in shadow, by model 0000000000000000: no answer; not used, DEADLINE",
    ]
    page = text_page(why(found.event, lake, root / "models"))
    assert "  logged: in shadow, by model 0000000000000000: no answer; not used, DEADLINE\n" in page
    assert found.standing.logged == ()


def test_another_head_or_number_of_neighbours_is_another_page(found: Why, root: Path) -> None:
    """A head that the artifact has not is refused by name."""
    lake = lake_of(root)
    assert len(why(found.event, lake, root / "models", neighbours=2).past) == 2
    with pytest.raises(UnknownName, match=r"no such head.*got tradeable_2; expected regime"):
        why(found.event, lake, root / "models", head="tradeable_2")


def test_an_unknown_id_is_refused_with_the_form_of_an_id(root: Path) -> None:
    """By the model that was named, and by any."""
    for model in ("", "regime", str(root / "models" / "regime_v1.0.0")):
        with pytest.raises(NoData, match=r"gold/training/regime; got demo_A_1.*venue, symbol and ts_ns"):
            find_event("demo_A_1", lake_of(root), root / "models", model)


def test_a_model_may_be_named_by_its_folder(root: Path) -> None:
    """Then that very artifact answers; a spec's name is no folder."""
    folder = root / "models" / "regime_v1.0.0"
    assert find_event(EVENT, lake_of(root), root / "elsewhere", str(folder)).model.folder == folder
    assert (is_artifact(str(folder)), is_artifact("regime")) == (True, False)


def test_the_version_in_production_is_asked(root: Path, tmp_path: Path) -> None:
    """The newest only while none is; the page says where the version stands."""
    models = Path(shutil.copytree(root / "models", tmp_path / "models"))
    artifact = read_artifact(models / "regime_v1.0.0")
    publish(models, replace(artifact.manifest, model_version="v1.1.0"), artifact.files)
    assert find_event(EVENT, lake_of(root), models).model.folder.name == "regime_v1.1.0"
    places = ["--models", str(models)]
    for words_of in (
        ["init"],
        ["stage", "regime", "v1.0.0", "--data", str(root)],
        ["promote", "regime", "--despite", "a test"],
    ):
        assert main(["registry", *words_of, *places]) == 0
    event = find_event(EVENT, lake_of(root), models, "regime")
    assert event.model.folder.name == "regime_v1.0.0"
    assert "  registry: production since " in text_page(why(event, lake_of(root), models))


def test_the_page_of_text(found: Why) -> None:
    """One page: its sections in order, and the contributions add up to the margin on it."""
    page = text_page(found)
    titles = [line for line in page.splitlines() if line.isupper() and not line.startswith(" ")]
    leading = found.focused.leading
    assert titles == [
        "WHAT THE MODEL SAID",
        f"WHY REGIME: {words.spoken(found.focused)}".upper(),
        "THE WAY THROUGH THE TREES",
        "FROM MARGIN TO ANSWER",
        "WHETHER IT MAY BE USED",
        "NEAREST PAST EVENTS",
        "WHAT HAPPENED",
    ]
    assert page.splitlines()[0] == EVENT
    assert "demo A, 2025-01-09 02:00:00 UTC" in page
    assert max(map(len, page.splitlines())) < 140
    assert f"3 of {leading.trees} trees" in page
    total = leading.expected + sum(one.contribution for one in leading.inputs)
    assert total == pytest.approx(leading.margin, abs=1e-5)
    assert len(why_page(found)) < 150_000


def test_the_documented_page_has_the_same_sections(found: Why) -> None:
    """What docs/why.md shows is what the command prints today: every fixed title, in order."""
    shown = (Path(__file__).parents[2] / "docs" / "why.md").read_text(encoding="utf-8").splitlines()
    titles = [line for line in text_page(found).splitlines() if line.isupper() and "REGIME" not in line]
    assert [line for line in shown if line in titles] == titles
    assert len(titles) == 6


def test_a_day_the_model_was_fitted_on_is_called_memory(root: Path) -> None:
    """The first day: nothing had ended before its first row, and the page says both."""
    lake = lake_of(root)
    first = find_event("demo_A_1736121600000000000", lake, root / "models")
    page = text_page(why(first, lake, root / "models"))
    assert "The model was fitted on this day: what it says here is memory." in page
    assert "no event's label had ended by then" in page


def test_the_command_prints_the_page_and_writes_it(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As text always, as HTML where asked; settings and neighbours reach it."""
    settings = tmp_path / "bot.yaml"
    settings.write_text("ml:\n  enabled: false\n", encoding="utf-8")
    places = ["--data", str(root), "--models", str(root / "models")]
    more = ["--neighbours", "1", "--config", str(settings), "--html", str(tmp_path / "why.html")]
    assert main(["why", EVENT, "--model", "regime", "--head", "regime", *places, *more]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{EVENT}\n")
    assert "the nearest 1 ended" in printed
    assert "runtime: under the settings given: refused, ML_DISABLED" in printed
    assert "Nearest past events" in (tmp_path / "why.html").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["why", EVENT, "--neighbours", "0"])


def test_a_head_that_nothing_moves_is_told_without_a_list(found: Why) -> None:
    """Its trees are single leaves: no input is named as if it had mattered."""
    still = tuple(replace(one, contribution=0.0) for one in found.focused.leading.inputs)
    answers = tuple(replace(answer, inputs=still) for answer in found.focused.answers)
    idle = replace(found, heads=(replace(found.focused, answers=answers),))
    assert "WHY REGIME" in text_page(idle)
    assert "  40 other inputs" in text_page(idle)
    assert "No input moved the margin" in why_page(idle)
    assert "range_60s_x1000 = " in why_page(found)


def test_a_check_of_other_settings_says_nothing_of_the_artifact(root: Path, tmp_path: Path) -> None:
    """Neither for nor against: once other settings are in force, or other rows were judged."""
    models = shutil.copytree(root / "models", tmp_path / "models")
    lake = lake_of(root)
    adopted = Adopted("regime", BoosterParams(max_depth=2), "s", 1, 2, 1, "f" * 64)
    adopted_path("regime", models).parent.mkdir()
    adopted_path("regime", models).write_bytes(adopted.encoded())
    other = why(find_event(EVENT, lake, models), lake, models)
    assert (other.standing.codes, words.codes(other, other.focused)) == (None, "not judged")
    assert f"promotion: {OTHER_CHECK}\n" in text_page(other)
    assert f"Promotion: {OTHER_CHECK}." in why_page(other).replace("&#x27;", "'")


def test_no_registry_is_no_stage(root: Path) -> None:
    """Nothing is made up where there is none."""
    assert registry_words("regime", "v1.0.0", root / "models") == ""
