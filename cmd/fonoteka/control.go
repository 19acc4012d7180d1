package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/links"
	"fonoteka/internal/mtt"
	"fonoteka/internal/printable"
	"fonoteka/internal/warehouse"
)

func callCommand() *cli.Command {
	return &cli.Command{
		Name:  "call",
		Usage: "place a call, transfer one, drop a leg",
		Subcommands: []*cli.Command{
			{
				Name:      "make",
				Usage:     "ring a workplace, and once it is picked up call a number",
				ArgsUsage: "NUMBER",
				Description: `The workplace rings first, for up to a minute; the command waits as long for the
operator's answer. The call is marked as our own (own_calls), since its first
"connected" may be the employee who picks up.`,
				Flags:  controlFlags(&cli.StringFlag{Name: "from", Usage: "SIP `ID` of the workplace that rings first (not of a terminal)", Required: true}),
				Action: makeCall,
			},
			{
				Name:      "transfer",
				Usage:     "lead a call to a number or a workplace",
				ArgsUsage: "LEG TARGET",
				Description: `LEG is a leg's Call-ID as fonoteka calls show prints it (PLATFORM ID), or a call's
id where one leg only goes on. TARGET is a number or a SIP id. An answered call
hears music until the target answers, one that rings goes on ringing.`,
				Flags:  controlFlags(),
				Action: transferCall,
			},
			{
				Name:      "drop-leg",
				Usage:     "end one leg of a call; this is not a hang-up",
				ArgsUsage: "LEG",
				Description: `The operator ends this leg, and the call goes on by its standard routing: it may
ring somewhere else. It serves to end the five seconds of a parked number early.
What it does to a leg that talks is not documented. LEG is as for transfer.`,
				Flags:  controlFlags(&cli.BoolFlag{Name: "yes", Usage: "do not ask"}),
				Action: dropLeg,
			},
		},
	}
}

// controlFlags are those of a command that asks the operator to do something.
func controlFlags(more ...cli.Flag) []cli.Flag {
	flags := append(more, &cli.StringFlag{Name: "integration", Usage: "`NAME` of the integration; needed where there are several"}, asFlag(), areaCodeFlag())
	return append(append(append(flags, integrationFlags()...), operatorFlags()...), dataFlags()...)
}

// operation is what such a command works with.
type operation struct {
	c           *cli.Context
	cfg         *config
	integration integration
	client      *mtt.Client
	db          *warehouse.DB
}

// withOperation gives it what it needs. The warehouse must be there before the
// operator is asked: a call that nobody noted would be taken for a client's.
func withOperation(c *cli.Context, use func(operation) error) error {
	return withAccess(c, func(cfg *config, a *access) error {
		i, err := cfg.single(c)
		if err != nil {
			return err
		}
		client, err := a.client(i.name)
		if err != nil {
			return err
		}
		return withWarehouse(c, func(db *warehouse.DB) error {
			return use(operation{c, cfg, i, client, db})
		})
	})
}

// act asks the operator, between a note in the warehouse and in the audit that
// it is asked, and another of what came of it.
func (o operation) act(a links.Action, target string, ask func() (callID string, err error)) error {
	a.Integration, a.ID, a.At = o.integration.name, strings.ToLower(rand.Text()), time.Now().UTC()
	entry := audit.Entry{Action: "call." + string(a.Kind), Integration: a.Integration, Target: target, Detail: "action " + a.ID}
	return audited(o.c, o.cfg, entry, func() (string, error) {
		if err := o.db.SaveAction(o.c.Context, a, string(audit.Begun)); err != nil {
			return "", fmt.Errorf("nothing was done: %w", err)
		}
		id, failed := ask()
		a.PlatformCallID = cmp.Or(id, a.PlatformCallID)
		// Also for who leaves before the operator has answered.
		if err := o.db.SaveAction(context.WithoutCancel(o.c.Context), a, string(outcomeOf(failed))); err != nil {
			return "", errors.Join(failed, fmt.Errorf("what came of it (%s) could not be noted: %w", outcomeOf(failed), err))
		}
		if id != "" {
			target += ", call " + id
		}
		return target, failed
	})
}

// callee reads whom to call: what to send, and how it is compared with CDRs.
func (o operation) callee(said string) (call.Number, error) {
	n := call.ParseNumber(said, o.cfg.rules.AreaCode)
	if n.Hidden() {
		return n, errors.New("what was given is neither a phone number nor a SIP id")
	}
	return n, nil
}

// dialled is a number as a person wrote it, digits only: the operator's own
// example dials with 8, and whether it takes 7 is not said.
func dialled(n call.Number) string {
	raw, _, _ := strings.Cut(strings.TrimPrefix(n.Raw, "sip:"), "@")
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, raw)
}

