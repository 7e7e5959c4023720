# What a developer or a CI job does with this tree. `make` alone lists the targets.
#
# `setup` is the only one that changes the machine: it installs the packages below where they are
# missing (as root) and makes the virtual environment. Tests run against the wheel that is built
# from this tree, never against the tree itself.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)

PACKAGES := clang llvm gcc make libc6-dev libarchive-tools libbpf-dev libbpf1 bubblewrap nftables iproute2 passt \
	python3 python3-venv
# Programs that the tests audit.
TEST_PACKAGES := busybox bzip2 chromium curl e2fsprogs git luajit nginx-light nodejs nsd openssh-client \
	openssl perl postgresql procps python3-pip python3-pytest redis-server rpm softhsm2 sqlite3 wget xz-utils
# What the flow stack is scraped and described by.
TEST_PACKAGES += docker-compose prometheus prometheus-pushgateway
# What speaks TLS in other ways, or is compiled to.
TEST_PACKAGES += default-jdk-headless gnutls-bin golang-go libnss3-tools libssl-dev slirp4netns
# BCC for its loader's tests, and kernel headers of any version where there are none.
TEST_PACKAGES += python3-bpfcc $(if $(wildcard /lib/modules/*/build/include),,linux-headers-amd64)
# An engine for audits in containers, where there is none, and what makes an image where no registry
# is reachable.
ENGINE_PACKAGES := curl iproute2 mmdebstrap $(if $(wildcard /usr/bin/dockerd),,docker.io)
TEST_PACKAGES += $(ENGINE_PACKAGES) podman
# Tracers that the benchmarks compare with.
BENCH_PACKAGES := bpfcc-tools bpftrace curl libssl-dev linux-perf openssl python3-bpfcc softhsm2 \
	strace
BENCH_PACKAGES += $(if $(wildcard /lib/modules/*/build/include),,linux-headers-amd64)
# What boots a kernel, and what is booted: packages that are fetched and not installed.
KERNEL_PACKAGES := cpio kmod qemu-system-x86
KERNELS ?= linux-image-amd64
# Where from: one line as in sources.list(5); empty: as this machine is set up.
KERNEL_SOURCE ?=

# All that the wheel is made of. Its list is part of the stamp's name, so that a file that was
# added, renamed or removed counts as a change, too.
SOURCES := pyproject.toml build_native.py README.md LICENSE $(sort $(shell find pytest_ato bpf \
	docker/Dockerfile -type f -not -path '*/__pycache__/*' -not -path 'pytest_ato/capture/objects/*'))
STAMP := $(VENV)/.installed-$(firstword $(shell echo $(SOURCES) | cksum))

# $(call install,PACKAGES): have them installed; silent, and no root needed, if they are.
define install
	@missing=; for package in $(1); do \
		[ "$$(dpkg-query -W -f='$${db:Status-Status}' $$package 2>/dev/null)" = installed ] \
			|| missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit; \
	command -v apt-get >/dev/null || { \
		echo "setup: no apt-get here; install what Debian calls:$$missing" >&2; exit 1; }; \
	[ "$$(id -u)" = 0 ] || { \
		echo "setup: needs root to install:$$missing (sudo make setup)" >&2; exit 1; }; \
	echo "setup: installing$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get -qq update && apt-get -qq install --no-install-recommends -y $$missing >/dev/null
endef

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# mitmproxy lives in an environment of its own, inside the other one, where the product looks first.
MITMPROXY := $(VENV)/mitmproxy
MITMPROXY_WANTED := mitmproxy>=11,<13
MITMPROXY_STAMP := $(MITMPROXY)/.installed-$(firstword $(shell echo '$(MITMPROXY_WANTED)' | cksum))

.PHONY: setup
setup: packages $(STAMP) $(MITMPROXY_STAMP) ## install what is missing: packages (as root), and a venv with the wheel

.PHONY: packages
packages:
	$(call install,$(PACKAGES))

.PHONY: test-packages
test-packages:
	$(call install,$(TEST_PACKAGES))

$(BIN)/python: | packages
	@for python in $(PYTHONS); do \
		$$python -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
			2>/dev/null && exec $$python -m venv --clear $(VENV); \
	done; \
	echo "setup: Python 3.11, 3.12 or 3.13 with venv is needed; found none of: $(PYTHONS)" >&2; exit 1

