// Command tlog-client reads a whole log with the clients of others, unmodified: fsck of transparency-dev/tessera, and the
// client of filippo.io/torchwood, which proves each entry it hands out. It prints what it found as JSON.
//
//	tlog-client <url of the log> <verifier key> <bearer token>
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type found struct {
	Origin  string `json:"origin"`
	Size    int64  `json:"size"`
	Entries int64  `json:"entries"`
	Last    string `json:"last"`
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: tlog-client <url> <verifier key> <bearer token>"))
	}
	result, err := read(context.Background(), os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func read(ctx context.Context, base, vkey, token string) (found, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return found{}, fmt.Errorf("verifier key: %w", err)
	}
	if err := check(ctx, base, token, verifier); err != nil {
		return found{}, fmt.Errorf("fsck: %w", err)
	}
	return follow(ctx, base, token, verifier)
}

// check lets fsck of tessera compare every tile and every bundle with the checkpoint.
func check(ctx context.Context, base, token string, verifier note.Verifier) error {
	root, err := url.Parse(base)
	if err != nil {
		return err
	}
	fetcher, err := client.NewHTTPFetcher(root, nil)
	if err != nil {
		return err
	}
	fetcher.SetAuthorizationHeader("Bearer " + token)
	return fsck.New(verifier.Name(), verifier, fetcher, leafHashes, fsck.Opts{N: 4}).Check(ctx)
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(entries.Entries))
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

type authorized struct{ token string }

func (a authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+a.token)
	return http.DefaultTransport.RoundTrip(request)
}

// follow lets the client of torchwood read every entry.
func follow(ctx context.Context, base, token string, verifier note.Verifier) (found, error) {
	fetcher, err := torchwood.NewTileFetcher(base, torchwood.WithHTTPClient(&http.Client{Transport: authorized{token}}))
	if err != nil {
		return found{}, err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return found{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return found{}, err
	}
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	if err != nil {
		return found{}, err
	}
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		return found{}, err
	}
	result := found{Origin: checkpoint.Origin, Size: checkpoint.N}
	tree := tlog.Tree{N: checkpoint.N, Hash: checkpoint.Hash}
	for _, entry := range reader.AllEntries(ctx, tree, 0) {
		result.Entries++
		result.Last = string(entry)
	}
	return result, reader.Err()
}
