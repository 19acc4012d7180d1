package warehouse

import "time"

// Times as the tables hold them. The zero time is 1970 in a column that is not
// nullable: no call and no recording of this platform is that old.

// ToMilli is a time for a column DateTime64(3): clamped, and 1970 for the zero time.
func ToMilli(t time.Time) time.Time {
	if t.IsZero() {
		return time.UnixMilli(0).UTC()
	}
	return ClampTime(t)
}

// FromMilli is the time that ToMilli made such a column of.
func FromMilli(t time.Time) time.Time {
	if t.UnixMilli() == 0 {
		return time.Time{}
	}
	return t.UTC()
}

// ToNullable is a time for a column Nullable(DateTime64(3)): NULL for the zero time.
func ToNullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = ClampTime(t)
	return &t
}

// FromNullable is the time that ToNullable made such a column of.
func FromNullable(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// The years that DateTime64 and its partitions surely hold. Callers have
// narrower rules of their own for what they believe.
var (
	minTime = time.Date(1970, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC)
	maxTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// ClampTime is a time in UTC, in whole milliseconds from 1970 to 2200.
func ClampTime(t time.Time) time.Time {
	t = time.UnixMilli(t.UnixMilli()).UTC() // down to whole milliseconds
	if t.Before(minTime) {
		return minTime
	}
	if t.After(maxTime) {
		return maxTime
	}
	return t
}

// ToMS is a duration in whole milliseconds, from 0 to 49 days.
func ToMS(d time.Duration) uint32 {
	return uint32(min(max(d.Milliseconds(), 0), 1<<32-1))
}

// FromMS is the duration of so many milliseconds.
func FromMS(ms uint32) time.Duration { return time.Duration(ms) * time.Millisecond }

// ToNullableMS is ToMS, and NULL for a duration that is not known.
func ToNullableMS(d time.Duration, known bool) *uint32 {
	if !known {
		return nil
	}
	ms := ToMS(d)
	return &ms
}

// FromNullableMS is the duration that ToNullableMS made a column of, and whether it is known.
func FromNullableMS(ms *uint32) (time.Duration, bool) {
	if ms == nil {
		return 0, false
	}
	return FromMS(*ms), true
}

// ClampUint16 is the nearest number that a column UInt16 holds.
func ClampUint16(n int) uint16 { return uint16(min(max(n, 0), 1<<16-1)) }

// ClampUint32 is the nearest number that a column UInt32 holds.
func ClampUint32(n int) uint32 { return uint32(min(max(n, 0), 1<<32-1)) }

// ClampUint64 is the nearest number that a column UInt64 holds.
func ClampUint64(n int64) uint64 { return uint64(max(n, 0)) }

// Deleted is the value of a column is_deleted.
func Deleted(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
