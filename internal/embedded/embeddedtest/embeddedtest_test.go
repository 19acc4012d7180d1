package embeddedtest_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

func TestClickHouseIsOneForAllTests(t *testing.T) {
	t.Parallel()
	native, addr, user, password := embeddedtest.ClickHouse(t)
	if again, _, _, _ := embeddedtest.ClickHouse(t); again != native {
		t.Errorf("a second call gave %s, the first %s", again, native)
	}
	resp, err := http.Get("http://" + addr + "/?" + url.Values{"user": {user}, "password": {password}, "query": {"SELECT currentUser()"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != user+"\n" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestS3Answers(t *testing.T) {
	t.Parallel()
	addr, _, _ := embeddedtest.S3(t)
	resp, err := http.Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without credentials: status %d", resp.StatusCode)
	}
}

func TestRedisIsOnePerTestAndKeepsEverything(t *testing.T) {
	t.Parallel()
	addr, password := embeddedtest.Redis(t)
	c := redis.NewClient(&redis.Options{Addr: addr, Password: password})
	defer c.Close()
	policy, err := c.ConfigGet(context.Background(), "maxmemory-policy").Result()
	if err != nil || policy["maxmemory-policy"] != "noeviction" {
		t.Errorf("policy %v, %v", policy, err)
	}
	mini, password := embeddedtest.MiniRedis(t)
	m := redis.NewClient(&redis.Options{Addr: mini, Password: password})
	defer m.Close()
	if err := m.Ping(context.Background()).Err(); err != nil {
		t.Error(err)
	}
}

func TestMinIOIsTheOneThatTheMakefileBuilds(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(makefile), "MINIO     := "+embeddedtest.MinIOVersion+"\n") {
		t.Errorf("the Makefile does not build %s", embeddedtest.MinIOVersion)
	}
	addr, _, _ := embeddedtest.MinIO(t)
	if again, _, _ := embeddedtest.MinIO(t); again != addr {
		t.Errorf("a second call gave %s, the first %s", again, addr)
	}
}
