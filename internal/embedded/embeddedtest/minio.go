package embeddedtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"fonoteka/internal/embedded"
	"fonoteka/internal/testenv"
)

// MinIOVersion is the pinned version of MinIO's community edition, which is no
// longer maintained, and the reference for what Object Lock means. The Makefile
// builds it from source. It is a program that tests start and nothing else: its
// licence is the AGPL, so it is never linked in.
const MinIOVersion = "v0.0.0-20260212201848-7aac2a2c5b7c"

const (
	minioUser, minioPassword = "test-minio", "test-minio-secret"
	// minioKey lets it encrypt: a name and 32 bytes that protect nothing.
	minioKey = "test-key:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

var minio = sync.OnceValues(startMinIO)

// MinIO returns the address of this process's shared MinIO (plain http, region
// us-east-1, encryption configured) and its account, who may create buckets.
func MinIO(t testing.TB) (addr, accessKey, secretKey string) {
	t.Helper()
	if path, err := minioPath(); err != nil {
		t.Fatal(err)
	} else if _, err := os.Stat(path); err != nil {
		testenv.Missing(t, "MinIO is not built (%s): make minio builds it, in some minutes", path)
	}
	addr, err := minio()
	if err != nil {
		t.Fatal(err)
	}
	return addr, minioUser, minioPassword
}

func minioPath() (string, error) {
	cache, err := embedded.DefaultCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "minio", MinIOVersion, "minio"), nil
}

func startMinIO() (string, error) {
	d, err := dir()
	if err != nil {
		return "", fmt.Errorf("create a folder for the stores: %w", err)
	}
	binary, err := minioPath()
	if err != nil {
		return "", err
	}
	ports, err := testenv.TakePorts(2)
	if err != nil {
		return "", err
	}
	address := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i])) }
	home := filepath.Join(d, "minio")
	// The shell is the life line, as for Redis.
	cmd := exec.Command("/bin/sh", "-c", `"$@" & read -r _; kill -9 $!`, "sh", binary,
		"server", "--quiet", "--anonymous", "--certs-dir", filepath.Join(home, "certs"),
		"--address", address(0), "--console-address", address(1), filepath.Join(home, "data"))
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_KMS_SECRET_KEY=" + minioKey,
		"MINIO_ROOT_USER=" + minioUser, "MINIO_ROOT_PASSWORD=" + minioPassword,
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	life, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start MinIO: %w", err)
	}
	stop := func() {
		life.Close()
		_ = cmd.Wait() // its status is that of kill
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // it has no other way to say that it is up
		resp, err := http.Get("http://" + address(0) + "/minio/health/live")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			AtEnd(stop)
			return address(0), nil
		}
	}
	stop()
	return "", errors.Join(errors.New("MinIO does not start"), errors.New(said.String()))
}