func makeCall(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("call make: give one number")
	}
	return withOperation(c, func(o operation) error {
		number, err := o.callee(c.Args().First())
		if err != nil {
			return fmt.Errorf("call make: %w", err)
		}
		from := call.ParseNumber(c.String("from"), "").Digits
		if from == "" {
			return errors.New("call make: --from is no SIP id")
		}
		fmt.Fprintln(c.App.ErrWriter, "The workplace rings now, for up to a minute …")
		var id string
		a := links.Action{Kind: links.Make, AccountID: from, Number: number.Digits}
		err = o.act(a, from+" → "+digitsOf(number), func() (_ string, err error) {
			id, err = o.client.MakeCall(c.Context, from, dialled(number))
			return id, err
		})
		if id == "" {
			return err
		}
		fmt.Fprintf(c.App.Writer, "%s\n", printable.Quote(id))
		fmt.Fprintf(c.App.ErrWriter, "The operator makes the call. fonoteka calls show %s shows what becomes of it.\n", shellWord(call.BaseID(id)))
		return err
	})
}

// shellWord is a value that came from outside as one word of a POSIX shell.
func shellWord(s string) string {
	return "'" + strings.ReplaceAll(printable.Quote(s), "'", `'\''`) + "'"
}

func transferCall(c *cli.Context) error {
	if c.NArg() != 2 {
		return errors.New("call transfer: give a leg and a target")
	}
	return withOperation(c, func(o operation) error {
		to, err := o.callee(c.Args().Get(1))
		if err != nil {
			return fmt.Errorf("call transfer: %w", err)
		}
		leg, err := o.leg(c.Args().First())
		if err != nil {
			return fmt.Errorf("call transfer: %w", err)
		}
		a := links.Action{Kind: links.Transfer, Number: to.Digits, PlatformCallID: leg.CallID}
		err = o.act(a, "leg "+leg.CallID+" → "+digitsOf(to), func() (string, error) {
			return "", o.client.TransferCall(c.Context, leg, dialled(to))
		})
		if err == nil {
			_, err = fmt.Fprintf(c.App.Writer, "leg %s is led on\n", printable.Quote(leg.CallID))
		}
		return err
	})
}

func dropLeg(c *cli.Context) error {
	if c.NArg() != 1 {
		return errors.New("call drop-leg: give a leg")
	}
	return withOperation(c, func(o operation) error {
		leg, err := o.leg(c.Args().First())
		if err != nil {
			return fmt.Errorf("call drop-leg: %w", err)
		}
		target := "leg " + leg.CallID
		if !c.Bool("yes") {
			fmt.Fprintf(c.App.ErrWriter, "This ends the leg %s, not the call: the operator goes on by its standard\nrouting, and the caller may ring somewhere else. What it does to a leg that talks\nis not documented. End the leg? Type yes: ", printable.Quote(leg.CallID))
			if answer, _ := bufio.NewReader(c.App.Reader).ReadString('\n'); strings.TrimSpace(answer) != "yes" {
				return errors.New("not confirmed: nothing was done (--yes does not ask)")
			}
		}
		err = o.act(links.Action{Kind: links.DropLeg, PlatformCallID: leg.CallID}, target, func() (string, error) {
			return "", o.client.TerminateCall(c.Context, leg)
		})
		if err == nil {
			_, err = fmt.Fprintf(c.App.Writer, "%s was dropped; the call may go on\n", target)
		}
		return err
	})
}

// leg finds a leg by its Call-ID, or the one that goes on of a call, and takes
// what the operator knows it by from its newest notification, as it came.
func (o operation) leg(said string) (mtt.Leg, error) {
	e, err := o.db.NewestEvent(o.c.Context, o.integration.name, said, o.cfg.decode)
	if errors.Is(err, warehouse.ErrNoLeg) {
		var id string
		if id, err = o.goingOn(said); err != nil {
			return mtt.Leg{}, err
		}
		e, err = o.db.NewestEvent(o.c.Context, o.integration.name, id, o.cfg.decode)
	}
	switch {
	case err != nil:
		return mtt.Leg{}, err
	case e.State == call.Finished:
		return mtt.Leg{}, fmt.Errorf("the leg %s is over", e.PlatformID)
	}
	return mtt.Leg{CallID: e.PlatformID, Tag: e.Tag, TransportID: e.TransportID}, nil
}

// goingOn is the Call-ID of the only leg of a call that is not over.
func (o operation) goingOn(said string) (string, error) {
	found, err := o.db.ShowCall(o.c.Context, said)
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(d warehouse.CallDetail) bool { return d.Record.Integration != o.integration.name })
	var ids, told []string
	for _, d := range found {
		for _, l := range d.Record.Legs {
			if !l.Finished {
				ids = append(ids, l.PlatformID)
				told = append(told, fmt.Sprintf("  %s  %s %s, %s", l.PlatformID, l.Kind, orDash(l.AccountID), map[bool]string{true: "talks", false: "rings"}[l.Answered]))
			}
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("there is no leg and no call %s", said)
	case len(ids) == 0:
		return "", fmt.Errorf("the call %s is over", said)
	case len(ids) > 1:
		return "", fmt.Errorf("%s legs of the call go on; name one:\n%s", strconv.Itoa(len(ids)), strings.Join(told, "\n"))
	}
	return ids[0], nil
}
