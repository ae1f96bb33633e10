// Go's own transparency-log code (golang.org/x/mod/sumdb) reads our logs from the public tiles alone.
//
//	tlog log PREFIX VKEY [-earlier FILE] [-receipt FILE]   a log below a URL or a folder
//	tlog keep BROKER.json FOLDER                           keeps what a running broker signs now, for later
//	tlog served BROKER.json FOLDER                         both logs of a running broker, against what was kept
//
// PREFIX/checkpoint is a C2SP tlog-checkpoint, PREFIX/tile/… are C2SP tlog-tiles, a receipt is a C2SP tlog-proof whose
// `extra` opens the leaf as docs/protocol.md says. Prints `ok: CLAIM` for each claim that holds; exits 1 at the first
// that does not, 77 if nothing serves a log.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Hashes of a full tile, and their height: C2SP fixes both.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

var errAbsent = errors.New("nothing is there")

func main() {
	if err := run(os.Args[1:]); err != nil {
		if errors.Is(err, errAbsent) {
			fmt.Printf("skipped: %v\n", err)
			os.Exit(77)
		}
		fmt.Fprintf(os.Stderr, "does not hold: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) >= 3 && args[0] == "log":
		flags := flag.NewFlagSet("log", flag.ExitOnError)
		earlier := flags.String("earlier", "", "an earlier checkpoint of the log")
		receipt := flags.String("receipt", "", "a receipt for one of its entries")
		if err := flags.Parse(args[3:]); err != nil {
			return err
		}
		return judge(log{args[1], args[2]}, *earlier, *receipt)
	case len(args) == 3 && args[0] == "keep":
		return keep(args[1], args[2])
	case len(args) == 3 && args[0] == "served":
		return served(args[1], args[2])
	}
	return errors.New("usage: tlog log PREFIX VKEY [-earlier FILE] [-receipt FILE] | keep|served BROKER.json FOLDER")
}

// A log: where it is, and who signs it.
type log struct{ prefix, vkey string }

// The origin's last part: register or case.
func (l log) name() string {
	return l.vkey[strings.LastIndexByte(strings.SplitN(l.vkey, "+", 2)[0], '/')+1 : strings.IndexByte(l.vkey, '+')]
}

func (l log) holds(claim string, values ...any) {
	fmt.Printf("ok: tlog: "+l.name()+": "+claim+"\n", values...)
}

func judge(l log, earlier, receipt string) error {
	signed, err := get(l.prefix, "checkpoint")
	if err != nil {
		return err
	}
	tree, err := open(signed, l.vkey)
	if err != nil {
		return fmt.Errorf("the checkpoint: %w", err)
	}
	l.holds("x/mod opens the checkpoint of %d entries", tree.N)
	if err := refusesOthers(signed, l.vkey); err != nil {
		return err
	}
	l.holds("a checkpoint under another key, or with another root, is refused")
	if err := l.reads(tree); err != nil {
		return err
	}
	if earlier != "" {
		if err := l.extends(tree, earlier); err != nil {
			return err
		}
	}
	if receipt != "" {
		return l.proves(receipt)
	}
	return nil
}

// open reads a checkpoint under a key. ParseTree reads the same three lines below the line that Go's own log puts first.
func open(signed []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("it is not three lines that begin with %q", verifier.Name())
	}
	lines[0] = "go.sum database tree"
	return tlog.ParseTree([]byte(strings.Join(lines, "\n")))
}

func refusesOthers(signed []byte, vkey string) error {
	_, other, err := note.GenerateKey(rand.Reader, strings.SplitN(vkey, "+", 2)[0])
	if err != nil {
		return err
	}
	if _, err := open(signed, other); err == nil {
		return errors.New("the checkpoint opens under a key that did not sign it")
	}
	lines := strings.SplitN(string(signed), "\n", 4)
	lines[2] = (tlog.Hash{1}).String()
	if _, err := open([]byte(strings.Join(lines, "\n")), vkey); err == nil {
		return errors.New("the checkpoint opens with another root")
	}
	return nil
}

