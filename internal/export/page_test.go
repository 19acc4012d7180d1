package export_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"fonoteka/internal/export/exporttest"
	"fonoteka/internal/pack"
	"fonoteka/internal/testenv"
)

// screenshots is a folder that pages are shown in, for people to look at.
const screenshots = "FONOTEKA_TEST_SCREENSHOTS"

func browse(t *testing.T) context.Context {
	t.Helper()
	path := testenv.Need(t, "chromium")
	o := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 860), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("mute-audio", true), chromedp.Env("HOME="+t.TempDir()))
	allocator, end := chromedp.NewExecAllocator(t.Context(), o...)
	t.Cleanup(end)
	ctx, closeWindow := chromedp.NewContext(allocator)
	t.Cleanup(closeWindow)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, ctx context.Context, what chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, what)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shot keeps a picture where somebody wants to see it.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), ask(t, ctx, chromedp.CaptureScreenshot()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// set changes a field as a person does.
func set(t *testing.T, ctx context.Context, id, value string) string {
	t.Helper()
	return ask(t, ctx, chromedp.Evaluate[string](`(function(){var e=document.getElementById("`+id+`");e.value="`+value+`";e.dispatchEvent(new Event("input"));return document.getElementById("count").textContent})()`))
}

// click presses the first button of a kind.
func click(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	ask(t, ctx, chromedp.Evaluate[bool](`(document.querySelector("`+selector+`").click(), true)`))
}

func TestThePageWorksFromADisk(t *testing.T) {
	t.Parallel()
	s := newSender(t)
	o := s.options(exporttest.New())
	run(t, o)
	ctx := browse(t)
	address := "file://" + filepath.Join(o.Dir, pack.IndexFile)
	do(t, ctx, chromedp.Navigate(address+"#ru"), chromedp.WaitVisible("#rows tr"))
	if got := ask(t, ctx, chromedp.Text("h1")); got != "Дело A40-1234/2026" {
		t.Errorf("the title is %q", got)
	}
	shot(t, ctx, "page-ru")
	for _, c := range []struct{ id, value, want string }{
		{"direction", "outgoing", "Показано звонков: 5 из 10"},
		{"direction", "", "Показано звонков: 10 из 10"},
		{"outcome", "missed", "Показано звонков: 1 из 10"},
		{"outcome", "", "Показано звонков: 10 из 10"},
		{"recording", "missing", "Показано звонков: 4 из 10"},
		{"recording", "withRecording", "Показано звонков: 5 из 10"},
		{"recording", "", "Показано звонков: 10 из 10"},
		{"text", "ким", "Показано звонков: 1 из 10"},
		{"text", "8 916 000-79-19", "Показано звонков: 1 из 10"},
		{"text", "", "Показано звонков: 10 из 10"},
		{"from", "2026-03-03", "Показано звонков: 0 из 10"},
		{"from", "2026-03-02", "Показано звонков: 10 из 10"},
	} {
		if got := set(t, ctx, c.id, c.value); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.id, c.value, got, c.want)
		}
	}
	if got := ask(t, ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("#rows tr")].map(r => r.textContent).join("\n")`)); !strings.Contains(got, "<script>alert(1)</script>") {
		t.Errorf("text of a call is not shown as text:\n%s", got)
	}
	click(t, ctx, ".play")
	if !ask(t, ctx, chromedp.Poll[bool](`document.getElementById("audio").duration > 0.4`)) {
		t.Error("it does not play")
	}
	shot(t, ctx, "page-ru-playing")
	click(t, ctx, "#lang-en")
	if got := ask(t, ctx, chromedp.Text("h1")); got != "Case A40-1234/2026" {
		t.Errorf("the title is %q", got)
	}
	shot(t, ctx, "page-en-playing")
}

func TestThePageAtFiftyThousandCalls(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("50,000 calls")
	}
	s := newSender(t)
	story := exporttest.Many(50_000)
	for i := range story.CallLines { // one file for all: what is looked at is the page
		story.CallLines[i].Recordings = story.CallLines[0].Recordings
	}
	story.Rows = story.Rows[:1]
	o := s.options(story)
	run(t, o)
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate("file://"+filepath.Join(o.Dir, pack.IndexFile)+"#en"), chromedp.WaitVisible("#rows tr"))
	if got := set(t, ctx, "text", "ковалёва"); got != "Calls shown: 10000 of 50000" {
		t.Error(got)
	}
	shot(t, ctx, "page-en-50000")
	took := ask(t, ctx, chromedp.Evaluate[float64](`(function(){var t=performance.now();document.getElementById("text").dispatchEvent(new Event("input"));return performance.now()-t})()`))
	t.Logf("a filter over 50,000 calls takes %.0f ms", took)
	click(t, ctx, "#next")
	if got := ask(t, ctx, chromedp.Text("#page")); got != "Page 2 of 100" {
		t.Error(got)
	}
}
