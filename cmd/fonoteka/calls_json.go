package main

import (
	"slices"

	"fonoteka/internal/call"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

// The JSON of a call: the names and units of the warehouse's columns.

type callJSON struct {
	Integration    string `json:"integration"`
	CallID         uint64 `json:"call_id,string"`
	PlatformCallID string `json:"platform_call_id"`
	Direction      string `json:"direction"`
	Outcome        string `json:"outcome"`
	ClientNumber   string `json:"client_number"`
	ExternalNumber string `json:"external_number"`
	AccountID      string `json:"account_id"`
	Employee       string `json:"employee"` // who had the account when the call began; empty: not known
	Department     string `json:"department"`
	membersJSON
	HungUp      string   `json:"hung_up"`
	StartedAt   *string  `json:"started_at"`
	LocalTime   *string  `json:"local_time"` // started_at by the integration's clock
	AnsweredAt  *string  `json:"answered_at"`
	EndedAt     *string  `json:"ended_at"`
	RingMS      *int64   `json:"ring_ms"`
	WaitMS      *int64   `json:"wait_ms"`
	TalkMS      int64    `json:"talk_ms"`
	AttendantMS int64    `json:"attendant_ms"`
	Transfers   int      `json:"transfers"`
	Recordings  []string `json:"recordings"`
	Partial     bool     `json:"partial"`
}

// membersJSON are the two sides of an internal call; empty in any other.
type membersJSON struct {
	Caller          string `json:"caller"`
	CallerExtension string `json:"caller_extension"`
	CallerName      string `json:"caller_name"`
	Callee          string `json:"callee"`
	CalleeExtension string `json:"callee_extension"`
	CalleeName      string `json:"callee_name"`
}

func toMembers(caller, callee call.Member) membersJSON {
	return membersJSON{caller.AccountID, caller.Extension, caller.Name, callee.AccountID, callee.Extension, callee.Name}
}

func toJSON(r call.Record, around surroundings) callJSON {
	who := around.person(r.Integration, r.AccountID, r.StartedAt)
	return callJSON{
		Integration: r.Integration, CallID: r.CallID, PlatformCallID: r.PlatformCallID,
		Direction: string(r.Direction), Outcome: string(r.Outcome),
		ClientNumber: r.ClientNumber.Digits, ExternalNumber: r.ExternalNumber.Digits, AccountID: r.AccountID, HungUp: string(r.HungUp),
		Employee: who.Employee, Department: who.Department, LocalTime: around.isoLocal(r.Integration, r.StartedAt),
		membersJSON: toMembers(r.Caller, r.Callee), AttendantMS: r.Attendant.Milliseconds(),
		StartedAt: isoTime(r.StartedAt), AnsweredAt: isoTime(r.AnsweredAt), EndedAt: isoTime(r.EndedAt),
		RingMS: millis(r.Ring, r.RingKnown), WaitMS: millis(r.Wait, r.WaitKnown), TalkMS: r.Talk.Milliseconds(),
		Transfers: r.Transfers, Recordings: append([]string{}, r.Recordings...), Partial: r.Partial,
	}
}

type legJSON struct {
	LegID         uint64 `json:"leg_id,string"`
	PlatformLegID string `json:"platform_leg_id"`
	Kind          string `json:"kind"`
	AccountID     string `json:"account_id"`
	membersJSON
	StartedAt  *string `json:"leg_started_at"`
	AnsweredAt *string `json:"leg_answered_at"`
	EndedAt    *string `json:"leg_ended_at"`
	RingMS     *int64  `json:"ring_ms"`
	TalkMS     int64   `json:"talk_ms"`
	Answered   bool    `json:"answered"`
	Finished   bool    `json:"finished"`
	Reason     string  `json:"reason"`
}

type callDetailJSON struct {
	callJSON
	Events        int             `json:"events"`
	TalkAtLeastMS *int64          `json:"talk_at_least_ms"` // null: the end is known, or no one recording tells
	Legs          []legJSON       `json:"legs"`
	Files         []recordingJSON `json:"recording_rows"`
	Links         []linkJSON      `json:"links"`
}

// linkJSON is a pair: call_id is the earlier call, linked_call_id the later one,
// "0" in one of kind own.
type linkJSON struct {
	Kind         string `json:"kind"`
	CallID       uint64 `json:"call_id,string"`
	LinkedCallID uint64 `json:"linked_call_id,string"`
	ActionID     string `json:"action_id"`
	Confidence   string `json:"confidence"`
	Evidence     string `json:"evidence"`
}

func detailJSON(d calls.Detail, around surroundings) callDetailJSON {
	out := callDetailJSON{callJSON: toJSON(d.Record, around), Events: int(d.Events), Legs: []legJSON{}, Files: []recordingJSON{}, Links: []linkJSON{}}
	least := talkAtLeast(d)
	out.TalkAtLeastMS = millis(least, least > 0)
	for _, l := range d.Links {
		out.Links = append(out.Links, linkJSON{string(l.Kind), l.From.CallID, l.To.CallID, l.ActionID, string(l.Confidence), l.Evidence})
	}
	for _, l := range d.Record.Legs {
		out.Legs = append(out.Legs, legJSON{
			LegID: l.ID, PlatformLegID: l.PlatformID, Kind: string(l.Kind), AccountID: l.AccountID, membersJSON: toMembers(l.Caller, l.Callee),
			StartedAt: isoTime(l.StartedAt), AnsweredAt: isoTime(l.AnsweredAt), EndedAt: isoTime(l.EndedAt),
			RingMS: millis(l.Ring, l.RingKnown), TalkMS: l.Talk.Milliseconds(), Answered: l.Answered, Finished: l.Finished, Reason: l.Reason,
		})
	}
	for _, s := range d.Recordings {
		out.Files = append(out.Files, toRecordingJSON(catalogue.Row{RecordingStatus: s, CallKnown: true}, around))
	}
	return out
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
