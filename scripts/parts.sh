#!/bin/sh
# Run make targets one after another and say how many seconds each took.
# The first that fails ends the run with its status; the times so far are still told.
told=""
for part in "$@"; do
    printf '\n== %s\n' "$part"
    began=$(date +%s)
    "${MAKE:-make}" --no-print-directory "$part"
    status=$?
    told="$told $part $(($(date +%s) - began)) s,"
    if [ "$status" -ne 0 ]; then
        printf '\n%s failed;%s\n' "$part" "${told%,}" >&2
        exit "$status"
    fi
done
printf '\nall passed:%s\n' "${told%,}"
