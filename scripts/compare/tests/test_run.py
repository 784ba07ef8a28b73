"""The command line, and what is said when something is missing."""

import contextlib
import io
import os
import unittest
from unittest import mock

from compare import environment
from compare.__main__ import EXIT_MISSING, EXIT_USAGE, main, parse
from compare.tools import TOOLS, select


def outcome(arguments):
    """Exit code and what was said."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            code = main(arguments)
        except SystemExit as exit:
            code = exit.code
    return code, said.getvalue()


class Arguments(unittest.TestCase):
    def test_rounds_follow_from_quick(self):
        self.assertEqual(parse([]).rounds, 5)
        self.assertEqual(parse(["--quick"]).rounds, 2)
        self.assertEqual(parse(["--quick", "--rounds", "3"]).rounds, 3)

    def test_what_makes_no_sense_is_refused_before_anything_is_made(self):
        for arguments in (
            ["--rounds", "0"],
            ["--rounds", "many"],
            ["--only", "numbax"],
            ["--large", "--only", "notebook-*"],
            ["-o", "/nowhere/at/all.md"],
        ):
            self.assertEqual(outcome(arguments)[0], EXIT_USAGE, arguments)

    def test_tools_are_chosen_by_name_or_pattern_in_the_order_of_the_table(self):
        self.assertEqual(
            [tool.key for tool in select(["parzen-serial-*", "numba"], "notebook")],
            ["numba", "parzen-serial-direct", "parzen-serial-shared"],
        )

    def test_keys_are_unique(self):
        self.assertEqual(len({tool.key for tool in TOOLS}), len(TOOLS))


class MissingThings(unittest.TestCase):
    def assert_missing(self, what):
        code, said = outcome([])
        self.assertEqual(code, EXIT_MISSING)
        self.assertIn(what, said.splitlines()[-1])
        self.assertTrue(said.splitlines()[-1].startswith("error: "))

    def test_without_cargo(self):
        with mock.patch.dict(os.environ, {"PATH": "/nowhere"}):
            os.environ.pop("PARZEN", None)
            self.assert_missing("cargo is not installed")

    def test_without_the_program_that_was_named(self):
        with mock.patch.dict(os.environ, {"PARZEN": "/nowhere/parzen"}):
            self.assert_missing("PARZEN=/nowhere/parzen is not a program")

    def test_without_ensurepip(self):
        def find(name):
            return None if name == "ensurepip" else object()

        with (
            mock.patch.dict(os.environ, {"PARZEN": "true", "CARGO_TARGET_DIR": "/nowhere"}),
            mock.patch.object(environment, "find_spec", find),
        ):
            self.assert_missing("no `ensurepip`")


if __name__ == "__main__":
    unittest.main()
