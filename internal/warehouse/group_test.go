package warehouse_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/warehouse"
)

func TestQuestionsWaitForCompanyWhileItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type round struct {
			At, Keys int // ms after the first question
		}
		var rounds []round
		began := time.Now()
		get := warehouse.NewGroup(func(_ context.Context, keys []int) (map[int]int, error) {
			rounds = append(rounds, round{int(time.Since(began).Milliseconds()), len(keys)})
			time.Sleep(5 * time.Millisecond)
			found := map[int]int{}
			for _, k := range keys {
				found[k] = -k
			}
			return found, nil
		})
		var asked sync.WaitGroup
		ask := func(key int) {
			asked.Go(func() {
				if v, ok, err := get(t.Context(), key); v != -key || !ok || err != nil {
					t.Errorf("%d: %d %v %v", key, v, ok, err)
				}
			})
		}
		at := func(ms, key int) {
			time.Sleep(time.Until(began.Add(time.Duration(ms) * time.Millisecond)))
			ask(key)
		}
		ask(1)
		at(1, 2)
		at(1, 3)
		at(6, 4)
		at(200, 5)
		at(201, 6)
		at(201, 7)
		for i := range 20 {
			at(211+20*i, 10+i)
		}
		asked.Wait()
		time.Sleep(time.Second) // it ends when nobody asks
		want := []round{
			{0, 1},
			{5, 2},  // as soon as the first was answered
			{60, 1}, // there had been company; then nobody came for 50 ms
			{200, 1},
			{205, 2},
			{455, 13}, // a quarter of a second after those
			{641, 7},  // 50 ms after the last
		}
		if diff := cmp.Diff(want, rounds); diff != "" {
			t.Error(diff)
		}
	})
}