// reads fetches tiles, which x/mod holds against the root, and proves entries at several places.
func (l log) reads(tree tlog.Tree) error {
	hashes := tlog.TileHashReader(tree, &tiles{prefix: l.prefix})
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return fmt.Errorf("the tiles: %w", err)
	}
	if root != tree.Hash {
		return errors.New("the tiles have another root than the checkpoint")
	}
	l.holds("the root recomputed from the tiles is the one signed")
	places := spread(tree.N)
	for _, place := range places {
		leaf, err := l.entry(tree.N, place)
		if err != nil {
			return fmt.Errorf("entry %d: %w", place, err)
		}
		proof, err := tlog.ProveRecord(tree.N, place, hashes)
		if err != nil {
			return fmt.Errorf("entry %d: %w", place, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, place, tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("entry %d: %w", place, err)
		}
		if tlog.CheckRecord(proof, tree.N, tree.Hash, place, tlog.RecordHash(append(leaf, 0))) == nil {
			return fmt.Errorf("entry %d: another leaf is proved as well", place)
		}
	}
	l.holds("entries read from their bundles are included, and altered ones are not, at %v", places)
	damaged := tlog.TileHashReader(tree, &tiles{prefix: l.prefix, damage: true})
	if _, err := tlog.ProveRecord(tree.N, 0, damaged); err == nil && tree.N > 1 {
		return errors.New("a tile with a flipped byte is believed")
	}
	l.holds("a tile with one flipped byte is refused")
	return nil
}

// spread names places at both ends, around tile borders and between.
func spread(size int64) []int64 {
	var found []int64
	for _, place := range []int64{0, 1, size / 3, size / 2, tileWidth - 1, tileWidth, size - tileWidth, size - 2, size - 1} {
		fresh := place >= 0 && place < size
		for _, known := range found {
			fresh = fresh && known != place
		}
		if fresh {
			found = append(found, place)
		}
	}
	return found
}

// entry reads one leaf's data from its entry bundle: u16 big-endian length ‖ data, one after another.
func (l log) entry(size, place int64) ([]byte, error) {
	tile := tlog.Tile{H: tileHeight, L: 0, N: place / tileWidth, W: tileWidth}
	if left := size - tile.N*tileWidth; left < tileWidth {
		tile.W = int(left)
	}
	path := strings.Replace(pathOf(tile), "tile/0/", "tile/entries/", 1)
	bundle, err := get(l.prefix, path)
	if err != nil {
		return nil, err
	}
	var wanted []byte
	for n := 0; n < tile.W; n++ {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return nil, fmt.Errorf("%s ends within its entry %d", path, n)
		}
		length := int(binary.BigEndian.Uint16(bundle))
		if int64(n) == place%tileWidth {
			wanted = bundle[2 : 2+length : 2+length]
		}
		bundle = bundle[2+length:]
	}
	if len(bundle) != 0 {
		return nil, fmt.Errorf("%s goes on after its last entry", path)
	}
	return wanted, nil
}

// extends proves that the tree grew from an earlier checkpoint, and from no other one.
func (l log) extends(tree tlog.Tree, earlier string) error {
	signed, err := os.ReadFile(earlier)
	if err != nil {
		return err
	}
	old, err := open(signed, l.vkey)
	if err != nil {
		return fmt.Errorf("the earlier checkpoint: %w", err)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, &tiles{prefix: l.prefix}))
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	l.holds("the tree of %d entries is the beginning of the one of %d", old.N, tree.N)
	forked := old.Hash
	forked[0] ^= 1
	if tlog.CheckTree(proof, tree.N, tree.Hash, old.N, forked) == nil {
		return errors.New("a tree that is no beginning of this one is taken for one")
	}
	l.holds("an older tree that is not its beginning is refused")
	return nil
}

// proves checks a receipt by itself: nothing is fetched.
func (l log) proves(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, signed, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("the receipt is no tlog-proof")
	}
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return fmt.Errorf("the receipt's extra: %w", err)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return fmt.Errorf("the receipt's index: %w", err)
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return fmt.Errorf("the receipt's proof: %w", err)
		}
		proof = append(proof, hash)
	}
	tree, err := open([]byte(signed), l.vkey)
	if err != nil {
		return fmt.Errorf("the receipt's checkpoint: %w", err)
	}
	leaf := extra
	if l.name() == "case" {
		if leaf, err = caseLeaf(extra); err != nil {
			return err
		}
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return fmt.Errorf("the receipt: %w", err)
	}
	l.holds("a receipt proves entry %d with the leaf computed from its extra", index)
	leaf[len(leaf)-1] ^= 1
	if tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)) == nil {
		return errors.New("the receipt proves another leaf as well")
	}
	l.holds("a receipt for another leaf is refused")
	return nil
}

