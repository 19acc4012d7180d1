package call_test

import (
	"testing"

	"fonoteka/internal/call"
)

// The id of a link without a query is the key of everything that was archived under
// it: it never changes.
func TestALinkWithoutAQueryKeepsItsID(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		"https://openapi-stage.mtt.ru/records/1/2020/06/24/AA_BB_CC_DD.mp3": "b758995d2b3b44838801c31e091b96f6",
		"https://OPENAPI.mtt.ru/records/1/a%20b.mp3":                        "32545ed4d99b864e0af7373476df1f2c",
		"https://mtt.ru/a.mp3#t=1":                                          "ef1a689ef85d8589556153bf18046b01",
		"https://mtt.ru/100%.mp3":                                           "2e6fb924eddd7724f1941488f67be69a",
		"//mtt.ru/a.mp3":                                                    "50c272aa32d4dd22e6d02c1c1cfd82e3",
	} {
		if got := call.RecordingID("main", link); got != want {
			t.Errorf("%s: id %s, want %s", link, got, want)
		}
	}
}

// A query is part of a link's identity, but for whole groups of signature parameters:
// to take one recording for two costs a second file, to take two for one costs a call's
// conversation.
func TestOnlyWholeSignaturesAreNoPartOfALinksIdentity(t *testing.T) {
	t.Parallel()
	const base = "https://mtt.ru/records/get"
	id := func(query string) string { return call.RecordingID("main", base+query) }
	for _, c := range []struct{ name, a, b string }{
		{"nothing after the ?", "", "?"},
		{"AWS", "", "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Date=20260301T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=ab"},
		{"AWS, beside an id", "?id=A", "?X-Amz-Date=1&id=A&X-Amz-Signature=ab"},
		{"AWS, escaped names", "?id=A", "?id=A&X%2DAmz-Date=1&X-Amz%2DSignature=ab"},
		{"two signatures of AWS", "?id=A&X-Amz-Date=1&X-Amz-Signature=ab", "?id=A&X-Amz-Date=2&X-Amz-Signature=cd"},
		{"Google", "?id=A", "?id=A&X-Goog-Algorithm=GOOG4&X-Goog-Date=1&X-Goog-Signature=ab"},
		{"CloudFront", "?id=A", "?Expires=17&Signature=ab&Key-Pair-Id=K&id=A"},
		{"CloudFront with a policy", "?id=A", "?id=A&Policy=p&Signature=ab&Expires=17&Key-Pair-Id=K"},
		{"Azure", "?id=A", "?sv=2022-11-02&st=1&se=2&sr=b&sp=r&sig=ab&id=A"},
		{"a bare % beside a signature", "?q=50%", "?q=50%&Expires=1&Signature=ab"},
	} {
		if id(c.a) != id(c.b) {
			t.Errorf("%s: %q and %q have two ids", c.name, c.a, c.b)
		}
	}
	for _, c := range []struct{ name, a, b string }{
		{"an id", "?id=A", "?id=B"},
		{"an id and none", "", "?id=A"},
		{"a lone token", "?token=A", "?token=B"},
		{"an unknown parameter", "?x=1", "?x=2"},
		{"a value without a name", "?A", "?B"},
		{"AWS without its signature", "?X-Amz-Date=1", "?X-Amz-Date=2"},
		{"AWS with an empty signature", "?X-Amz-Date=1&X-Amz-Signature=", "?X-Amz-Date=2&X-Amz-Signature="},
		{"Google with the signature of AWS", "?X-Goog-Date=1&X-Amz-Signature=ab", "?X-Goog-Date=2&X-Amz-Signature=ab"},
		{"a signature without an end", "?Signature=A", "?Signature=B"},
		{"an end without a signature", "?Expires=1", "?Expires=2"},
		{"Key-Pair-Id alone", "?Key-Pair-Id=A", "?Key-Pair-Id=B"},
		{"Azure without sv", "?sig=A&se=1", "?sig=B&se=1"},
		{"Azure without se", "?sig=A&sv=1", "?sig=B&sv=1"},
		{"sp alone", "?sp=1", "?sp=2"},
		{"an id beside a signature", "?id=A&X-Amz-Signature=ab", "?id=B&X-Amz-Signature=ab"},
		{"an unknown parameter beside Azure's", "?sv=1&se=2&sig=3&file=A", "?sv=1&se=2&sig=3&file=B"},
		{"a link that cannot be read", "/50%.mp3?id=A", "/50%.mp3?id=B"},
	} {
		if id(c.a) == id(c.b) {
			t.Errorf("%s: %q and %q have one id", c.name, c.a, c.b)
		}
	}
}
