package call_test

import (
	"testing"
	"time"

	"fonoteka/internal/call"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestLinkDateReadsTheDayInThePath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		link string
		want time.Time
	}{
		{"https://openapi-stage.mtt.ru/records/15410/2020/06/24/A_B_C_D.mp3", day(2020, 6, 24)},
		{"https://openapi.mtt.ru/records/2019/01/01/2024/02/29/A.mp3?sign=x/2001/01/01/", day(2024, 2, 29)},
		{"http://127.0.0.1:8081/2025/12/31/a.mp3", day(2025, 12, 31)},
		{"https://openapi.mtt.ru/records/2023/02/29/A.mp3", time.Time{}},
		{"https://openapi.mtt.ru/records/2023/00/10/A.mp3", time.Time{}},
		{"https://openapi.mtt.ru/records/2023/13/10/A.mp3", time.Time{}},
		{"https://openapi.mtt.ru/records/1999/12/10/A.mp3", time.Time{}},
		{"https://openapi.mtt.ru/records/+023/1/1/A.mp3", time.Time{}},
		{"https://openapi.mtt.ru/records/2023/10/10", time.Time{}}, // a file's name is no day
		{"https://openapi.mtt.ru/a.mp3", time.Time{}},
		{"://", time.Time{}},
		{"", time.Time{}},
	} {
		got, ok := call.LinkDate(c.link)
		if ok != !c.want.IsZero() || ok && !got.Equal(c.want) {
			t.Errorf("LinkDate(%q) = %v, %v; want %v", c.link, got, ok, c.want)
		}
	}
}

func TestExpiryCountsFromTheEarlierOfAnnouncementAndLinkDate(t *testing.T) {
	t.Parallel()
	const life = 90 * 24 * time.Hour
	dated, undated := "https://mtt.ru/records/2020/06/24/A.mp3", "https://mtt.ru/A.mp3"
	noon := func(d time.Time) time.Time { return d.Add(12 * time.Hour) }
	for _, c := range []struct {
		name      string
		announced time.Time
		link      string
		want      time.Time
	}{
		{"announced on the day", noon(day(2020, 6, 24)), dated, day(2020, 9, 22)},
		{"announced years late", noon(day(2026, 1, 1)), dated, day(2020, 9, 22)},
		{"announced before the date, in a zone east of UTC", noon(day(2020, 6, 23)), dated, noon(day(2020, 9, 21))},
		{"no date", noon(day(2020, 6, 24)), undated, noon(day(2020, 9, 22))},
		{"not announced", time.Time{}, dated, day(2020, 9, 22)},
		{"nothing known", time.Time{}, undated, time.Time{}},
	} {
		if got := call.Expiry(c.announced, c.link, life); !got.Equal(c.want) {
			t.Errorf("%s: Expiry = %v, want %v", c.name, got, c.want)
		}
	}
}
