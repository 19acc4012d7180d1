package installation

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

// remembered is the name in the vault of what is known of the audit.
const remembered = "audit"

// vaultMemory is the audit's memory in the vault of a data folder, which is opened
// when it is first needed.
type vaultMemory struct {
	open func() (*state.Vault, error)
}

// Memory is what the audit and the seals of the custody remember, in the vault.
func Memory(cfg *settings.Config) audit.Memory {
	return vaultMemory{sync.OnceValues(func() (*state.Vault, error) { return state.OpenVault(cfg.Data, cfg.Key) })}
}

// Recall finds nothing where there is no data folder.
func (v vaultMemory) Recall() (m audit.Remembered, err error) {
	vault, err := v.open()
	if err == nil {
		err = vault.Load(remembered, &m)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return audit.Remembered{}, nil
	}
	return m, err
}

func (v vaultMemory) Remember(ctx context.Context, change func(*audit.Remembered)) (err error) {
	vault, err := v.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	release, err := vault.Lock(ctx, remembered)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	before, err := v.Recall()
	if err != nil {
		return err
	}
	after := before
	if change(&after); after == before {
		return nil
	}
	return vault.Save(remembered, after)
}

// custodySealed is the newest day whose custody is sealed; zero where none is known.
func custodySealed(cfg *settings.Config) func() time.Time {
	memory := Memory(cfg)
	return func() time.Time {
		m, err := memory.Recall()
		if err != nil || m.Sealed == "" {
			return time.Time{}
		}
		day, _ := time.Parse(time.DateOnly, m.Sealed)
		return day
	}
}
