// Go's net/http as a client: sessions in on standard input, what was seen out, a line of JSON each.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"
)

const exchangeTimeout = 60 * time.Second

type field [2]string

type ask struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Fields map[string]string `json:"fields"`
	Body   *struct {
		Bytes    int  `json:"bytes"`
		Declared bool `json:"declared"`
	} `json:"body"`
}

type session struct {
	Client string `json:"client"`
	URL    string `json:"url"`
	CAFile string `json:"caFile"`
	Order  string `json:"order"`
	Asks   []ask  `json:"asks"`
}

type interim struct {
	Status int     `json:"status"`
	Fields []field `json:"fields"`
}

type seen struct {
	Error      string    `json:"error,omitempty"`
	Status     int       `json:"status"`
	Version    string    `json:"version"`
	Fields     []field   `json:"fields"`
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256"`
	Trailers   []field   `json:"trailers"`
	Interim    []interim `json:"interim"`
	Connection string    `json:"connection"`
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked session
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := output.Encode(run(asked)); err != nil {
			os.Exit(1)
		}
	}
}

func run(asked session) []seen {
	transport := transportFor(asked)
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     transport,
		Timeout:       exchangeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	all := make([]seen, len(asked.Asks))
	var group sync.WaitGroup
	for index, one := range asked.Asks {
		work := func() { all[index] = exchange(client, asked.URL, one) }
		if asked.Order == "at once" {
			group.Go(work)
		} else {
			work()
		}
	}
	group.Wait()
	return all
}

func transportFor(asked session) *http.Transport {
	protocols := new(http.Protocols)
	config := &tls.Config{RootCAs: trusted(asked.CAFile)}
	switch asked.Client {
	case "h2c":
		protocols.SetUnencryptedHTTP2(true)
	case "h2":
		protocols.SetHTTP2(true)
	case "h2 over TLS 1.2":
		protocols.SetHTTP2(true)
		config.MaxVersion = tls.VersionTLS12
	default:
		protocols.SetHTTP1(true)
	}
	// What the server has coded is to be seen as it came.
	return &http.Transport{
		Protocols:          protocols,
		TLSClientConfig:    config,
		DisableCompression: true,
		// The time in which a server has to ask for content that was announced by Expect.
		ExpectContinueTimeout: exchangeTimeout,
	}
}

func trusted(file string) *x509.CertPool {
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(file)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		fmt.Fprintln(os.Stderr, "no certificate in", file, err)
		os.Exit(1)
	}
	return pool
}

func exchange(client *http.Client, base string, one ask) seen {
	result := seen{Fields: []field{}, Trailers: []field{}, Interim: []interim{}}
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			result.Connection = info.Conn.LocalAddr().String()
		},
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			result.Interim = append(result.Interim, interim{status, fieldsOf(http.Header(header))})
			return nil
		},
	}
	ctx := httptrace.WithClientTrace(context.Background(), trace)
	request, err := http.NewRequestWithContext(ctx, one.Method, base+one.Path, contentOf(one))
	if err != nil {
		result.Error = err.Error()
		return result
	}
	for name, value := range one.Fields {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	defer response.Body.Close()
	result.Status = response.StatusCode
	result.Version = map[int]string{1: "1.1", 2: "2"}[response.ProtoMajor]
	hash := sha256.New()
	result.Bytes, err = io.Copy(hash, response.Body)
	if err != nil {
		result.Error = err.Error()
	}
	result.SHA256 = hex.EncodeToString(hash.Sum(nil))
	result.Fields = fieldsOf(response.Header)
	result.Trailers = fieldsOf(response.Trailer)
	return result
}

func contentOf(one ask) io.Reader {
	if one.Body == nil {
		return nil
	}
	content := make([]byte, one.Body.Bytes)
	for index := range content {
		content[index] = byte(index % 251 * 7 % 251)
	}
	if one.Body.Declared {
		return bytes.NewReader(content)
	}
	// Of a reader that it does not know net/http cannot tell the length.
	return struct{ io.Reader }{bytes.NewReader(content)}
}

func fieldsOf(header http.Header) []field {
	fields := []field{}
	for name, values := range header {
		for _, value := range values {
			fields = append(fields, field{strings.ToLower(name), value})
		}
	}
	return fields
}
