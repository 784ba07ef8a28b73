"""Statistics, the watch on the machine, and the rounds, with hosts that only pretend."""

import os
import unittest
from pathlib import Path
from random import Random

from compare.data import Expected
from compare.measure import (
    Measured,
    ProcessTicks,
    Round,
    Settings,
    Ticks,
    ToolFailed,
    ToolMissing,
    count_wrong,
    describe_problem,
    keep,
    measure,
    parse_machine_stat,
    parse_process_stat,
    read_ticks,
    summarise,
    summary_of,
    ticks_of_tree,
)
from compare.tools import Tool


class Statistics(unittest.TestCase):
    def test_median_shortest_and_spread(self):
        summary = summarise([2.0, 1.0, 4.0], [1.5, 0.5, 3.0])
        self.assertEqual((summary.median, summary.shortest, summary.spread), (2.0, 0.5, 1.5))

    def test_one_round_has_no_spread(self):
        self.assertEqual(summarise([2.0], [2.0]).spread, 0.0)

    def test_a_tool_that_failed_has_no_summary(self):
        measured = Measured([Round(0.0, {"a": 1.0}, {"a": 1.0})], problems={"a": ToolFailed()})
        self.assertIsNone(summary_of(measured, "a"))

    def test_counts_are_compared_one_by_one(self):
        self.assertEqual(count_wrong([1, 2, 3], [1, 2, 3]), 0)
        self.assertEqual(count_wrong([1, 5, 3], [1, 2, 3]), 1)
        self.assertEqual(count_wrong([1, 2], [1, 2, 3]), 3)


class Watch(unittest.TestCase):
    def test_a_process_name_may_hold_blanks_and_parentheses(self):
        line = "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 30 4 20 0 1 0 99 0 0"
        self.assertEqual(parse_process_stat(line), ProcessTicks(42, 7, 154))

    def test_stolen_time_is_busy_and_waiting_is_not(self):
        text = "cpu  10 1 20 500 50 2 3 4 0 0\ncpu0 1 2 3\n"
        self.assertEqual(parse_machine_stat(text), (40, 590))

    def test_own_is_the_whole_tree_and_nothing_else(self):
        processes = [
            ProcessTicks(3, 2, 100),
            ProcessTicks(1, 0, 7),
            ProcessTicks(2, 1, 10),
            ProcessTicks(4, 1, 1),
            ProcessTicks(9, 8, 5000),
        ]
        self.assertEqual(ticks_of_tree(processes, 1), 118)
        self.assertEqual(ticks_of_tree(processes, 2), 110)

    def test_others_are_what_is_busy_less_own(self):
        before = Ticks(own=100, busy=1000, all=4000)
        self.assertEqual(before.foreign_share(Ticks(own=150, busy=1090, all=4200)), 0.2)

    def test_rounding_does_not_make_others_negative(self):
        before = Ticks(own=100, busy=1000, all=4000)
        self.assertEqual(before.foreign_share(Ticks(own=160, busy=1050, all=4200)), 0.0)
        self.assertEqual(before.foreign_share(before), 0.0)

    @unittest.skipUnless(Path("/proc/stat").exists(), "needs /proc")
    def test_own_work_is_seen_as_own(self):
        before = read_ticks()
        start = os.times().user
        while os.times().user - start < 0.3:
            pass
        after = read_ticks()
        self.assertGreaterEqual(after.own - before.own, 0.2 * os.sysconf("SC_CLK_TCK"))

    def test_without_proc_nothing_is_known(self):
        self.assertIsNone(read_ticks(Path("/nowhere")))


class Choice(unittest.TestCase):
    def test_the_least_disturbed_rounds_are_kept(self):
        rounds = [Round(share) for share in (0.3, 0.01, 0.2, 0.02)]
        self.assertEqual([r.foreign_share for r in keep(rounds, 2)], [0.01, 0.02])

    def test_rounds_of_unknown_disturbance_are_kept_in_order(self):
        rounds = [Round(None, {"a": 1.0}), Round(None, {"a": 2.0})]
        self.assertEqual(keep(rounds, 1), rounds[:1])


class PretendedHost:
    """Answers with the counts it was given; fails when it has no more."""

    def __init__(self, counts, n_turns=100):
        self.counts, self.n_turns = counts, n_turns

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True

    def wait_until_ready(self):
        if not self.n_turns:
            raise ToolMissing("no such module")

    def take_turn(self, at_least_s, at_most_calls):
        if not self.n_turns:
            raise ToolFailed("its process died")
        self.n_turns -= 1
        return {"seconds": [3.0, 1.0, 2.0], "counts": self.counts}


def pretended_tool(key, strict=False):
    return Tool(key, key, prepare=lambda job: None, strict=strict)


def run(hosts, shares=(0.0,) * 10, settings=Settings(2, n_more_rounds=2), strict=()):
    """Measures with pretended hosts on a machine of which others use so much in each round."""
    moments = []
    for share in shares:
        moments += [Ticks(0, 0, 0), Ticks(0, round(100 * share), 100)]
    return measure(
        [pretended_tool(key, key in strict) for key in hosts],
        lambda tool: hosts[tool.key],
        Expected(inclusive=[2], strict=[1]),
        settings,
        Random(1),
        say=lambda message: None,
        watch=iter(moments).__next__,
    )


class Rounds(unittest.TestCase):
    def test_every_tool_has_a_turn_in_every_round(self):
        hosts = {key: PretendedHost([2]) for key in "abc"}
        measured = run(hosts)
        self.assertEqual([sorted(one.medians) for one in measured.rounds], [["a", "b", "c"]] * 2)
        self.assertEqual(measured.rounds[0].medians["a"], 2.0)
        self.assertEqual(measured.rounds[0].shortest["a"], 1.0)
        self.assertEqual((measured.problems, measured.disagree), ({}, {}))
        self.assertTrue(all(host.ended for host in hosts.values()))

    def test_busy_rounds_are_repeated(self):
        measured = run({"a": PretendedHost([2])}, shares=(0.5, 0.01, 0.3, 0.02))
        self.assertEqual([one.foreign_share for one in measured.rounds], [0.01, 0.02])
        self.assertEqual(measured.n_dropped, 2)

    def test_but_not_for_ever(self):
        measured = run({"a": PretendedHost([2])}, shares=(0.5, 0.4, 0.3, 0.2))
        self.assertEqual([one.foreign_share for one in measured.rounds], [0.2, 0.3])

    def test_wrong_counts_are_noticed(self):
        measured = run({"a": PretendedHost([2]), "b": PretendedHost([1])})
        self.assertEqual(measured.disagree, {"b": 1})

    def test_a_strict_tool_is_held_to_strict_counts(self):
        hosts = {"a": PretendedHost([2]), "b": PretendedHost([1])}
        self.assertEqual(run(hosts, strict=("b",)).disagree, {})

    def test_a_tool_that_is_missing_or_dies_leaves_the_others_alone(self):
        hosts = {"a": PretendedHost([2]), "b": PretendedHost([2], 0), "c": PretendedHost([2], 2)}
        measured = run(hosts)
        self.assertEqual(
            {key: describe_problem(problem) for key, problem in measured.problems.items()},
            {"b": "missing: no such module", "c": "failed: its process died"},
        )
        self.assertIsNotNone(summary_of(measured, "a"))
        self.assertIsNone(summary_of(measured, "c"))


if __name__ == "__main__":
    unittest.main()
