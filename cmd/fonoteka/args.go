package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst lets flags follow arguments, as in "recordings get ID -o FILE": the
// command line library stops at the first argument.
func flagsFirst(commands []*cli.Command, args []string) []string {
	var flags []cli.Flag
	at := 1
	for ; at < len(args); at++ {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[at]) })
		if i < 0 {
			break
		}
		commands, flags = commands[i].Subcommands, commands[i].Flags
	}
	if at >= len(args) {
		return args
	}
	head, rest := args[:at:at], args[at:]
	var first, last []string
	for len(rest) > 0 {
		a := rest[0]
		n := 1
		switch {
		case a == "--":
			return slices.Concat(head, first, []string{"--"}, last, rest[1:])
		case !strings.HasPrefix(a, "-") || a == "-":
			last, rest = append(last, a), rest[1:]
			continue
		case !strings.Contains(a, "=") && takesValue(flags, strings.TrimLeft(a, "-")) && len(rest) > 1:
			n = 2
		}
		first, rest = append(first, rest[:n]...), rest[n:]
	}
	return slices.Concat(head, first, last)
}

func takesValue(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}

// oneOf checks a flag that has one of few values, or none: nothing is found with
// a misspelt one, and that would pass for an answer.
func oneOf[T ~string](flag string, said T, known ...T) error {
	if said == "" || slices.Contains(known, said) {
		return nil
	}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	return usage("--%s: %q is none of %s", flag, said, strings.Join(words, ", "))
}

// noSuchCommand is what a command that has only others below it does by itself.
func noSuchCommand(c *cli.Context) error {
	root := c.Command.Name == c.App.Name
	switch {
	case !c.Args().Present() && root:
		return cli.ShowAppHelp(c)
	case !c.Args().Present():
		return cli.ShowSubcommandHelp(c)
	}
	of := c.App.Name
	if !root {
		of += " " + c.Command.Name
	}
	var names []string
	for _, below := range c.Command.Subcommands {
		names = append(names, below.Name)
	}
	return usage("%q is no command of %s; there are: %s", c.Args().First(), of, strings.Join(names, ", "))
}
