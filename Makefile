# make demo | test | pi | apk | android-test | web | web-test | fuzz | lint | bench | help. Each target makes .venv and installs what it needs: minutes the first time,
# seconds afterwards. pip's own environment variables (PIP_INDEX_URL, PIP_CERT, …) are honoured.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
comma := ,

VENV := .venv
# For example: make test PYTHON=/opt/python3.12/bin/python3
PYTHON ?=
# pytest processes; each test process computes on one thread (tests/conftest.py).
JOBS ?= 2
# The tests that are run a second time on JAX; the others choose their backends by themselves.
JAX_TESTS := tests/layers tests/models --ignore tests/models/test_families.py --ignore tests/models/test_backbones.py

.PHONY: help demo test test-order dist pi apk android-test web web-test fuzz faults soak-update lint bench bench-latency bench-arm bench-micro

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed-train-micro ## train a TFormer on real handwritten digits, quantize it, run it in LiteRT, TFLite Micro and on an emulated Pi; then a detector
	$(VENV)/bin/tformer train digits --model tformer_micro --recipe digits --out runs/digits
	$(VENV)/bin/tformer quantize runs/digits --data digits --out runs/digits-int8
	$(VENV)/bin/tformer convert runs/digits-int8 --int8 --data digits --out runs/digits-int8/digits.tflite --force
	$(VENV)/bin/tformer convert runs/digits-int8 --int8 --target micro --data digits --out runs/digits-int8/digits-micro.tflite --force
	$(VENV)/bin/tformer micro runs/digits-int8/digits-micro.tflite --out runs/digits-int8/firmware --force
	@pi=; if command -v qemu-aarch64 >/dev/null && command -v dpkg >/dev/null; then \
	    tools/pi_sysroot.sh build/pi-sysroot; pi="--pi build/pi-sysroot"; \
	  else echo "no emulated Raspberry Pi here: it needs Debian's qemu-user"; fi; \
	$(VENV)/bin/tformer runtimes runs/digits-int8/digits.tflite runs/digits-int8/digits-micro.tflite --data digits $$pi \
	  --picture runs/digits-int8/answers.png --force
	$(VENV)/bin/tformer train digit-scenes --epochs 24 --batch-size 8 --learning-rate 4e-3 --set ema_momentum=0.98 \
	  --set "augmentation.zoom_crop=(0.9,1.3)" --set augmentation.colour=0 --set evaluate_every=12 --out runs/scenes
	$(VENV)/bin/tformer convert runs/scenes --ptq --calibration digit-scenes --data digit-scenes --out runs/scenes/scenes.tflite --force
	$(VENV)/bin/python -m tools.sample_pictures digit-scenes --out runs/scenes/pictures
	$(VENV)/bin/tformer-edge run runs/scenes/scenes.tflite runs/scenes/pictures --score-threshold 0.4 --draw runs/scenes/found
	@echo "Pictures: runs/digits/curves.png and, in runs/digits-int8, confusion.png, digits.png, firmware/memory.png, answers.png;"
	@echo "boxes of digits in scenes, by the int8 detector: runs/scenes/found/*.png."
	@echo "The models for devices are digits.tflite (phones, Raspberry Pi) and digits-micro.tflite there; the firmware's sources"
	@echo "are in firmware/."

test: $(VENV)/.installed-train-micro-publish-dev ## run all tests, then the layers and models again on JAX
	$(VENV)/bin/python -m pytest -n $(JOBS) --ignore tests/pi --ignore tests/web
	KERAS_BACKEND=jax $(VENV)/bin/python -m pytest -n $(JOBS) -m "not graph_alone" $(JAX_TESTS)

test-order: $(VENV)/.installed-train-micro-publish-dev ## run all tests in random order: none may need another one before it
	$(VENV)/bin/python -m pytest -n $(JOBS) --ignore tests/pi --ignore tests/web -p randomly

dist: $(VENV)/.installed-dist ## build wheel and sdist, check what is in them, use the wheel in an empty environment
	$(VENV)/bin/python -m tools.check_dist

