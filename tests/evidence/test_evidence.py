"""Each study runs on tiny sizes and writes its page; what is reckoned is held to closed forms."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.evidence import trained
from tests.evidence.__main__ import main
from tests.evidence.drawing import Chart, Line, svg
from tests.evidence.pages import BY_HAND, duration
from tests.evidence.random_search import reaches
from tests.evidence.studies import STUDIES
from tests.evidence.trained import DOCS
from tests.sweeps.sweep_files import custom_model, own_net, space, write_sweep


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_writes_a_page_that_begins_with_its_verdict(name: str, tmp_path: Path) -> None:
    main([name, "--quick", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)])
    page = (tmp_path / f"{name}.md").read_text()
    assert page.split("\n\n")[1].startswith("**The claim")
    assert " of one core.\n" in page
    assert page.endswith((DOCS / f"{name}.md").read_text().partition(BY_HAND)[2])
    assert [ElementTree.parse(one) for one in tmp_path.glob("*.svg")]


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_that_is_kept_has_its_figures_and_words(name: str) -> None:
    above, _, words = (DOCS / f"{name}.md").read_text().partition(BY_HAND)
    shown = [part.partition(")")[0] for part in above.split("](")[1:]]
    assert len([one for one in shown if (DOCS / one).stat().st_size < 20_000]) == len(shown) > 0
    assert len(words.split()) > 100


def test_a_signal_ends_a_study_and_not_only_the_sweep_that_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "        if self.calls > 20: os.kill(os.getpid(), signal.SIGTERM)\n"
    net = own_net(tmp_path, "net_of_a_stopped_study", body)
    made = space(custom_model(net), "{kind: sgd, lr: {float: [0.1, 0.2]}}", epochs=20)
    options = "{sanity_check: skip}"
    write_sweep(tmp_path, space=made, trial=options).rename(tmp_path / "study.yaml")
    monkeypatch.setattr(trained, "DOCS", tmp_path)
    with pytest.raises(SystemExit, match="interrupted"):
        trained.train(trained.Wanted("study", "stopped"), tmp_path / "runs")


def test_a_page_says_how_long_its_study_took() -> None:
    assert duration(90, is_new=True) == "It took 90 s of one core."
    assert duration(600, is_new=False) == (
        "It took 10 minutes of one core, without what earlier runs had trained."
    )


def test_the_chance_to_draw_a_good_one_is_the_share_of_subsets_that_have_one() -> None:
    subsets = list(combinations(range(7), 3))
    having = sum(bool({0, 1} & {*one}) for one in subsets)
    assert reaches(7, 2, 3) == pytest.approx(having / len(subsets))
    assert reaches(7, 0, 3) == 0


def test_a_chart_is_an_svg_file_with_the_names_of_its_lines() -> None:
    drawn = svg(Chart("A < B", "n", "chance", [Line("wine & bread", [1, 2, 4], [0.1, 0.5, 0.9])]))
    words = [one.text for one in ElementTree.fromstring(drawn).iter() if one.text]
    assert {"A < B", "wine & bread", "chance"} <= {*words}


def test_points_of_things_without_an_order_are_not_joined() -> None:
    chart = Chart("t", "", "loss", [Line("a", [1, 2], [0.1, 0.5])], names=["wine", "moons"])
    found = [one.tag.rpartition("}")[2] for one in ElementTree.fromstring(svg(chart)).iter()]
    assert found.count("circle") == 2
    assert "moons" in svg(chart)
