// Package sign makes and checks the signatures of packages: Ed25519 in the form of
// minisign, so that whoever gets a package checks it with a program that is not ours.
//
// An installation has one key at a time (Ring), kept by a Store that seals it. A key is
// replaced by Rotate, which lets the old key sign the new one. The public half of all
// that is a Bundle, the file keys.pub of a package: the key that signs now, and behind it
// how it follows from the keys before it. minisign reads its first two lines and leaves
// the rest.
//
// Trust comes from whoever checks, never from the package: from a key or a fingerprint
// that he was given by another way (Trust). A bundle only leads from that to the key that
// signed.
//
// What a succession cannot show: that the old key had not been stolen when it signed the
// new one. A key that may have been stolen is replaced by Create on a ring that was
// emptied, and its successor has to be given to everybody anew.
//
// crypto/ed25519 alone was rejected, since a signature is worth what others can check it
// with; OpenPGP and X.509 were, since both bring identities that nobody here issues.
package sign
