package call_test

import (
	"log/slog"
	"strings"
	"testing"

	"fonoteka/internal/call"
)

func TestNumbersOfOneLineCompareEqual(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"+79219462761": "79219462761", "79219462761": "79219462761", "89219462761": "79219462761",
		"9219462761": "79219462761", "78124241500@pstn": "78124241500", "8 (812) 424-15-00": "78124241500",
		"sip:79219462761@10.0.0.1": "79219462761",
		"8-800-555-35-35":          "78005553535", "88005553535": "78005553535",
		"883140582526566": "883140582526566", "88314077716581": "88314077716581", // SIP ids
		"88314123456": "78314123456",                              // Nizhny Novgorod
		"+8131234567": "8131234567", "81312345678": "71312345678", // the trunk rule, for want of a "+"
		"+81312345678": "81312345678", "81312345678@pstn": "81312345678",
		"8104930123456": "4930123456", "810493012345678": "493012345678",
		"101": "101", "112": "112", "6497803": "6497803",
		"": "", "anonymous": "", "anonymous@anonymous.invalid": "", "Restricted": "", "+": "", "Иванов 12": "",

		// Hidden.
		"0": "", "0000000": "", "00000000000": "", "+0": "", "+7 (000)": "7000", "0@pstn": "", "000-00-00": "", "<>": "", "sip:@10.0.0.1": "",
		// Parameters, pauses, ports.
		"79161234567;phone-context=+7": "79161234567", "sip:+79161234567;user=phone@mtt.ru;transport=udp": "79161234567",
		"79161234567,,101#": "79161234567", "84951234567p101": "74951234567", "84951234567 w 101": "74951234567", "123456p1": "",
		"79161234567:5060": "79161234567", "sip:79161234567@10.0.0.1:5060": "79161234567", "tel:+7-916-123-45-67;ext=12": "79161234567",
		"78124241500@pstn;tag=1": "78124241500", "78124241500@PSTN:5060": "78124241500",
		// Brackets, names, escapes.
		"<sip:79161234567@10.0.0.1>": "79161234567", `"Иванов 12" <sip:89161234567@h>;tag=1`: "79161234567", "Иванов <+7 916 123-45-67>": "79161234567",
		"%2B79161234567": "79161234567", "sip:%2b79161234567@h": "79161234567", "%zz": "", `"79161234567"`: "79161234567",
		// Dashes, spaces and digits of Unicode.
		"8\u2013916\u2014123\u221245\u201067": "79161234567", "+7\u202f916\u2009123\u300045\u00a067": "79161234567", "\u202a+79161234567\u202c": "79161234567",
		"７９１６１２３４５６７": "79161234567", "＋７ ９１６ １２３ ４５ ６７": "79161234567", "+٧٩١٦١٢٣٤٥٦٧": "79161234567", "8\u00ad916\ufeff1234567": "79161234567",
		// Extensions.
		"+7 495 123-45-67 доб. 101": "74951234567", "8 (495) 123-45-67 ДОБ 101": "74951234567", "84951234567 (доб.101)": "74951234567",
		"84951234567 ext. 101": "74951234567", "+74951234567 extension 101": "74951234567", "84951234567 вн. 101": "74951234567",
		"84951234567x101": "74951234567", "84951234567#101": "74951234567", "доб. 101": "101", "101x5": "",
		// 00 and a country code.
		"0079161234567": "79161234567", "00 44 20 7946 0958": "442079460958", "00491721234567@pstn": "491721234567", "00112": "00112", "0081312345678": "81312345678",
		// What cannot be read.
		"79161234567.0": "", "+79161234567.0": "", "89161234567.00": "", "7.9161234567e10": "", "7.9161234567E+10": "", "10.0.0.1": "", "sip:10.0.0.1": "",
		"+7916123456789": "", "79161234567.": "79161234567", "8.916.123.45.67": "79161234567", "916.1234567": "79161234567", "7916/1234567": "",
	} {
		if got := call.ParseNumber(raw, "").Digits; got != want {
			t.Errorf("ParseNumber(%q) = %q, want %q", raw, got, want)
		}
	}
	if got := call.ParseNumber("6497803", "499").Digits; got != "74996497803" {
		t.Errorf("a local number with area code 499 = %q", got)
	}
}

func TestNumbersAreNeverLoggedWhole(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("call", "client", call.ParseNumber("+79219462761", ""))
	if s := b.String(); strings.Contains(s, "9219462761") || !strings.Contains(s, "7921*****61") {
		t.Errorf("logged %s", s)
	}
	if s := call.ParseNumber("+79219462761", "").String(); s != "7921*****61" {
		t.Errorf("String() = %s", s)
	}
}

func TestBaseIDStripsOnlyALegSuffix(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"abc_7FC7~1o": "abc_7FC7", "abc~12x": "abc", "a~b~2o": "a~b", "a~b": "a~b", "a~1": "a~1", "a~o": "a~o",
		"a~1O": "a~1O", "a~1oo": "a~1oo", "~1o": "~1o", "": "", "SDfe@127.0.0.1": "SDfe@127.0.0.1", "a~1o@h": "a~1o@h",
	} {
		if got := call.BaseID(id); got != want {
			t.Errorf("BaseID(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestRecordingIDIgnoresTheSignature(t *testing.T) {
	t.Parallel()
	a := call.RecordingID("main", "https://host/records/1.mp3?sig=1&sv=1&se=1")
	if b := call.RecordingID("main", "https://HOST/records/1.mp3?sig=2&sv=1&se=2#x"); a != b || len(a) != 32 {
		t.Errorf("%s and %s differ", a, b)
	}
	if b := call.RecordingID("other", "https://host/records/1.mp3"); a == b {
		t.Error("two integrations share a recording id")
	}
}
