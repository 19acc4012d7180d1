package token

import "context"

// Once does what Run does at its start, and each time it wakes.
func (k *Keeper) Once(ctx context.Context) { k.renewDue(ctx) }
