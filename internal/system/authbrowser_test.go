package system

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	tabs "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
	"fonoteka/internal/token"
)

// screenshots is a folder that the pages are shown in, for people to look at.
const screenshots = "FONOTEKA_TEST_SCREENSHOTS"

// browse returns a window of a real browser without a screen.
func browse(t *testing.T) context.Context {
	t.Helper()
	path := testenv.Need(t, "chromium", "chromium-browser", "google-chrome")
	o := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(900, 640), chromedp.UserDataDir(t.TempDir()),
		chromedp.Env("HOME="+t.TempDir()))
	allocator, end := chromedp.NewExecAllocator(t.Context(), o...)
	t.Cleanup(end)
	ctx, closeWindow := chromedp.NewContext(allocator)
	t.Cleanup(closeWindow)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// window is a browser's, and what it shows.
type window struct {
	t   *testing.T
	ctx context.Context
	c   *cabinet
}

func (w window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, steps...); err != nil {
		w.t.Fatal(err)
	}
}

func (w window) read(what chromedp.Action[string]) string {
	w.t.Helper()
	s, err := chromedp.Run(w.ctx, what)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// ends wants the page at the end of a login, whose address tells nothing of it,
// and keeps a picture where somebody wants to see it.
func (w window) ends(title, picture string) {
	w.t.Helper()
	w.do(chromedp.WaitVisible("main.good, main.bad"))
	address, text := w.read(chromedp.Location()), w.read(chromedp.Text("main"))
	if w.read(chromedp.Text("h1")) != title || !strings.HasPrefix(address, w.c.home+"?login=") || strings.Contains(text, "stolen") {
		w.t.Errorf("want the page %q; at %s there is:\n%s", title, address, text)
	}
	if dir := os.Getenv(screenshots); dir != "" {
		png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, picture+".png"), png, 0o600)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// A person logs in with a browser: a password that is wrong, then the right one.
// serve runs all the time and was started without credentials.
func TestAPersonLogsInWithABrowser(t *testing.T) {
	t.Parallel()
	ctx := browse(t)
	c := openCabinet(t, sim.PlatformOptions{}, nil)
	in := install(t, c.env...).start()
	w := window{t, ctx, c}
	if words, row, status := c.authStatus(in); row.State != token.NoLogin || status != 3 {
		t.Errorf("before the login: exit %d\n%s", status, words)
	}
	w.do(
		chromedp.Navigate(c.begin(in)),
		chromedp.SendKeys("#user", sim.DemoUser), chromedp.SendKeys("#password", "wrong"), chromedp.Click("#enter"),
		chromedp.WaitVisible("#wrong"),
		chromedp.SendKeys("#password", sim.DemoPassword), chromedp.Click("#enter"),
	)
	w.ends("You are logged in", "done")
	if words, row, status := c.authStatus(in); status != 0 || row.State != token.Fine {
		t.Errorf("after the login: exit %d\n%s", status, words)
	}
	// A reload sends no code again, and none is in the history.
	w.do(chromedp.Reload())
	w.ends("You are logged in", "reloaded")
	w.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		history, err := cdp.Call(ctx, tab, tabs.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		for _, entry := range history.Entries {
			if strings.Contains(entry.URL, "code=") {
				t.Errorf("the history has %s", entry.URL)
			}
		}
		return nil
	}))

	w.do(chromedp.Navigate(c.begin(in)), chromedp.WaitVisible("#refuse"), chromedp.Click("#refuse"))
	w.ends("The operator gave no access", "denied")
	w.do(chromedp.Navigate(c.home + "?code=stolen&state=made-up"))
	w.ends("This login was not begun here", "foreign")
	if _, row, _ := c.authStatus(in); row.State != token.Fine {
		t.Errorf("a login that was refused took the tokens away: %s", row.State)
	}
}
