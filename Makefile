# Every target sets itself up first; where that was done before, it costs a moment.
# make lab ARGS="--no-browser --port 8899" passes words on; make lab PYTHON=python3.12 chooses the Python.
# On Windows without make: py setup_env.py lab

PYTHON ?=
ARGS ?=
export PYTHON

.PHONY: lab test quick notebooks bench soak everywhere gpu mutants alternatives browser shots site guide setup

lab test quick notebooks bench soak everywhere gpu mutants alternatives browser shots site guide setup:
	@for python in "$$PYTHON" python3 python3.13 python3.12 python3.11 python; do \
	  if [ -n "$$python" ] && command -v "$$python" >/dev/null 2>&1; then \
	    exec "$$python" setup_env.py $@ $(ARGS); \
	  elif [ -n "$$PYTHON" ]; then break; fi; \
	done; \
	echo "setup: no $${PYTHON:-python3} on this machine; install Python 3.11 to 3.13 from python.org and run this again." >&2; \
	exit 1
