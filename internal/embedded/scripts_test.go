package embedded_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"fonoteka/internal/embedded"
)

// work lets asynq do n tasks in a Redis.
func work(t *testing.T, c *redis.Client, n int) {
	t.Helper()
	client, inspector := asynq.NewClientFromRedisClient(c), asynq.NewInspectorFromRedisClient(c)
	for i := range n {
		at := time.Now()
		if i == 0 { // one is planned for later
			at = at.Add(time.Second)
		}
		for range 2 {
			_, err := client.Enqueue(asynq.NewTask("test", nil), asynq.TaskID(fmt.Sprint(i)), asynq.ProcessAt(at))
			if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
				t.Fatal(err)
			}
		}
		if _, err := inspector.GetTaskInfo("default", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	var handled sync.WaitGroup
	handled.Add(n)
	srv := asynq.NewServerFromRedisClient(c, asynq.Config{Concurrency: 4, LogLevel: asynq.FatalLevel, TaskCheckInterval: 10 * time.Millisecond, DelayedTaskCheckInterval: 10 * time.Millisecond})
	if err := srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { handled.Done(); return nil })); err != nil {
		t.Fatal(err)
	}
	handled.Wait()
	srv.Shutdown()
}

func TestATaskOfAsynqNeedsNoLua(t *testing.T) {
	t.Parallel()
	r, c := startRedis(t)
	const n = 100
	work(t, c, n)
	info, err := asynq.NewInspectorFromRedisClient(c).GetQueueInfo("default")
	if err != nil || info.ProcessedTotal != n || info.Size != 0 {
		t.Errorf("after %d tasks: %+v (%v)", n, info, err)
	}
	if lua := r.LuaScripts(); lua > n/2 {
		t.Errorf("%d scripts were left to Lua: has asynq changed one?", lua)
	}
}

// Each script is run here and by Lua on the same data, with the same arguments.
func TestScriptsDoWhatTheyDoInLua(t *testing.T) {
	t.Parallel()
	r, c := startRedis(t)
	plain := miniredis.RunT(t)
	sources := map[string]string{}
	plain.Server().SetPreHook(func(_ *server.Peer, cmd string, args ...string) bool {
		if cmd == "EVAL" {
			sum := sha1.Sum([]byte(args[0]))
			sources[hex.EncodeToString(sum[:])] = args[0]
		}
		return false
	})
	lua := redis.NewClient(&redis.Options{Addr: plain.Addr()})
	defer lua.Close()
	work(t, lua, 2)
	plain.Server().SetPreHook(nil)

	key := func(name string) string { return "asynq:{default}:" + name }
	now := time.Now().Unix()
	calls := map[string]func(id string) (keys []string, args []any){
		embedded.EnqueueScript: func(id string) ([]string, []any) {
			return []string{key("t:" + id), key("pending")}, []any{"message " + id, id, 17}
		},
		embedded.DequeueScript: func(string) ([]string, []any) {
			return []string{key("pending"), key("paused"), key("active"), key("lease")}, []any{now + 30, key("t:")}
		},
		embedded.DoneScript: func(id string) ([]string, []any) {
			return []string{key("active"), key("lease"), key("t:" + id), key("processed:2026-11-23"), key("processed")}, []any{id, now + 1000, 5}
		},
		embedded.ForwardScript: func(string) ([]string, []any) {
			return []string{key("scheduled"), key("pending")}, []any{now, key("t:"), 18, key("g:")}
		},
		embedded.InfoScript: func(id string) ([]string, []any) {
			return []string{key("t:" + id)}, []any{id, now, key("")}
		},
	}
	var names []string
	for sha := range calls {
		if sources[sha] == "" {
			t.Fatalf("asynq has no script %s", sha)
		}
		names = append(names, sha)
	}
	rapid.Check(t, func(rt *rapid.T) {
		plain.FlushAll()
		c.FlushAll(t.Context())
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "id")
			if side := rapid.IntRange(0, 9).Draw(rt, "beside"); side < 2 { // something else happens
				for _, db := range []*redis.Client{c, lua} {
					pipe := db.Pipeline()
					if side == 0 {
						pipe.ZAdd(t.Context(), key("scheduled"), redis.Z{Score: float64(now - 1), Member: id})
					} else {
						pipe.SetNX(t.Context(), key("paused"), 1, time.Minute)
						pipe.Del(t.Context(), key("t:"+id))
					}
					_, _ = pipe.Exec(t.Context())
				}
			}
			sha := rapid.SampledFrom(names).Draw(rt, "script")
			keys, args := calls[sha](id)
			want, wantErr := lua.Eval(t.Context(), sources[sha], keys, args...).Result()
			got, err := redis.NewScript(sources[sha]).Run(t.Context(), c, keys, args...).Result()
			if diff := cmp.Diff(fmt.Sprint(want, wantErr), fmt.Sprint(got, err)); diff != "" {
				rt.Fatalf("answer of %s (-lua +here):\n%s", sha, diff)
			}
			if diff := cmp.Diff(plain.Dump(), r.Dump()); diff != "" {
				rt.Fatalf("data after %s (-lua +here):\n%s", sha, diff)
			}
		}
	})
}

func TestScriptsAskForThePassword(t *testing.T) {
	t.Parallel()
	r, _ := startRedis(t)
	c := redis.NewClient(&redis.Options{Addr: r.Addr()})
	defer c.Close()
	err := c.EvalSha(t.Context(), embedded.DequeueScript, []string{"a", "b", "c", "d"}, 1, "t:").Err()
	if err == nil || errors.Is(err, redis.Nil) {
		t.Errorf("without a password: %v", err)
	}
}