$(STAMP): $(SOURCES) $(BIN)/python | packages
	@echo "setup: building the wheel and installing it into $(VENV)"
	@rm -rf build/wheel $(VENV)/.installed-*
	@$(BIN)/pip --disable-pip-version-check -q wheel --no-deps -w build/wheel .
	@wheel=$$(echo build/wheel/pytest_ato-*.whl); \
	$(BIN)/pip --disable-pip-version-check -q install "$$wheel[test,lint]" && \
	$(BIN)/pip --disable-pip-version-check -q install --no-deps --force-reinstall "$$wheel"
	@touch $@

$(MITMPROXY_STAMP): | $(BIN)/python
	@echo "setup: installing mitmproxy into $(MITMPROXY)"
	@$(BIN)/python -m venv --clear $(MITMPROXY)
	@$(MITMPROXY)/bin/pip --disable-pip-version-check -q install '$(MITMPROXY_WANTED)'
	@touch $@

.PHONY: engine-packages
engine-packages:
	$(call install,$(ENGINE_PACKAGES))

.PHONY: image
image: setup engine-packages ## build the image for audits in containers; BASE, SNAPSHOT, BCC=1
	@$(BIN)/python docker/build.py

.PHONY: examples
examples: packages
	@$(MAKE) -s -C examples/c

.PHONY: samples
samples: packages
	@$(MAKE) -s -C tests/samples

.PHONY: demo
demo: setup examples ## audit a bad and a good program of examples/, and show both verdicts
	@echo; echo "== a vendor binary that steals, calls home and drops a second stage"
	@$(BIN)/ato run examples/c/build/bad-sample; status=$$?; \
	[ $$status = 1 ] || { echo "demo: expected findings (exit 1), got exit $$status" >&2; exit 1; }
	@echo; echo "== a vendor binary that does honest work"
	@$(BIN)/ato run examples/c/build/good-sample || \
		{ echo "demo: expected approval (exit 0), got exit $$?" >&2; exit 1; }
	@echo; echo "Look at ato-report/bad-sample/report.html and ato-report/good-sample/report.html"

.PHONY: test
test: setup test-packages examples samples ## run all tests; as root those of the capture, too
	@$(BIN)/pytest -q -n auto --dist loadfile -m 'not serial'
	@$(BIN)/pytest -q -m serial

.PHONY: test-runtimes
test-runtimes: image test-packages examples samples ## audit every sample here and in a container: the same must come out
	@ATO_ALL_SAMPLES=1 $(BIN)/pytest -q tests/runtime/docker/test_conformance.py

.PHONY: kernel-packages
kernel-packages:
	$(call install,$(KERNEL_PACKAGES))

.PHONY: test-kernels
test-kernels: setup kernel-packages examples ## audit both samples under other kernels, in qemu
	@$(BIN)/python tests/kernels $(if $(KERNEL_SOURCE),--source '$(KERNEL_SOURCE)') $(KERNELS)

.PHONY: arm64-packages
arm64-packages:
	$(call install,clang llvm libbpf-dev linux-libc-dev-arm64-cross)

.PHONY: arm64
arm64: arm64-packages ## compile the kernel side for arm64, which is all that is known of it there
	@python3 build_native.py aarch64 build/bpf-aarch64

.PHONY: lint
lint: setup ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: pages
pages: setup ## write the pages that are made from code
	@$(BIN)/python docs/generate.py
	@$(BIN)/python grafana/generate.py

.PHONY: docs
docs: pages ## build the documentation's site in build/site; a broken link is an error
	@$(BIN)/pip --disable-pip-version-check -q install "$$(echo build/wheel/pytest_ato-*.whl)[docs]"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -q
	@echo "docs: build/site/index.html"

.PHONY: screenshots
screenshots: test-packages demo ## take the documentation's screenshots of the demo's report
	@$(BIN)/python docs/screenshots.py ato-report/bad-sample/report.html

.PHONY: bench
bench: setup ## measure what capture and analysis cost here
	$(call install,$(BENCH_PACKAGES) $(ENGINE_PACKAGES))
	@$(BIN)/python benchmarks

.PHONY: doctor
doctor: setup ## say what this machine has, what is missing, and the command that gets it
	@$(BIN)/ato doctor

.PHONY: dispatcher
dispatcher: setup ## make build/dispatcher: `ato dispatch`, which signs what the kernel counted of flows
	@mkdir -p build
	@printf '#!/bin/sh\nexec %s dispatch "$$@"\n' '$(CURDIR)/$(BIN)/ato' > build/dispatcher
	@chmod 755 build/dispatcher

.PHONY: clean
clean: ## remove what the other targets made, except for packages
	@rm -rf $(VENV) build dist ato-report pytest_ato/capture/objects
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@$(MAKE) -s -C examples/c clean
	@$(MAKE) -s -C tests/samples clean
