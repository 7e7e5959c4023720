// A client of Go's own TLS: asks for one path after another, a while apart.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	for number, path := range os.Args[2:] {
		if number > 0 {
			time.Sleep(2500 * time.Millisecond)
		}
		connection, err := tls.Dial("tcp", os.Args[1], &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Fprintf(connection, "GET %s HTTP/1.0\r\n\r\n", path)
		io.ReadAll(connection)
		connection.Close()
	}
}
