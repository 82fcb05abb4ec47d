// SPDX-License-Identifier: Apache-2.0

// Renders a template as k3s and RKE2 do it: Go's text/template, with their own configuration as `base`.
// render TEMPLATE BASE >CONFIGURATION
package main

import (
	"fmt"
	"os"
	"text/template"
)

func render(user, base string) error {
	text, err := os.ReadFile(user)
	if err != nil {
		return err
	}
	own, err := os.ReadFile(base)
	if err != nil {
		return err
	}
	all, err := template.New("configuration").Parse(string(text))
	if err != nil {
		return err
	}
	if _, err = all.New("base").Parse(string(own)); err != nil {
		return err
	}
	return all.Execute(os.Stdout, map[string]string{"Program": "stand-in"})
}

func main() {
	if err := render(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
