"""The Markdown, from measurements that were made up."""

import unittest

from compare.data import Expected, notebook_workload
from compare.measure import Measured, Round, Settings, ToolMissing
from compare.report import Context, duration, markdown_table, render, significant
from compare.tools import NOTEBOOK_SERIAL, PARZEN_PROCESSES, TOOLS, tool

CONTEXT = Context(notebook_workload(quick=False), 2, "a machine", "all versions")


def report(
    times, shares=(0.01,), expected=Expected([3], [3]), problems=None, disagree=None, others=()
):
    """The report on tools that took so long in every round."""
    rounds = [Round(share, dict(times), dict(times)) for share in shares]
    measured = Measured(rounds, 0, problems or {}, disagree or {})
    tools = [t for t in TOOLS if t.key in times or t.key in others]
    return render(tools, measured, expected, Settings(len(rounds), 0), CONTEXT)


def row(text, title):
    line = next(line for line in text.splitlines() if line.startswith(f"| {title}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


class Numbers(unittest.TestCase):
    def test_durations_have_three_digits_and_a_unit(self):
        for seconds, text in [
            (2.675, "2.67 s"),
            (1.0, "1.00 s"),
            (0.0249, "24.9 ms"),
            (0.14512, "145 ms"),
            (0.0009996, "1 000 µs"),
            (21.3e-6, "21.3 µs"),
            (5e-8, "0.050 µs"),
        ]:
            self.assertEqual(duration(seconds), text)

    def test_ratios_have_three_digits(self):
        for value, text in [
            (0.00321, "0.0032"),
            (0.004, "0.0040"),
            (1.0, "1.00"),
            (18.44, "18.4"),
            (407.2, "407"),
            (34213.0, "34 200"),
        ]:
            self.assertEqual(significant(value), text)


class Table(unittest.TestCase):
    def test_columns_are_aligned(self):
        self.assertEqual(
            markdown_table([["tool", "t"], ["a", "10"], ["bcdefg", "2"]], 1),
            "| tool   |  t |\n| ------ | -: |\n| a      | 10 |\n| bcdefg |  2 |",
        )

    def test_ratios_are_to_the_notebook_and_to_parzen(self):
        text = report({NOTEBOOK_SERIAL: 3.0, "numba": 0.001, PARZEN_PROCESSES: 0.01})
        self.assertEqual(
            row(text, "Numba"),
            [tool("numba").title, "call", "1.00 ms", "1.00 ms", "0%", "3 000", "0.10", "ok"],
        )
        self.assertEqual(row(text, "`parzen")[1], "program")

    def test_without_the_notebook_there_is_no_ratio_to_it(self):
        text = report({"numba": 0.001, PARZEN_PROCESSES: 0.01})
        self.assertNotIn("notebook serial = 1", text)
        self.assertIn("parzen processes = 1", text)

    def test_a_missing_tool_has_a_row_that_says_so(self):
        text = report({NOTEBOOK_SERIAL: 3.0}, problems={"numba": ToolMissing("a|b")}, others=["numba"])
        self.assertIn("missing: a\\|b", text)
        self.assertEqual(row(text, "Numba")[1:5], ["–"] * 4)


class Warnings(unittest.TestCase):
    def test_a_busy_machine_is_told_first(self):
        text = report({"numba": 1.0}, shares=(0.01, 0.5))
        self.assertTrue(text.split("\n\n")[1].startswith("> **The machine was busy**: in 1 of 2"))
        self.assertIn("others used 1% to 50% of the machine", text)

    def test_a_quiet_machine_is_not(self):
        self.assertNotIn("busy**", report({"numba": 1.0}, shares=(0.01, 0.02)))

    def test_a_machine_that_cannot_be_watched_is_told(self):
        self.assertIn("cannot be seen here", report({"numba": 1.0}, shares=(None,)))

    def test_counts_that_disagree_are_told(self):
        text = report({"numba": 1.0}, disagree={"numba": 7})
        self.assertIn("**The counts do not agree**: numba (7 wrong)", text)
        self.assertEqual(row(text, "Numba")[-1], "7 wrong")


class Ties(unittest.TestCase):
    def test_they_matter_only_if_a_strict_tool_ran(self):
        self.assertNotIn("KernelDensity`", report({"numba": 1.0}, expected=Expected([3], [2])))

    def test_their_number_is_told(self):
        text = report({"sklearn-kde": 1.0}, expected=Expected([5, 9], [4, 7]))
        self.assertIn("as happens 3 times", text)

    def test_that_there_is_none_is_told(self):
        self.assertIn("but there is none", report({"sklearn-kde": 1.0}))


if __name__ == "__main__":
    unittest.main()
