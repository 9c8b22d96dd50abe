# Each target sets up what it needs, says what it does, and is safe to run twice.
PYTHON = .venv/bin/python
CLIENT = build/venvs/st2client/bin/python
CHATBOT = build/venvs/chatbot
STORIES = build/acceptance.log

.PHONY: setup chatbot demo test lint unit acceptance acceptance-beside lab lab-down validate bench-runner bench-fanout bench-converge test-faults bench-build bench-ingest

setup:
	@script/setup

chatbot: setup $(CHATBOT)

$(CHATBOT): requirements-chatbot.txt
	python3 -m venv --clear $@
	$@/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

demo: setup
	@$(CLIENT) -m demo

lab: setup
	@$(PYTHON) -m lab up

lab-down: setup
	@$(PYTHON) -m lab down

test: lint validate chatbot
	@echo "the acceptance suite runs beside the other tests and is shown after them; meanwhile: tail -f $(STORIES)"
	@$(MAKE) --jobs=2 unit acceptance-beside; code=$$?; cat $(STORIES); exit $$code

acceptance-beside:
	@mkdir -p build && $(MAKE) acceptance >$(STORIES) 2>&1

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy actions/lib/cicd st2local

unit: chatbot
	RELEASE_RUNS=5000 $(PYTHON) -m pytest tests --ignore tests/acceptance -m "not lab and not faults"
	$(PYTHON) -m pytest tests/lab tests/host -m "lab and not faults"

acceptance: chatbot
	$(CLIENT) -m pytest -W default tests/acceptance  # st2client warns of its own age

validate: setup
	$(PYTHON) -m st2local validate .

bench-build: setup
	$(PYTHON) -m bench.build

bench-runner: setup
	$(PYTHON) -m bench.runner

bench-fanout: setup
	$(PYTHON) -m bench.fanout

bench-converge: setup
	$(CLIENT) -m bench.converge

test-faults: setup
	$(PYTHON) -m pytest tests/fleet tests/lib tests/package tests/whole -m faults
	FAULT_RINGS="canary production" $(PYTHON) -m pytest tests/host -m lab

bench-ingest: setup
	$(PYTHON) -m bench.ingest
