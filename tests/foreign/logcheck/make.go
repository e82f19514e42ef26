package main

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// prove makes proofs from a log's tiles, as a client does that is handed none.
func prove(c Case) (Verdict, error) {
	read, err := openLog(c.Base, c.Vkey)
	if err != nil {
		return Verdict{}, err
	}
	record, err := tlog.ProveRecord(read.tree.N, c.Index, read.reader)
	if err != nil {
		return Verdict{}, err
	}
	tree, err := tlog.ProveTree(read.tree.N, c.OldSize, read.reader)
	told := Verdict{Origin: read.origin, Size: read.tree.N, Root: digest(read.tree.Hash)}
	told.Inclusion, told.Consistency = digests(record), digests(tree)
	return told, err
}

// makeLog writes a log as Go makes it, under a key that nobody keeps.
func makeLog(c Case) (Verdict, error) {
	var stored storage
	for i, record := range c.Records {
		more, err := tlog.StoredHashes(int64(i), record, stored)
		if err != nil {
			return Verdict{}, err
		}
		stored = append(stored, more...)
	}
	size := int64(len(c.Records))
	for _, tile := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return Verdict{}, err
		}
		if err := put(c.Base, path(tile), data); err != nil {
			return Verdict{}, err
		}
	}
	if err := putEntries(c.Base, c.Records); err != nil {
		return Verdict{}, err
	}
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return Verdict{}, err
	}
	return signLog(c, tlog.Tree{N: size, Hash: root})
}

func putEntries(base string, records []octets) error {
	for first := 0; first < len(records); first += width {
		count := min(width, len(records)-first)
		var data []byte
		for _, record := range records[first : first+count] {
			data = binary.BigEndian.AppendUint16(data, uint16(len(record)))
			data = append(data, record...)
		}
		bundle := tlog.Tile{H: height, L: -1, N: int64(first / width), W: count}
		if err := put(base, path(bundle), data); err != nil {
			return err
		}
	}
	return nil
}

func signLog(c Case, tree tlog.Tree) (Verdict, error) {
	skey, vkey, err := note.GenerateKey(rand.Reader, c.Origin)
	if err != nil {
		return Verdict{}, err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return Verdict{}, err
	}
	signed, err := note.Sign(&note.Note{Text: checkpointText(c.Origin, tree)}, signer)
	if err != nil {
		return Verdict{}, err
	}
	told := Verdict{Origin: c.Origin, Size: tree.N, Root: digest(tree.Hash), Vkey: vkey}
	return told, put(c.Base, "checkpoint", signed)
}

func put(base, name string, data []byte) error {
	place := filepath.Join(base, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	return os.WriteFile(place, data, 0o644)
}

// storage is every hash in the order of tlog.StoredHashIndex.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	read := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		read[i] = s[index]
	}
	return read, nil
}
