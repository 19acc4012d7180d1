package daemon

import (
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fonoteka/internal/archive"
	"fonoteka/internal/fetch"
	"fonoteka/internal/queue"
	"fonoteka/internal/settings"
	"fonoteka/internal/warehouse/catalogue"
)

// JobsPerWorker makes many more jobs than downloads: most of them wait for the
// catalogue, in groups. With fewer, places for downloads stand empty; with more, a
// job's end costs more.
const JobsPerWorker = 32

func (p *pipeline) newArchive(cfg *settings.Config, redisURL string, dialRedis queue.Dialer, reg prometheus.Registerer) error {
	tokenHosts, err := cfg.TokenHosts()
	if err != nil {
		return err
	}
	p.fetcher, err = fetch.New(fetch.Options{
		Token: p.access.Bearer, TokenHosts: tokenHosts,
		Hosts: cfg.RecordHosts, TempDir: filepath.Join(cfg.Data, "downloads"), MaxSize: cfg.Download.MaxSize,
		PerHostDownloads: cfg.Download.PerHost, PerHostRate: cfg.Download.Rate, Bandwidth: cfg.Download.Bandwidth,
	})
	if err != nil {
		return err
	}
	archiver, err := archive.New(archive.Options{
		Catalogue: p.catalogue, TalkOf: p.catalogue.Talk, Parallel: cfg.Workers, Store: p.blob, Bucket: p.blob.Name(), Queue: p.queue, Fetcher: p.fetcher, Refresh: p.access.Refused,
		Log: p.log, Registerer: reg,
	})
	if err != nil {
		return err
	}
	if p.scrub, err = newScrub(cfg, p, reg); err != nil {
		return err
	}
	p.planner, err = archive.NewPlanner(archive.PlannerOptions{Due: catalogue.New(p.warehouse), Reconcile: catalogue.New(p.warehouse).MendOpenRecordings, Queue: p.queue, Depth: p.queue.Depth, Hosts: cfg.RecordHosts, Log: p.log, Registerer: reg})
	if err != nil {
		return err
	}
	p.workers, err = queue.NewServer(queue.ServerOptions{URL: redisURL, Dial: dialRedis, Handler: archiver.Handle, Concurrency: JobsPerWorker * cfg.Workers, Log: p.log, Registerer: reg})
	return err
}

// archiveJobs makes sure of the bucket and then works off the queue.
func (p *pipeline) archiveJobs(ctx context.Context) error {
	p.ready.insist(ctx, "make sure of the bucket", time.Minute, &p.ready.bucketFault, p.ensureBucket)
	if ctx.Err() != nil {
		return nil
	}
	p.ready.bucket.Store(true)
	return p.workers.Run(ctx)
}

func (p *pipeline) plan(ctx context.Context) error {
	p.ready.awaitTables(ctx)
	return p.planner.Run(ctx)
}
