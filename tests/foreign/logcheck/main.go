// Command logcheck judges a log with the code that Go reads its own checksum database with.
//
// Cases come on standard input, one JSON object a line; a verdict goes out for each.
// "logcheck BASE VKEY" judges one whole log, under a directory or a URL, and exits 1 if it is refused.
//
// What decides is golang.org/x/mod/sumdb/{note,tlog}. What stands here finds the bytes, maps the
// names and hands them over: it computes no hash and compares none that tlog could compare.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// A Case is what is asked; which fields it has depends on Check.
type Case struct {
	Check string // a key of checks

	Note, Vkey string // note
	Base       string // log, prove, make
	Origin     string // make

	Record  octets   // inclusion
	Records []octets // make
	Proof   []digest

	Size, Index int64
	OldSize     int64 `json:"old_size"`
	Root        digest
	OldRoot     digest `json:"old_root"`
}

// A Verdict is what Go's code says, and what it read on the way.
type Verdict struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`

	Origin  string `json:"origin,omitempty"`
	Size    int64  `json:"size"`
	Root    digest `json:"root"`
	Vkey    string `json:"vkey,omitempty"`
	Entries int64  `json:"entries,omitempty"`
	Tiles   int    `json:"tiles,omitempty"`

	Names []string `json:"names,omitempty"`

	Inclusion   []digest `json:"inclusion,omitempty"`
	Consistency []digest `json:"consistency,omitempty"`
}

var checks = map[string]func(Case) (Verdict, error){
	"note":        judgeNote,
	"inclusion":   judgeInclusion,
	"consistency": judgeConsistency,
	"log":         judgeLog,
	"names":       nameTiles,
	"prove":       prove,
	"make":        makeLog,
}

func main() {
	if len(os.Args) == 3 {
		verdict := judge(Case{Check: "log", Base: os.Args[1], Vkey: os.Args[2]})
		write(os.Stdout, verdict)
		if !verdict.OK {
			os.Exit(1)
		}
		return
	}
	if len(os.Args) != 1 {
		fail("logcheck [BASE VKEY]")
	}
	out := bufio.NewWriter(os.Stdout)
	cases := json.NewDecoder(bufio.NewReader(os.Stdin))
	// A misspelt field would be a check of nothing.
	cases.DisallowUnknownFields()
	for {
		var asked Case
		if err := cases.Decode(&asked); err == io.EOF {
			break
		} else if err != nil {
			fail(err.Error())
		}
		write(out, judge(asked))
	}
	if err := out.Flush(); err != nil {
		fail(err.Error())
	}
}

func judge(asked Case) Verdict {
	check, known := checks[asked.Check]
	if !known {
		fail("no check is called " + asked.Check)
	}
	verdict, err := check(asked)
	verdict.OK = err == nil
	if err != nil {
		verdict.Why = err.Error()
	}
	return verdict
}

func judgeInclusion(c Case) (Verdict, error) {
	leaf := tlog.RecordHash(c.Record)
	return Verdict{}, tlog.CheckRecord(hashes(c.Proof), c.Size, tlog.Hash(c.Root), c.Index, leaf)
}

func judgeConsistency(c Case) (Verdict, error) {
	old := tlog.Hash(c.OldRoot)
	return Verdict{}, tlog.CheckTree(hashes(c.Proof), c.Size, tlog.Hash(c.Root), c.OldSize, old)
}

func write(out io.Writer, verdict Verdict) {
	if err := json.NewEncoder(out).Encode(verdict); err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}

// Bytes and hashes travel as hex.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

type digest tlog.Hash

func (d *digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("%q is no hash", text)
	}
	_, err := hex.Decode(d[:], text)
	return err
}

func (d digest) MarshalText() ([]byte, error) {
	return []byte(hex.EncodeToString(d[:])), nil
}

func hashes(digests []digest) []tlog.Hash {
	made := make([]tlog.Hash, len(digests))
	for i, one := range digests {
		made[i] = tlog.Hash(one)
	}
	return made
}

func digests(hashes []tlog.Hash) []digest {
	made := make([]digest, len(hashes))
	for i, one := range hashes {
		made[i] = digest(one)
	}
	return made
}
