package settings

import (
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"fonoteka/internal/fetch"
	"fonoteka/internal/hours"
)

// fileDownload is the section "download" of the YAML file.
type fileDownload struct {
	PerHostConnections    string `yaml:"per_host_connections"`
	PerHostRate           string `yaml:"per_host_rate"`
	Bandwidth             string `yaml:"bandwidth"`
	BandwidthWorkingHours string `yaml:"bandwidth_working_hours"`
	WorkingHours          string `yaml:"working_hours"`
	MaxRecordingSize      string `yaml:"max_recording_size"`
}

// Download bounds what recordings take of the line and of the operator's servers.
type Download struct {
	PerHost   int     // downloads at once; 0: no limit
	Rate      float64 // requests a second to one server; 0: no limit
	Bandwidth fetch.Bandwidth
	MaxSize   int64 // of a recording, bytes
}

func downloadFlags() []cli.Flag {
	return []cli.Flag{
		Text("per-host-connections", "0", "`N` downloads at once from one server; 0: as many as there are workers"),
		Text("per-host-rate", "0", "`N` requests a second to one server; 0: no limit"),
		Text("bandwidth", "", "`RATE` of all downloads together, such as 20MB/s; empty: no limit"),
		Text("bandwidth-working-hours", "", "`RATE` within the working hours, such as 2MB/s; empty: no other one"),
		Text("working-hours", "Mon-Fri 09:00-18:00", "`HOURS`, by the clock of --report-timezone if no zone is named: Mon-Thu,Sat 09:00-18:00 Asia/Omsk"),
		Text("max-recording-size", "1GiB", "a recording above this `SIZE` is refused, 1MiB or more; when it is raised, serve tries again what was refused"),
	}
}

// downloads reads the limits. Every mistake is reported with its flag. zone is the
// company's.
func downloads(f fileDownload, zone *time.Location, pick func(flag, fromFile string) string, p *problems) Download {
	var d Download
	var err error
	perHost := pick("per-host-connections", f.PerHostConnections)
	if d.PerHost, err = strconv.Atoi(perHost); err != nil || d.PerHost < 0 || d.PerHost > 1000 {
		p.setting("per-host-connections", "%q is not a number from 0 to 1000", perHost)
	}
	rate := pick("per-host-rate", f.PerHostRate)
	if d.Rate, err = strconv.ParseFloat(rate, 64); err != nil || !(d.Rate >= 0 && d.Rate <= 1e6) {
		p.setting("per-host-rate", "%q is not a number of requests a second", rate)
	}
	for _, b := range []struct {
		flag, fromFile string
		into           *int64
	}{{"bandwidth", f.Bandwidth, &d.Bandwidth.Limit}, {"bandwidth-working-hours", f.BandwidthWorkingHours, &d.Bandwidth.Working}} {
		if said := pick(b.flag, b.fromFile); said != "" {
			if *b.into, err = fetch.ParseRate(said); err != nil {
				p.setting(b.flag, "%w", err)
			}
		}
	}
	if d.Bandwidth.Hours, err = hours.Parse(pick("working-hours", f.WorkingHours), zone); err != nil {
		p.setting("working-hours", "%w", err)
	}
	size := pick("max-recording-size", f.MaxRecordingSize)
	if d.MaxSize, err = fetch.ParseSize(size); err != nil || d.MaxSize < 1<<20 {
		p.setting("max-recording-size", "%q is not a size such as 1GiB, 1MiB or more", size)
	}
	return d
}
