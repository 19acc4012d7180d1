package token

// Tell says for people what a state means, and what helps.
func (s State) Tell() string { return inWords[s] }

var inWords = map[State]string{
	NoCredentials: "no credentials – recordings that want no login are archived; for anything more: fonoteka auth login",
	NoLogin:       "a login is needed – nobody has logged in with this client yet: fonoteka auth login",
	Fine:          "logged in",
	Failing:       "logged in, but the tokens are not renewed as they should be",
	Refused:       "a login is needed – the operator refuses to renew the tokens: fonoteka auth login",
	Ended:         "a login is needed – the refresh token has ended: fonoteka auth login",
	Unreadable:    "a login is needed, or the right key – what is kept cannot be read",
}
