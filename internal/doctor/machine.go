package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sys/unix"
)

// maxSkew is how far our clock may be off: notifications bear whole seconds,
// and S3 refuses requests from 15 minutes on.
const maxSkew = 30 * time.Second

// Clock compares this machine's clock with the date that another server says,
// such as the operator's. Where that one is not there, the kernel's word counts.
func Clock(ctx context.Context, server string) Finding {
	const check = "clock"
	const do = "let NTP keep the time of this machine (timedatectl set-ntp true)"
	off, err := skew(ctx, server)
	switch {
	case err != nil && synchronised():
		return yes(check, "the kernel says that the clock is synchronised; the operator's could not be asked")
	case err != nil:
		f := look(check, "nobody could be asked for the time, and the kernel says that its clock is not synchronised", do)
		f.Detail = err.Error()
		return f
	case off.Abs() > maxSkew:
		return no(check, fmt.Sprintf("this machine's clock differs from the operator's by %s", off.Round(time.Second)), do, nil)
	}
	return yes(check, "this machine's clock agrees with the operator's")
}

// skew is how much later the server's clock is, to a second.
func skew(ctx context.Context, server string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, server, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("ask %s for the time: %w", server, err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	before := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		if u, ok := err.(*url.Error); ok { //nolint:errorlint // Client.Do always returns this type
			err = u.Err
		}
		return 0, fmt.Errorf("ask %s for the time: %w", server, err)
	}
	resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("%s says no time: %w", server, err)
	}
	// The header is cut to whole seconds: half of one is added.
	middle := before.Add(time.Since(before) / 2)
	return date.Add(500 * time.Millisecond).Sub(middle), nil
}

func synchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR
}

// Disk looks at the space of the file system that dir is on. Below reserve
// nothing is accepted any more; below ten times that it is time to act.
func Disk(dir string, reserve uint64) Finding {
	const check = "disk"
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return no(check, "the data folder's file system cannot be asked for its space", "does --data name the right folder?", err)
	}
	free := s.Bavail * uint64(s.Bsize)
	means := fmt.Sprintf("%s of %s are free in the data folder's file system", size(free), size(s.Blocks*uint64(s.Bsize)))
	const do = "free space or enlarge the disk; what has been archived to a store elsewhere needs none here"
	switch {
	case free <= reserve:
		return no(check, means+", which is the reserve: notifications are refused", do, nil)
	case free < 10*reserve:
		return look(check, means+"; at "+size(reserve)+" notifications are refused", do)
	case s.Files > 0 && s.Ffree < s.Files/50:
		return look(check, means+", but less than 2 % of its inodes", do)
	}
	return yes(check, means)
}

func size(n uint64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
