package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	height  = 8
	width   = 1 << height
	largest = width * (2 + 1<<16) // of a bundle of entries, which is the largest thing there is
)

// A log is what lies under a base, opened at its own checkpoint.
type log struct {
	origin string
	tree   tlog.Tree
	tiles  *tiles
	reader tlog.HashReader
}

func openLog(base, vkey string) (log, error) {
	signed, err := fetch(base, "checkpoint")
	if err != nil {
		return log{}, err
	}
	origin, tree, err := openCheckpoint(signed, vkey)
	if err != nil {
		return log{}, err
	}
	read := &tiles{base, map[tlog.Tile][]byte{}}
	return log{origin, tree, read, tlog.TileHashReader(tree, read)}, nil
}

// judgeLog reads everything that a log publishes and holds it against the root that it signed.
func judgeLog(c Case) (Verdict, error) {
	read, err := openLog(c.Base, c.Vkey)
	if err != nil {
		return Verdict{}, err
	}
	told := Verdict{Origin: read.origin, Size: read.tree.N, Root: digest(read.tree.Hash)}
	// Of no entries nothing more is read; of any, this reads what the root stands on.
	root, err := tlog.TreeHash(read.tree.N, read.reader)
	if err != nil {
		return told, err
	}
	if root != read.tree.Hash {
		return told, fmt.Errorf("root %v, of the tiles %v", read.tree.Hash, root)
	}
	for first := int64(0); first < read.tree.N; first += width {
		count := min(width, read.tree.N-first)
		if err := read.judgeBundle(first, count); err != nil {
			return told, err
		}
		told.Entries += count
	}
	// Every tile stands over entries, so all were read on the way, and tlog kept what it proved.
	told.Tiles = len(read.tiles.kept)
	return told, nil
}

// judgeBundle holds each entry of a bundle against its hash in the tree.
func (l log) judgeBundle(first, count int64) error {
	indexes := make([]int64, count)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	leaves, err := l.reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	bundle := tlog.Tile{H: height, L: -1, N: first / width, W: int(count)}
	data, err := load(l.tiles.base, bundle)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		record, rest, err := cut(data)
		if err != nil {
			return fmt.Errorf("%s, entry %d: %w", path(bundle), i, err)
		}
		if tlog.RecordHash(record) != leaf {
			return fmt.Errorf("entry %d is not the one in the tree", first+int64(i))
		}
		data = rest
	}
	if len(data) != 0 {
		return fmt.Errorf("%s has %d bytes after its last entry", path(bundle), len(data))
	}
	return nil
}

// cut takes the first entry off a bundle.
func cut(data []byte) (record, rest []byte, err error) {
	if len(data) < 2 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	end := 2 + int(binary.BigEndian.Uint16(data))
	if len(data) < end {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return data[2:end], data[end:], nil
}

// path names a tile as C2SP's tlog-tiles does, whose tiles all have one height.
func path(tile tlog.Tile) string {
	named := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return strings.Replace(named, "tile/data/", "tile/entries/", 1)
}

// nameTiles names the tiles that a log publishes as it grows, and the bundles with their entries.
func nameTiles(c Case) (Verdict, error) {
	var told Verdict
	for _, tile := range tlog.NewTiles(height, c.OldSize, c.Size) {
		told.Names = append(told.Names, path(tile))
		if tile.L == 0 {
			tile.L = -1
			told.Names = append(told.Names, path(tile))
		}
	}
	return told, nil
}

// tiles is a tlog.TileReader; it keeps what tlog has authenticated.
type tiles struct {
	base string
	kept map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, err := t.read(tile)
		if err != nil {
			return nil, err
		}
		read[i] = data
	}
	return read, nil
}

func (t *tiles) read(tile tlog.Tile) ([]byte, error) {
	if data, kept := t.kept[tile]; kept {
		return data, nil
	}
	return load(t.base, tile)
}

func (t *tiles) SaveTiles(proved []tlog.Tile, data [][]byte) {
	for i, tile := range proved {
		t.kept[tile] = data[i]
	}
}

// load reads a tile; a full one stands in for a partial one that has been outgrown.
func load(base string, tile tlog.Tile) ([]byte, error) {
	data, err := fetch(base, path(tile))
	if !errors.Is(err, errMissing) || tile.W == width {
		return data, err
	}
	whole := tile
	whole.W = width
	data, missing := fetch(base, path(whole))
	if missing != nil {
		return nil, err
	}
	end := tile.W * tlog.HashSize
	if tile.L < 0 {
		rest := data
		for range tile.W {
			if _, rest, err = cut(rest); err != nil {
				return nil, err
			}
		}
		end = len(data) - len(rest)
	}
	return data[:min(end, len(data))], nil
}

var errMissing = errors.New("not there")

var client = http.Client{Timeout: 30 * time.Second}

// fetch reads one file under a directory or a URL.
func fetch(base, name string) ([]byte, error) {
	if !strings.HasPrefix(base, "http://") && !strings.HasPrefix(base, "https://") {
		data, err := os.ReadFile(filepath.Join(base, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s: %w", name, errMissing)
		}
		return data, err
	}
	answer, err := client.Get(strings.TrimSuffix(base, "/") + "/" + name)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", name, errMissing)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, largest+1))
	if err == nil && len(data) > largest {
		err = fmt.Errorf("%s is larger than anything in a log", name)
	}
	return data, err
}
