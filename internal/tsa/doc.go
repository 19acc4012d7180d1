// Package tsa asks a time-stamping authority (RFC 3161) for the time at which a digest
// was there, and checks what such an authority has said.
//
// The whole response is kept, with the authority's certificates in it (certReq), so that
// it can be checked years later without asking anybody: by Check, or by openssl ts
// -verify. It is checked at the time that it states: an authority's certificate lives for
// some years, and a stamp that was made within them stays good. What is not looked up is
// whether the certificate was revoked.
//
// A time stamp shows that the digest existed at that time. It says nothing of who made
// what it is of.
package tsa
