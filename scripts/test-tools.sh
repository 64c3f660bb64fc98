#!/usr/bin/env bash
# Installs what some tests need beside npm's packages: a browser, and a Python with the packages of
# test/compat/requirements.txt in .venv. Does nothing where they are there already. What can't be installed is
# named, and the tests that need it fail or are skipped with that reason.
set -u
cd "$(dirname "$0")/.."

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
  command -v apt-get >/dev/null || return 1
  as_root apt-get update -qq </dev/null >/dev/null &&
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

if [ -z "${CHROMIUM:-}" ] && ! command -v chromium google-chrome chromium-browser >/dev/null; then
  echo "installing chromium for the browser tests"
  apt_install chromium || echo "no chromium: set CHROMIUM to a browser's path to run test/browser"
fi

wanted=test/compat/requirements.txt
if ! cmp -s "$wanted" .venv/requirements.txt; then
  echo "making .venv for the tests in Python"
  python3 -m venv .venv || { apt_install python3-venv && python3 -m venv .venv; }
  .venv/bin/pip install --quiet --disable-pip-version-check -r "$wanted" && cp "$wanted" .venv/requirements.txt ||
    echo "no .venv: the tests of test/compat that are in Python can't run"
fi
exit 0
