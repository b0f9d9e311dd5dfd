#!/bin/sh
# Prints the newest Python on the PATH that this project runs on; with none, says so and fails.
# Each is tried by running it: a shim of pyenv may stand for a version that is not active.
# Usage: newest_python.sh [PROGRAM]: with a program, that one or none.
wanted="3.13 3.12 3.11"

runs() { # PROGRAM VERSION...: whether it is one of these versions and can make environments
    found=$("$1" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    shift
    case " $* " in *" $found "*) ;; *) return 1 ;; esac
}

if [ -n "${1:-}" ]; then
    runs "$1" $wanted && echo "$1" && exit 0
    echo "'$1' is not a Python of $wanted with ensurepip; choose another: make PYTHON=/path/to/python" >&2
    exit 1
fi
for version in $wanted; do
    IFS=:
    for folder in $PATH; do
        for program in "$folder/python$version" "$folder/python3"; do
            [ -x "$program" ] && runs "$program" "$version" && echo "$program" && exit 0
        done
    done
    unset IFS
done
echo "no Python of $wanted with ensurepip is on the PATH; install one (Debian: apt install python3-venv), or call make PYTHON=/path/to/python" >&2
exit 1
