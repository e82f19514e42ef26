#!/bin/sh
# Build .toolchain/logcheck, the judge of the log that runs Go's own code, from what Go's tree brings.
# Nothing is fetched: the toolchain is in .venv-go, and the one module is vendored inside it.
set -eu
cd "$(dirname "$0")/.."
built=$PWD/.toolchain
source=$PWD/tests/foreign/logcheck
goroot=$(.venv-go/bin/go env GOROOT)
vendored=$goroot/src/cmd/vendor/golang.org/x/mod

unformatted=$("$goroot/bin/gofmt" -l "$source")
test -z "$unformatted" || { echo "gofmt -w $unformatted" >&2; exit 1; }

rm -rf "$built/x-mod"
mkdir -p "$built/x-mod/sumdb"
cp "$vendored/LICENSE" "$built/x-mod/"
cp -R "$vendored/sumdb/note" "$vendored/sumdb/tlog" "$built/x-mod/sumdb/"
printf 'module golang.org/x/mod\n\ngo 1.25\n' >"$built/x-mod/go.mod"

export GOROOT="$goroot" GOENV=off GOFLAGS=-mod=mod GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local CGO_ENABLED=0
export GOCACHE="$built/go-cache" GOPATH="$built/go-path"
cd "$source"
"$goroot/bin/go" build -trimpath -o "$built/logcheck" .
