module logcheck

go 1.27

require golang.org/x/mod v0.0.0

// The copy that Go's own tree carries: scripts/build_logcheck.sh puts it there.
replace golang.org/x/mod => ../../../.toolchain/x-mod
