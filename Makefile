# The commands a person types. `make` alone lists them. One build configuration serves all of them: release with
# testable modules, so `make tune` and `make test` share every object.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help tune test build bench models-large bench-kernels bench-model doctor lint clean setup models peers conformance zoo fuzz

JOB ?= jobs/quickstart.yaml
CONFIGURATION := -c release -Xswiftc -enable-testing
IRONWORKS := $(CURDIR)/.build/release/ironworks
CACHE := $(HOME)/.cache/ironworks
PYTHON := $(CACHE)/venv/bin/python
THREADS ?= 1
# The large models take part once `make models-large` has made them.
LARGE_MODELS := resnet50 mobilenet_v2 bert_base
BENCH_MODELS = $(CACHE)/models/ppocr-cls.onnx x=1x3x48x192 \
               $(CACHE)/models/minilm-l3.onnx batch_size=1 sequence_length=128 \
               $(wildcard $(LARGE_MODELS:%=$(CACHE)/models/%.onnx))
export IRONWORKS PYTHON
export IRONWORKS_MODELS := $(CACHE)/models

# Debian package names of what the build needs beside Swift.
LIBRARIES := libzmq3-dev libsqlite3-dev
TOOLS := python3 python3-venv

# A terminal sees the build's own progress; a log sees one line per tenth, and everything that is no progress line.
define run_build
	if [ -t 1 ]; then
	  swift build $(CONFIGURATION) $(1)
	else
	  echo "building"
	  swift build $(CONFIGURATION) $(1) 2>&1 | awk '
	    /^\[[0-9]+\/[0-9]+\]/ { split($$1, n, /[][\/]/); tenth = int(10 * n[2] / n[3])
	      if (n[3] >= 100 && tenth > shown) { shown = tenth; print "  " $$1; fflush() } next }
	    /^(Building|Fetching|Fetched|Creating|Computing|Computed|Working|Updating|Updated|\[)/ { next }
	    { print; fflush() }'
	fi
endef

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

tune: setup models ## build, then tune the models of JOB (default jobs/quickstart.yaml)
	@$(call run_build)
	$(IRONWORKS) tune $(JOB)

test: setup models peers ## build, then run every test
	@$(call run_build,--build-tests)
	log=.build/test.log
	rc=0
	swift test $(CONFIGURATION) --skip-build --disable-xctest 2>&1 | tee $$log |
	  awk '!/^(◇|✔) / && !/^\[[0-9]+\/[0-9]+\]/ { print; fflush() }' || rc=$$?
	closing=$$(grep -E 'Test run with [0-9]+ tests?' $$log | tail -n 1 || true)
	if [ $$rc -ne 0 ] || [ -z "$$closing" ]; then
	  echo "run one again with: swift test $(CONFIGURATION) --skip-build --filter NAME"
	  echo "$${closing:-the test runner gave no closing line; its output is in $$log}"
	  exit 1
	fi
	passed=0
	failed=0
	for script in Tests/EndToEnd/*.sh; do
	  [ -e "$$script" ] || continue
	  name=$$(basename "$$script" .sh)
	  started=$$SECONDS
	  if timeout 1200 bash "$$script" >.build/end-to-end-$$name.log 2>&1; then
	    passed=$$((passed + 1))
	    echo "ok     $$name ($$((SECONDS - started)) s)"
	  else
	    failed=$$((failed + 1))
	    echo "FAILED $$name ($$((SECONDS - started)) s); the end of .build/end-to-end-$$name.log:"
	    tail -n 30 .build/end-to-end-$$name.log | sed 's/^/       /'
	  fi
	done
	if [ $$((passed + failed)) -gt 0 ]; then echo "$$passed passed, $$failed failed"; fi
	echo "$$closing"
	if [ $$failed -gt 0 ]; then exit 1; fi

conformance: setup peers ## run the test cases of the onnx package; the failures must be those of Tests/Conformance/expected-failures.txt
	@$(call run_build)
	$(PYTHON) Tests/Conformance/write_cases.py $(CACHE)/conformance
	$(PYTHON) Tests/Conformance/check.py $(CACHE)/conformance

fuzz: setup ## feed changed models to the importer for MINUTES (default 60); what brings it down goes to FINDINGS
	@$(call run_build,--product FuzzImport)
	.build/release/FuzzImport --minutes $(or $(MINUTES),60) --corpus Tests/Fuzz/corpus \
	  --findings $(or $(FINDINGS),.build/fuzz-findings)

zoo: setup peers ## run every model of ZOO (default: the models made so far) and compare it with ONNX Runtime
	@$(call run_build)
	$(PYTHON) jobs/zoo.py $(or $(ZOO),$(CACHE)/models)

build: setup ## build the executable: .build/release/ironworks
	@$(call run_build)
	echo "built .build/release/ironworks"

bench: setup models peers ## time the models beside ONNX Runtime (THREADS=2 for two threads)
	@$(call run_build)
	$(PYTHON) jobs/bench.py --ironworks $(IRONWORKS) --threads $(THREADS) $(BENCH_MODELS)

models-large: setup ## export ResNet-50, MobileNetV2 and BERT-base for bench (installs PyTorch privately, 1 GB)
	@missing=$$(for name in $(LARGE_MODELS); do [ -f $(CACHE)/models/$$name.onnx ] || echo $$name; done)
	if [ -n "$$missing" ]; then
	  [ -x $(CACHE)/export/bin/python ] || python3 -m venv $(CACHE)/export
	  $(CACHE)/export/bin/pip install --quiet torch onnx transformers
	  $(CACHE)/export/bin/pip install --quiet --no-deps timm torchvision pillow
	  $(CACHE)/export/bin/pip install --quiet pyyaml safetensors huggingface_hub
	  $(CACHE)/export/bin/python jobs/export_models.py $(CACHE)/models $$missing
	fi

bench-kernels: setup ## the best kernels of BERT's, ViT's and ResNet-50's shapes beside this processor's peak
	@$(call run_build)
	$(IRONWORKS) kernels

bench-model: setup ## measure all schedules of six shapes and judge the cost model's order (minutes)
	@$(call run_build)
	$(IRONWORKS) sweep --record .build/sweep.jsonl

doctor: setup ## say what this machine offers and what is missing
	@$(call run_build)
	$(IRONWORKS) doctor

lint: ## check the formatting of every Swift file
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests
	echo "formatting is as .swift-format says"

clean: ## remove what was built; catalogs and fetched models stay
	@rm -rf .build
	echo "removed .build"

models:
	@jobs/fetch >/dev/null

peers:
	@jobs/fetch --with-onnxruntime >/dev/null

# Installs what is missing when it may (as root, or with sudo that asks nothing), else says what to install.
setup:
	@if ! command -v swift >/dev/null; then
	  echo "Swift is missing: install Swift 6.2 or later for Linux from https://www.swift.org/install and put it on the PATH" >&2
	  exit 1
	fi
	compiler=$$(command -v clang || command -v gcc || true)
	has() {
	  case $$1 in
	    libzmq3-dev) links zmq.h zmq ;;
	    libsqlite3-dev) links sqlite3.h sqlite3 ;;
	    python3) command -v python3 >/dev/null ;;
	    python3-venv) [ -x $(PYTHON) ] || python3 -c 'import venv, ensurepip' 2>/dev/null ;;
	    gcc) [ -n "$$compiler" ] ;;
	  esac
	}
	links() {
	  [ -n "$$compiler" ] &&
	    printf '#include <%s>\nint main(void) { return 0; }\n' $$1 |
	      "$$compiler" -x c - -l$$2 -o /dev/null 2>/dev/null
	}
	missing=()
	for package in gcc $(LIBRARIES) $(TOOLS); do
	  has $$package || missing+=($$package)
	done
	[ $${#missing[@]} -gt 0 ] || exit 0
	if [ $$(id -u) -eq 0 ]; then become=()
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then become=(sudo -n)
	else become=(none)
	fi
	if ! command -v apt-get >/dev/null || [ "$${become[*]}" = none ]; then
	  echo "missing: $${missing[*]} (Debian's names); install them with: sudo apt-get install $${missing[*]}" >&2
	  exit 1
	fi
	echo "installing $${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	"$${become[@]}" apt-get update -qq >/dev/null || true
	"$${become[@]}" apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null ||
	  { echo "apt-get could not install them; install by hand: $${missing[*]}" >&2; exit 1; }
