package main

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What Go's own checksum database begins its tree's text with, where a checkpoint has its origin.
const goOrigin = "go.sum database tree"

func judgeNote(c Case) (Verdict, error) {
	origin, tree, err := openCheckpoint([]byte(c.Note), c.Vkey)
	return Verdict{Origin: origin, Size: tree.N, Root: digest(tree.Hash)}, err
}

// openCheckpoint returns what a note signed by the key says: the log's name, its size and root.
func openCheckpoint(signed []byte, vkey string) (string, tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", tlog.Tree{}, err
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != verifier.Name() {
		return "", tlog.Tree{}, fmt.Errorf("origin %q, key of %q", origin, verifier.Name())
	}
	if strings.Count(rest, "\n") != 2 {
		return "", tlog.Tree{}, fmt.Errorf("%q is not a size and a root", rest)
	}
	tree, err := tlog.ParseTree([]byte(goOrigin + "\n" + rest))
	return origin, tree, err
}

// checkpointText is the text of a checkpoint, by Go's own FormatTree.
func checkpointText(origin string, tree tlog.Tree) string {
	return strings.Replace(string(tlog.FormatTree(tree)), goOrigin, origin, 1)
}
