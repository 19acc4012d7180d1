package blob_test

import (
	"context"
	"crypto/rand"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

var s3Addr = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "s3")
	if err != nil {
		log.Fatal(err)
	}
	be, err := posix.New(dir, meta.XattrMeta{}, posix.PosixOpts{CopyObjectThreshold: 5 << 30})
	if err != nil {
		log.Fatal(err)
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	addr := l.Addr().String()
	l.Close()
	go embedgw.RunVersityGW(context.Background(), be, &embedgw.Config{RootUserAccess: "testkey", RootUserSecret: "testsecret123", Ports: []string{addr}, Quiet: true, KeepAlive: true, MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000})
	for {
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
})

func s3URL(t testing.TB) string {
	return "s3://testkey:testsecret123@" + s3Addr() + "/t-" + strings.ToLower(rand.Text()[:16]) + "?secure=false"
}
