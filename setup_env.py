"""Set the course up and run a part of it: `python3 setup_env.py lab` (or test, notebooks, bench).

The Makefile calls this file. It and `tools/launch.py` keep to a syntax that old Pythons can read,
since they are what tells somebody that theirs is too old.
"""

import sys

if sys.version_info < (3, 6):  # noqa: UP036
    found = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    sys.exit("setup: Python " + found + " is too old; install Python 3.11 to 3.13 from python.org.")

from tools.launch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