// caseLeaf computes 0x01 ‖ HMAC-SHA256(leaf salt, label ‖ body) from `leaf salt ‖ body`.
func caseLeaf(extra []byte) ([]byte, error) {
	if len(extra) < 32+4+32 || uint64(binary.BigEndian.Uint32(extra[32:]))+32+4+32 != uint64(len(extra)) {
		return nil, errors.New("the receipt's extra is not salt, length, shared part and commitment")
	}
	mac := hmac.New(sha256.New, extra[:32])
	mac.Write([]byte("amana/log-entry/v1\x00"))
	mac.Write(extra[32:])
	return mac.Sum([]byte{0x01}), nil
}

// tiles fetches tiles for x/mod, which checks each against the root before it believes it.
type tiles struct {
	prefix string
	damage bool
}

func (t *tiles) Height() int                     { return tileHeight }
func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, err := get(t.prefix, pathOf(tile))
		if err != nil {
			return nil, err
		}
		if t.damage {
			data = append([]byte(nil), data...)
			data[len(data)/2] ^= 1
		}
		found[i] = data
	}
	return found, nil
}

// pathOf: x/mod writes the height into a tile's path, C2SP does not.
func pathOf(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
}

func get(prefix, path string) ([]byte, error) {
	if !strings.HasPrefix(prefix, "http://") && !strings.HasPrefix(prefix, "https://") {
		return os.ReadFile(filepath.Join(prefix, filepath.FromSlash(path)))
	}
	answer, err := http.Get(prefix + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound && path == "checkpoint" {
		return nil, fmt.Errorf("%s/%s: %w", prefix, path, errAbsent)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s/%s: %s", prefix, path, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 1<<25))
}

// broker is what a demo that goes on serving says of itself, as far as it is needed here.
type broker struct {
	URL     string `json:"url"`
	Receipt string `json:"receipt"`
}

// logs finds both logs of a running broker; their keys stand in its genesis.
func logs(file string) (broker, []log, error) {
	var told broker
	text, err := os.ReadFile(file)
	if err != nil {
		return told, nil, err
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return told, nil, err
	}
	signed, err := get(told.URL, "v1/genesis")
	if err != nil {
		return told, nil, err
	}
	var genesis struct {
		Origin string            `json:"origin"`
		Keys   map[string]string `json:"log_keys"`
	}
	if err := json.Unmarshal([]byte(strings.SplitN(string(signed), "\n", 2)[0]), &genesis); err != nil {
		return told, nil, fmt.Errorf("genesis: %w", err)
	}
	var found []log
	for _, name := range []string{"register", "case"} {
		key, err := base64.RawURLEncoding.DecodeString(genesis.Keys[name])
		if err != nil {
			return told, nil, fmt.Errorf("genesis: %w", err)
		}
		vkey, err := note.NewEd25519VerifierKey(genesis.Origin+"/"+name, key)
		if err != nil {
			return told, nil, err
		}
		found = append(found, log{told.URL + "/log/" + name, vkey})
	}
	return told, found, nil
}

func keep(file, folder string) error {
	told, found, err := logs(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, l := range found {
		signed, err := get(l.prefix, "checkpoint")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, l.name()+".checkpoint"), signed, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "case.tlog-proof"), []byte(told.Receipt), 0o644)
}

func served(file, folder string) error {
	_, found, err := logs(file)
	if err != nil {
		return err
	}
	for _, l := range found {
		receipt := ""
		if l.name() == "case" {
			receipt = filepath.Join(folder, "case.tlog-proof")
		}
		if err := judge(l, filepath.Join(folder, l.name()+".checkpoint"), receipt); err != nil {
			return err
		}
	}
	return nil
}
