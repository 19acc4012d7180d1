package exports

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"fonoteka/internal/pack"
	"fonoteka/internal/warehouse"
)

// whose are all the words by which a person may be named whose account it was when the
// call began: the account itself, the workplace, the name.
func whose(account string) string {
	return "[toString(" + account + "), " + directory("workplace", account) + ", " + directory("employee", account) + "]"
}

func directory(word, account string) string {
	return "dictGet('directory_account', '" + word + "', (toString(integration), toString(" + account + ")), started_at)"
}

// where chooses calls. Who was a party: whose account it was, who called or was called
// inside, and whoever answered on a leg.
func where(c pack.Selection) warehouse.Where {
	var w warehouse.Where
	w.Add(c.Integration != "", "integration = ?", c.Integration)
	w.From("started_at", c.From.Time)
	w.To("started_at", c.To.Time)
	w.Add(len(c.Numbers) > 0, "hasAny(?, [client_number, toString(external_number), toString(caller), toString(caller_extension), toString(callee), toString(callee_extension)])", c.Numbers)
	party(&w, c, c.Employees,
		"hasAny(?, "+whose("account_id")+") OR hasAny(?, arrayPushBack("+whose("caller")+", toString(caller_name))) OR hasAny(?, arrayPushBack("+whose("callee")+", toString(callee_name)))",
		"hasAny(?, "+whose("account_id")+")")
	party(&w, c, c.Departments,
		"hasAny(?, ["+directory("department", "account_id")+", "+directory("department", "caller")+", "+directory("department", "callee")+"])",
		"has(?, "+directory("department", "account_id")+")")
	w.Add(c.Direction != "", "direction = ?", c.Direction)
	w.Add(c.Outcome != "", "outcome = ?", c.Outcome)
	w.Add(len(c.IDs) > 0, `(toString(call_id) IN (SELECT id FROM named) OR platform_call_id IN (SELECT id FROM named)
		OR (integration, group_id) IN (SELECT integration, group_id FROM recordings WHERE recording_id IN (SELECT id FROM named))
		OR (integration, group_id) IN (SELECT integration, group_id FROM recording_calls WHERE lower(hex(recording_id)) IN (SELECT id FROM named)))`)
	return w
}

// party adds that somebody of a list was a party of the call, or answered on a leg of it.
func party(w *warehouse.Where, c pack.Selection, list []string, ofCall, ofLeg string) {
	if len(list) == 0 {
		return
	}
	var legs warehouse.Where
	legs.From("started_at", c.From.Time)
	legs.To("started_at", c.To.Time)
	legs.Add(true, "answered")
	legs.Add(true, ofLeg, list)
	var args []any
	for range strings.Count(ofCall, "?") {
		args = append(args, list)
	}
	w.Add(true, "("+ofCall+" OR (started_at, integration, call_id) IN (SELECT started_at, integration, call_id FROM legs FINAL"+legs.SQL()+"))", append(args, legs.Args...)...)
}

// spelt are the ways in which an id that a person gives may stand in the table: a Call-ID
// comes with the suffix of its leg.
func spelt(id string) string {
	id, _, _ = strings.Cut(strings.TrimSpace(id), "~")
	return id
}

// withNamed sends the ids that were asked for as the external table named.
func withNamed(ctx context.Context, ids []string) (context.Context, error) {
	return warehouse.WithTable(ctx, "named", warehouse.Fields{{"id", "String"}}, len(ids), func(i int) []any { return []any{spelt(ids[i])} })
}

// SQL is a selection as a query that a person can read, and ask the warehouse with.
func SQL(c pack.Selection) string {
	w := where(c)
	text := "SELECT started_at, integration, call_id, version\nFROM calls FINAL" + filled(w.SQL(), w.Args) + "\nORDER BY started_at, integration, call_id\n"
	if len(c.IDs) > 0 {
		ids := make([]string, len(c.IDs))
		for i, id := range c.IDs {
			ids[i] = spelt(id)
		}
		text = "WITH named AS (SELECT arrayJoin(" + literal(ids) + ") AS id)\n" + text
	}
	return text
}

// filled puts literals in the places of arguments; conditions have no other question marks.
func filled(sql string, args []any) string {
	var b strings.Builder
	for _, arg := range args {
		before, after, _ := strings.Cut(sql, "?")
		b.WriteString(before + literal(arg))
		sql = after
	}
	return b.String() + sql
}

func literal(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(v) + "'"
	case int64:
		return strconv.FormatInt(v, 10)
	case []string:
		all := make([]string, len(v))
		for i, s := range v {
			all[i] = literal(s)
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	panic(fmt.Sprintf("an argument of %T", v)) // where adds no others
}

// Unknown are the employees and departments of a choice that the directory has never known:
// most likely they are misspelt.
func (db *DB) Unknown(ctx context.Context, c pack.Selection) (employees, departments []string, err error) {
	err = db.Do(ctx, "look names up in the directory", warehouse.ReadTimeout, func(ctx context.Context) error {
		err := db.QueryRow(ctx, `SELECT arrayFilter(word -> word != '' AND NOT has((SELECT groupUniqArrayArray([toString(account), workplace, employee, name]) FROM directory_account), word)
			AND NOT has((SELECT groupUniqArrayArray([toString(account_id), toString(caller_name), toString(callee_name)]) FROM calls), word), ?)`, orNone(c.Employees)).Scan(&employees)
		if err != nil {
			return err
		}
		return db.QueryRow(ctx, "SELECT arrayFilter(word -> word != '' AND NOT has((SELECT groupUniqArray(department) FROM directory_account), word), ?)", orNone(c.Departments)).Scan(&departments)
	})
	return employees, departments, err
}

// orNone is a list as an argument: an empty one would have no type.
func orNone(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}
