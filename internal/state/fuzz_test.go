package state_test

import (
	"os"
	"path/filepath"
	"testing"

	"fonoteka/internal/state"
)

// FuzzState starts on a state.json and a runtime.json that anything may have become of:
// refused, or whole and the same at the next start.
func FuzzState(f *testing.F) {
	for _, s := range []string{
		`{"clickhouse_writer_password":"a","ports":{"clickhouse_native":20001,"s3":20003}}`, `{}`, ``, `null`, `[]`, `{"ports":{"s3":-1}}`, `{"ports":{"redis":65536}}`,
		`{"admin_token":1}`, `{"ports":{"s3":20001,"redis":20001}}`, "{\"admin_token\":\"\xff\\n\"}", `{"unknown":{"a":[1]}}`, `{"S3_SECRET_KEY":"x"} {}`,
	} {
		f.Add([]byte(s), []byte(`{"pid":1,"public_listen":"127.0.0.1:1","private_listen":"127.0.0.1:2"}`))
	}
	f.Fuzz(func(t *testing.T, stored, running []byte) {
		dir := t.TempDir()
		for name, content := range map[string][]byte{"state.json": stored, "runtime.json": running} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		read, readErr := state.Read(dir)
		_, _ = state.ReadRuntime(dir)
		s, err := state.Open(dir)
		if err != nil {
			if after, _ := os.ReadFile(filepath.Join(dir, "state.json")); string(after) != string(stored) {
				t.Fatalf("it is refused (%v), and changed", err)
			}
			return
		}
		if readErr != nil {
			t.Fatalf("a file that cannot be read (%v) was taken", readErr)
		}
		values := s.Values()
		if read.AdminToken != "" && read.AdminToken != values.AdminToken || read.Ports.S3 != 0 && read.Ports.S3 != values.Ports.S3 {
			t.Fatal("what there was has changed")
		}
		if values.AdminToken == "" || values.ClickHouseWriterPassword == "" || values.RecordingsPassword == "" {
			t.Fatal("a secret is empty")
		}
		for _, port := range []int{values.Ports.ClickHouseNative, values.Ports.ClickHouseHTTP, values.Ports.S3, values.Ports.Redis} {
			if port < 1 || port > 65535 {
				t.Fatalf("port %d", port)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if again, err := state.Read(dir); err != nil || again != values {
			t.Fatalf("read again: %v", err)
		}
	})
}
