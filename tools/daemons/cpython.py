# SPDX-License-Identifier: GPL-2.0-only
"""cpython.py MODULE...: runs modules of CPython's own tests and prints, for each
test, its name and how it ended, in the order of their names.

A test that fails is tried again, as it may have run out of time on a busy machine;
what counts is the best of three. Nothing that changes from run to run is printed.
"""
import importlib
import io
import sys
import unittest

from test import support

TRIES = 3


class Outcomes(unittest.TestResult):
    """The last word about each test; those of sub-tests are their test's."""

    def __init__(self):
        super().__init__()
        self.by_name = {}

    def startTest(self, test):
        super().startTest(test)
        self.by_name[test.id()] = "ok"

    def addError(self, test, err):
        super().addError(test, err)
        self.by_name[test.id()] = "error"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.by_name[test.id()] = "failed"

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.by_name[test.id()] = "failed"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        # Some skip themselves when the kernel has been in their way.
        self.by_name[test.id()] = "failed" if "sporadic" in reason else "skipped"

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.by_name[test.id()] = "failed as expected"


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def run(suite):
    result = Outcomes()
    suite.run(result)
    for test, text in result.errors + result.failures:
        print(test.id(), text, file=sys.stderr)
    return result.by_name


def again(name):
    """One test alone; a module's own set-up cannot be named."""
    try:
        suite = unittest.defaultTestLoader.loadTestsFromName(name)
    except (ImportError, AttributeError):
        return None
    return run(suite).get(name)


def outcomes_of(module):
    name = "test." + module
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        importlib.import_module(name))
    outcomes = run(suite)
    for test in outcomes:
        for _ in range(1, TRIES):
            if outcomes[test] in ("failed", "error"):
                outcomes[test] = again(test) or outcomes[test]
    return outcomes


def main():
    # Tests print, too; and what needs no world counts as network.
    stdout, sys.stdout = sys.stdout, io.StringIO()
    support.use_resources = ["cpu", "network"]
    for module in sys.argv[1:]:
        outcomes = outcomes_of(module)
        for test in sorted(outcomes):
            stdout.write(f"{test}: {outcomes[test]}\n")
        stdout.write(f"{module}: {len(outcomes)} tests\n")
        stdout.flush()


if __name__ == "__main__":
    main()
