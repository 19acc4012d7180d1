package hours_test

import (
	"strings"
	"testing"
	"time"

	"fonoteka/internal/hours"
)

// Each moment is of 2026-03, whose 2nd is a Monday.
func TestMomentsLieInTheirHours(t *testing.T) {
	t.Parallel()
	moscow := time.FixedZone("MSK", 3*3600)
	at := func(day, hour, minute, second int, zone *time.Location) time.Time {
		return time.Date(2026, 3, day, hour, minute, second, 0, zone)
	}
	for _, c := range []struct {
		hours string
		at    time.Time
		want  bool
	}{
		{"Mon-Fri 09:00-18:00 Europe/Moscow", at(2, 9, 0, 0, moscow), true},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", at(2, 8, 59, 59, moscow), false},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", at(2, 18, 0, 0, moscow), false},
		{"Mon-Fri 09:00-18:00 Europe/Moscow", at(7, 12, 0, 0, moscow), false},
		{"Mon-Fri 09:00-18:00", at(2, 17, 0, 0, moscow), true}, // 14:00 UTC
		{"Mon-Fri 9:00-18:00", at(2, 9, 0, 0, time.UTC), true},
		{"Mon-Thu 09:00-18:00, Fri 09:00-16:45", at(6, 16, 44, 59, time.UTC), true},
		{"Mon-Thu 09:00-18:00, Fri 09:00-16:45", at(6, 16, 45, 0, time.UTC), false},
		{"Mon-Thu 09:00-18:00, Fri 09:00-16:45", at(5, 16, 45, 0, time.UTC), true},
		{"Mon-Thu 09:00-18:00,Fri 09:00-16:45 Europe/Moscow", at(6, 16, 30, 0, moscow), true},
		{"Mon 09:00-12:00, Mon 13:00-18:00", at(2, 12, 30, 0, time.UTC), false},
		{"Mon 09:00-12:00, Mon 13:00-18:00", at(2, 13, 30, 0, time.UTC), true},
		{"Mon-Thu,Sat 22:00-06:00 Asia/Omsk", at(7, 17, 0, 0, time.UTC), true}, // Saturday, 23:00 in Omsk
		{"Mon-Thu, Sat 22:00-06:00 Asia/Omsk", at(8, 0, 0, 0, time.UTC), false},
		{"Mon-Thu , Sat 22:00-06:00 Asia/Omsk", at(7, 23, 59, 59, time.UTC), true}, // Sunday, 05:59:59 there
		{"mon,WED-thu 00:00-24:00 UTC", at(4, 23, 59, 59, time.UTC), true},
		{"mon,WED-thu 00:00-24:00 UTC", at(3, 12, 0, 0, time.UTC), false},
		{"Fri 22:00-06:00", at(7, 5, 0, 0, time.UTC), true}, // Friday's night
		{"Fri 22:00-06:00", at(6, 5, 0, 0, time.UTC), false},
		{"Fri 24:00-06:00", at(7, 5, 0, 0, time.UTC), true},
		{"Fri 22:00-00:00", at(6, 23, 0, 0, time.UTC), true},
		{"Sat-Mon 10:00-11:00", at(8, 10, 30, 0, time.UTC), true},
		{"Sat-Mon 10:00-11:00", at(10, 10, 30, 0, time.UTC), false},
		{"Mon,Mon 10:00-11:00", at(9, 10, 30, 0, time.UTC), true},
		{"Sun 02:00-04:00 Europe/Berlin", at(29, 1, 30, 0, time.UTC), true}, // 03:30, the clock has just sprung
	} {
		h, err := hours.Parse(c.hours, time.UTC)
		if err != nil || h.Contain(c.at) != c.want {
			t.Errorf("%s at %v: %v, %v; want %v", c.hours, c.at, h.Contain(c.at), err, c.want)
		}
	}
	if (hours.Hours{}).Contain(time.Now()) {
		t.Error("no hours contain a moment")
	}
}

func TestWhatIsNoHoursIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", ",", "Mon", "Mon,", "Mon 9-18", "9-18", "Mon-Fri 09:00", "Mon 09:00-25:00", "Mon 24:01-25:00", "Mon 09:60-10:00", "Mon 09:00-09:00", "Mon 00:00-00:00", "Mon 24:00-00:00", "Mon 24:00-24:00",
		"Mon 09:0-10:00", "Mon 009:00-10:00", "Mon +9:00-10:00", "Foo 09:00-10:00", "Mon-Foo 09:00-10:00", "Mon- 09:00-10:00", "Monday 09:00-10:00",
		"Mon 09:00-10:00 Mars/Olympus", "Mon 09:00-10:00 UTC x", "Mon 09:00-10:00 UTC, Tue 09:00-10:00", "Mon 09:00-10:00, UTC", "Mon 09:00-10:00,,Tue 09:00-10:00", "Mon 09:00-10:00-11:00",
	} {
		if h, err := hours.Parse(s, time.UTC); err == nil {
			t.Errorf("%q is %+v", s, h)
		}
		if from, to, err := hours.ParseWeek(s); err == nil {
			t.Errorf("%q is %v to %v", s, from, to)
		}
	}
}

// A week has one span a day.
func TestWorkingHoursAreRead(t *testing.T) {
	t.Parallel()
	from, to, err := hours.ParseWeek("Mon-Thu 09:00-18:00, fri 09:30-16:45,Sun 00:00-24:00")
	if err != nil || from[3] != 9*time.Hour || to[3] != 18*time.Hour || from[4] != 9*time.Hour+30*time.Minute ||
		to[4] != 16*time.Hour+45*time.Minute || to[5] != 0 || to[6] != 24*time.Hour {
		t.Errorf("from %v to %v, %v", from, to, err)
	}
	if from, to, err = hours.ParseWeek("Sat-Mon,Wed 8:00-9:30"); err != nil || to != [7]time.Duration{0: to[0], 2: to[0], 5: to[0], 6: to[0]} || from[0] != 8*time.Hour || to[0] != 9*time.Hour+30*time.Minute {
		t.Errorf("from %v to %v, %v", from, to, err)
	}
	for s, says := range map[string]string{
		"Mon-Fri 09:00-18:00, Wed 10:00-11:00": "Wed is named twice",
		"Mon 18:00-09:00":                      "18:00-09:00: these hours must end on the day that they begin on",
		"Mon 22:00-00:00":                      "on the day that they begin on",
		"Mon 09:00-18:00 Asia/Omsk":            `"Asia/Omsk": the zone of these hours is a setting of its own`,
	} {
		if from, to, err := hours.ParseWeek(s); err == nil || !strings.Contains(err.Error(), says) || from != [7]time.Duration{} || to != [7]time.Duration{} {
			t.Errorf("%q: %v to %v, %v; want an error with %q", s, from, to, err, says)
		}
	}
}

// FuzzParse: what is read as hours contains some minute of a week and, if each day has
// one span, those minutes that the span says.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"Mon-Fri 09:00-18:00", "Mon-Thu 09:00-18:00, Fri 09:00-16:45", "Mon-Thu,Sat 22:00-06:00 Asia/Omsk", "sat-mon 24:00-0:01", "Mon,Mon 00:00-24:00 UTC", "Mon 22:00-00:00", ",", "Mon 1:00-2:00 ../x"} {
		f.Add(s)
	}
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		h, err := hours.Parse(s, time.UTC)
		from, to, errWeek := hours.ParseWeek(s)
		if err != nil {
			if errWeek == nil {
				t.Fatalf("%q is a week, but no hours: %v", s, err)
			}
			return
		}
		some := false
		for minute := range 7 * 24 * 60 {
			in := h.Contain(monday.Add(time.Duration(minute) * time.Minute))
			some = some || in
			day, clock := minute/(24*60), time.Duration(minute%(24*60))*time.Minute
			if errWeek == nil && in != (clock >= from[day] && clock < to[day]) {
				t.Fatalf("%q on day %d at %v: %v, the week says %v to %v", s, day, clock, in, from[day], to[day])
			}
		}
		if !some {
			t.Fatalf("%q contains no minute", s)
		}
	})
}
