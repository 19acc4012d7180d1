package call

// Number is a phone number: as it came, and normalised for comparison.
type Number struct {
	Raw    string
	Digits string // E.164 without "+", a short extension, or "" (hidden or not a number)
}
