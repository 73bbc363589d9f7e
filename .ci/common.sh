# shellcheck shell=bash
# What the checks with programs of others share; they source it from the root of the project.

target=${CARGO_TARGET_DIR:-target}
venv=$target/outside-clients-venv

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# The binary is target/release/tailwater, or the one named in the environment variable TAILWATER.
require_tailwater() {
  tailwater=$(realpath -m -- "${TAILWATER:-$target/release/tailwater}")
  [[ -x $tailwater ]] || { echo "$tailwater is not built: cargo build --release, or name another in TAILWATER" >&2; exit 2; }
}

# Nothing of the caller's own AWS settings reaches a check.
own_settings() {
  export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER=""
  unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL TAILWATER_TARGET
}

# State, data and runtime folders of its own, so that a check neither joins nor disturbs a cloud that runs already.
own_folders() {
  export XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/run XDG_DATA_HOME=$work/data
  mkdir -m 700 "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME"
}

# within SECONDS COMMAND...: true as soon as the command is, false when the time is over.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

# debian COMMAND PACKAGE: installs what a fresh machine lacks, where that is possible.
debian() {
  command -v "$1" >/dev/null && return
  install_package "$2" || fail "$1 is missing: install $2"
}
install_package() {
  local said
  command -v apt-get >/dev/null && ((EUID == 0)) || return 1
  say "installing $1"
  said=$(apt-get -qq update 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$1" 2>&1) || {
    tail -n 5 <<<"$said" >&2
    return 1
  }
}

# Debian calls version 2 of the AWS CLI `awscli`; others may keep it elsewhere, beside a version 1.
find_cli2() {
  local candidate
  while read -r candidate; do
    if [[ $("$candidate" --version 2>&1) == aws-cli/2.* ]]; then
      cli2=$candidate
      return
    fi
  done < <(printf '%s\n' /usr/bin/aws /usr/local/bin/aws; type -ap aws || true)
  return 1
}

# make_venv PACKAGE...: a virtual environment of Python with these packages, kept for the next time.
make_venv() {
  # A folder whose making was interrupted has a Python without pip.
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    python3 -m venv "$venv" >/dev/null 2>&1 || { install_package python3-venv && python3 -m venv "$venv"; } || fail "python3 cannot make virtual environments"
  fi
  "$venv/bin/python" -m pip --quiet --disable-pip-version-check install "$@" || fail "pip could not install $*"
}

# field NAME: a member of the JSON object on standard input, to be given as a path (a.b).
field() {
  python3 -c '
import functools, json, sys
print(functools.reduce(lambda value, name: value[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}
