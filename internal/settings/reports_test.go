package settings

import (
	"testing"
	"time"
)

func TestWorkingHoursAreRead(t *testing.T) {
	t.Parallel()
	from, to, err := parseWorkingHours("Mon-Thu 09:00-18:00, fri 09:30-16:45,Sun 00:00-24:00")
	if err != nil || from[3] != 9*time.Hour || to[3] != 18*time.Hour || from[4] != 9*time.Hour+30*time.Minute ||
		to[4] != 16*time.Hour+45*time.Minute || to[5] != 0 || to[6] != 24*time.Hour {
		t.Errorf("from %v to %v, %v", from, to, err)
	}
	for _, bad := range []string{"", "9-18", "Fri-Mon 09:00-18:00", "Mon 18:00-09:00", "Mon 09:00-25:00", "Mon-Fri 09:00-18:00, Wed 10:00-11:00", "Foo 09:00-18:00"} {
		if _, _, err := parseWorkingHours(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
