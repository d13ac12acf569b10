// promrules says whether Prometheus takes a file of rules, by the parser that it and promtool have.
// It reads the file from standard input, and prints each group and how many rules it has.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

func main() {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	groups, errs := rulefmt.Parse(data, false, model.UTF8Validation)
	if len(errs) > 0 {
		fail(errs...)
	}
	for _, group := range groups.Groups {
		fmt.Printf("%s: %d\n", group.Name, len(group.Rules))
	}
}

func fail(errs ...error) {
	for _, err := range errs {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}