pi: $(VENV)/.installed-train-micro-publish-dev ## prove on emulated Raspberry Pi 4 and 5 cores that they compute what this machine does
	$(VENV)/bin/python -m pytest -s tests/pi

# For example: make apk APK_OPTIONS="--abi arm64-v8a --skip-tests"
APK_OPTIONS ?=
apk: $(VENV)/.installed-train ## build, test and sign android_demo/target/tformer-demo.apk, without the Android SDK
	android_demo/build.sh apk $(APK_OPTIONS)

android-test: $(VENV)/.installed-train ## test the Android app: core, screens on the real framework, real interpreter, APK
	android_demo/build.sh test

web: $(VENV)/.installed-train ## fetch LiteRT.js for the browser's page, convert the shipped models for it, and say how to serve web/
	$(VENV)/bin/python -m tools.make_web

web-test: $(VENV)/.installed-train-web-dev ## test the browser's page: its core under node, the whole in headless Chromium beside tformer-edge
	@for need in node:nodejs npm:npm chromium:chromium; do \
	  if ! command -v "$${need%%:*}" >/dev/null; then \
	    echo "expected $${need%%:*}, found none: install it (on Debian: apt-get install $${need##*:})" >&2; exit 1; \
	  fi; \
	done
	$(VENV)/bin/python -m tools.make_web
	node --test tests/web/core/*.test.mjs
	SKIPS_FAIL=1 $(VENV)/bin/python -m pytest -s tests/web

fuzz: $(VENV)/.installed-train-micro-publish-dev ## new examples for every property; 10,000 damaged model files; 10,000 inferences and images
	$(VENV)/bin/python -m pytest -n $(JOBS) --ignore tests/pi --ignore tests/web -m hypothesis --hypothesis-profile explore
	$(VENV)/bin/python -m tests.fuzz.model_files --mutations 10000
	$(VENV)/bin/python -m tests.fuzz.soak --inferences 10000 --images 10000

faults: $(VENV)/.installed-train-micro-publish-dev ## every command through every fault of machine, files and environment: about an hour
	$(VENV)/bin/python -m tests.faults.matrix
	$(VENV)/bin/python -m tests.faults.kills

soak-update: $(VENV)/.installed-train-publish-dev ## 100,000 damaged deltas; updates killed and cut off from power at every operation
	$(VENV)/bin/python -m tests.edge.update.soak

lint: $(VENV)/.installed-train-publish-dev ## check style, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/.installed-train-bench ## measure training speed on this machine
	$(VENV)/bin/python benchmarks/training.py

bench-latency: $(VENV)/.installed-train-bench ## measure inference in LiteRT against peers on this machine
	$(VENV)/bin/python benchmarks/latency.py --out build/benchmarks/results

bench-arm: $(VENV)/.installed-train-bench ## count instructions an inference on emulated Arm cores
	$(VENV)/bin/python benchmarks/arm_instructions.py --out build/benchmarks/results

bench-micro: $(VENV)/.installed-train-micro-bench ## measure flash and arena in TFLite Micro, beside MobileNetV1-0.25
	$(VENV)/bin/python benchmarks/micro.py

# MediaPipe as setup.cfg names it, which tests need beside packages that its own dependencies exclude (the comment there).
MEDIAPIPE = $(shell sed -n 's/^ *\(mediapipe==.*\)/\1/p' setup.cfg)

# .venv/.installed-A-B says that the package is installed with the extras A and B as setup.cfg now has them.
$(VENV)/.installed-%: setup.cfg pyproject.toml | $(VENV)/bin/python
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(VENV)/bin/python -m ensurepip >/dev/null
	$(VENV)/bin/python -m pip install --quiet --editable '.[$(subst -,$(comma),$*)]'
	$(if $(findstring dev,$*),$(VENV)/bin/python -m pip install --quiet --no-deps $(MEDIAPIPE))
	@touch $@

$(VENV)/bin/python:
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "$$python -m venv $(VENV)"; exec "$$python" -m venv $(VENV); \
	  fi; \
	done; \
	echo "expected Python 3.11 or newer with its venv module, found none: install it (on Debian:" \
	  "apt-get install python3 python3-venv) or name one with make PYTHON=/path/to/python3" >&2; exit 1
