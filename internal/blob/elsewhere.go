package blob

// In is another bucket of the same store, for reading what an earlier
// configuration put there. Close of either drops the idle connections of both.
func (b *Bucket) In(name string) *Bucket {
	if name == "" || name == b.where.Bucket {
		return b
	}
	where := b.where
	where.Bucket = name
	return &Bucket{client: b.client, where: where, http: b.http, log: b.log, m: b.m, retention: b.retention, under: b.under, encryption: b.encryption}
}
