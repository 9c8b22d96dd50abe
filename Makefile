# Each target sets up what it needs, says what it does, and is safe to run twice.
PYTHON = .venv/bin/python
CLIENT = build/venvs/st2client/bin/python
CHATBOT = build/venvs/chatbot
MATRIX = build/venvs/matrix
MOTO = build/venvs/moto
ANSIBLE = build/venvs/ansible
# Every action is a process: without compiled modules each start costs three times as much.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup site chatbot matrix moto ansible demo test test-long lint unit acceptance lab lab-down validate bench-runner bench-fanout bench-converge test-faults test-site bench-build bench-ingest bench-year bench-fleet bench-status

setup:
	@script/setup

site: setup
	@script/environment build/venvs/site site
	@NO_MKDOCS_2_WARNING=1 build/venvs/site/bin/mkdocs build --strict

chatbot: setup
	@script/environment $(CHATBOT) chatbot

matrix: setup
	@script/environment $(MATRIX) matrix

moto: setup
	@script/environment $(MOTO) moto

ansible: setup
	@script/environment $(ANSIBLE) ansible

demo: setup
	@$(CLIENT) -m demo

lab: setup
	@$(PYTHON) -m lab up

lab-down: setup
	@$(PYTHON) -m lab down

test: lint validate site chatbot matrix moto ansible
	@$(PYTHON) -m tests.suite

test-long: lint validate site chatbot matrix moto ansible
	@$(PYTHON) -m tests.suite long

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy actions cicd_project sensors st2local gateway host balancer follow render lab deb sandbox status reference infra/ansible/plugins infra/consul infra/puppet infra/terraform

unit: chatbot matrix moto ansible
	@$(PYTHON) -m tests.suite unit others lab parts

acceptance: chatbot
	@$(PYTHON) -m tests.suite acceptance sites

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

test-site: setup ansible
	$(PYTHON) -m pytest tests/site -m lab

test-faults: setup
	$(PYTHON) -m pytest tests/fleet tests/lib tests/package tests/whole -m faults
	FAULT_RINGS="canary production" $(PYTHON) -m pytest tests/host -m lab
	$(CLIENT) -m pytest tests/acceptance -W default -m faults

bench-ingest: setup
	$(PYTHON) -m bench.ingest

bench-year: setup
	$(PYTHON) -m bench.year

bench-status: setup
	$(PYTHON) -m bench.status

bench-fleet: setup
	$(PYTHON) -m bench.fleet
