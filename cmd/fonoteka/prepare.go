package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/settings"
)

// prepare gives commands what all have in common: a mistake in their flags, and arguments
// that they do not take, end them with a status; their help shows their own options, and
// those that all commands on an installation have by name.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = wrongUsage
		prepare(c.Subcommands)
		if c.Action == nil && len(c.Subcommands) > 0 {
			c.Action = noSuchCommand
		} else if c.ArgsUsage == "" && len(c.Subcommands) == 0 {
			c.Before = noArguments
		}
		if c.Name != "serve" {
			namesOnly(c)
		}
		if c.Name == "serve" || c.Name == "print" || c.Name == "doctor" { // which are about the configuration
			before := c.Before
			c.Before = func(c *cli.Context) error {
				warnOfReadable(c)
				if before == nil {
					return nil
				}
				return before(c)
			}
		}
	}
}

func wrongUsage(c *cli.Context, err error, _ bool) error {
	return usage("%w (see: %s --help)", err, c.Command.HelpName)
}

// noArguments refuses what would be passed over in silence.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage("%s takes no argument: %q", strings.TrimPrefix(c.Command.HelpName, c.App.Name+" "), c.Args().First())
	}
	return nil
}

// commonFlags are the names of the settings that most commands take, because they tell
// where an installation and its stores are, and how the operator is asked.
func commonFlags() map[string]bool {
	names := map[string]bool{}
	for _, f := range slices.Concat(settings.DataFlags(), settings.IntegrationFlags(), settings.OperatorFlags(), []cli.Flag{settings.RecordHostsFlag()}) {
		names[f.Names()[0]] = true
	}
	return names
}

// namesOnly has the help of a command on an installation show the common settings by
// name. They are described once, by serve --help.
func namesOnly(c *cli.Command) {
	if !slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == "config" }) {
		return
	}
	common := commonFlags()
	if c.Name == "print" { // all that serve has
		for _, f := range settings.ServeFlags() {
			common[f.Names()[0]] = true
		}
	}
	var names []string
	for _, f := range c.Flags {
		if name := f.Names()[0]; common[name] {
			names = append(names, "--"+name)
			hide(f)
		}
	}
	template := cli.CommandHelpTemplate
	if len(c.Subcommands) > 0 {
		template = cli.SubcommandHelpTemplate
	}
	c.CustomHelpTemplate = template + "\nCOMMON OPTIONS (fonoteka serve --help describes them, with their variables):\n" + columned(names) + "\n"
}

func hide(f cli.Flag) {
	switch f := f.(type) {
	case *cli.StringFlag:
		f.Hidden = true
	case *cli.BoolFlag:
		f.Hidden = true
	case *cli.IntFlag:
		f.Hidden = true
	case *cli.StringSliceFlag:
		f.Hidden = true
	default:
		panic(fmt.Sprintf("--%s: a common setting of the type %T", f.Names()[0], f))
	}
}

// columned breaks words into lines as wide as the descriptions of commands.
func columned(words []string) string {
	const width = 83
	lines := []string{"  "}
	for _, w := range words {
		if last := &lines[len(lines)-1]; len(*last)+1+len(w) <= width {
			*last += " " + w
		} else {
			lines = append(lines, "   "+w)
		}
	}
	return strings.Join(lines, "\n")
}
