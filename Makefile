# SPDX-License-Identifier: Apache-2.0
# Thin: CMake and the scripts do the work.

PREFIX ?= /usr/local
DESTDIR ?=
# a terminal sees how far a build is, a log only what is wrong
QUIET := $(shell test -t 2 || echo --quiet)

help:
	@echo "make build      build the programs into build/bin"
	@echo "make test       build and run every test"
	@echo "make test-k8s   run every behaviour on a one-node Kubernetes (root)"
	@echo "make test-k8s-full  the same on every version, chaos, a node full of pods (root)"
	@echo "make demo       run examples/httpbin as a container and print a table (root)"
	@echo "make bench      measure, side by side with what is installed"
	@echo "make install    install the programs [PREFIX=/usr/local, DESTDIR=]"
	@echo "make image      make the installer's image, build/wherry-node.tar"
	@echo "make clean      remove the build directories"

packages:
	@tools/install_packages.sh

build: packages
	@[ -e build/build.ninja ] || echo "building into build: with two processors it takes ten minutes the first time"
	@cmake --preset release --log-level=WARNING >/dev/null
	@ninja -C build $(QUIET)

test: packages
	@tests/run.py

# as root; what Debian has not is built once, which takes 20 minutes
test-k8s: build
	@tests/k8s/run.py --full

# the whole matrix, chaos and a full node: half an hour
test-k8s-full: build
	@tests/k8s/full.py

demo: build
	@tools/demo.py

bench: build
	@bench/run.py

install: build
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)" --strip

image: build
	@rm -rf build/image && cmake --install build --prefix build/image --strip >/dev/null
	@deploy/image/build.py build/image/bin build/wherry-node.tar

clean:
	@rm -rf build build-asan build-debug build-fuzz build-tsan

.PHONY: help packages build test test-k8s test-k8s-full demo bench install image clean
