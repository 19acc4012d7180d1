// Package pack says what a compliance package is: which files lie in it, and what stands
// in them. The writer (export) and the checker (verify) both hold to it, and neither knows
// the other.
//
// A package is a bag of RFC 8493 (package bagit) with
//
//	READ-ME.ru.txt READ-ME.en.txt     what this is, and how to check it
//	metadata/query.json               what was asked for, and how much was found (Query)
//	metadata/selection.sql            the same as a query
//	metadata/recordings.csv           one row for each file of a recording (File)
//	metadata/missing.csv              what should be there and is not (Missing)
//	metadata/custody.jsonl            what was done with each recording (Step, Statement)
//	metadata/audit-anchor.json        where the sender's audit was (Proof)
//	metadata/keys.pub                 the key that signed (sign.Bundle); only where one did
//	metadata/*.schema.json            what the fields of the files of lines mean
//	data/calls.jsonl legs.jsonl events.jsonl    Call, Leg, Event, a line each
//	data/calls.csv calls.xlsx calls.parquet     calls again, for people and for programs
//	data/recordings/{yyyy}/{mm}/{recording id}.{format}
//	data/quarantine/{yyyy}/{mm}/{recording id}.{format}
//	data/index.html index.js index-data-*.js    calls and recordings in a browser
//
// and, listed by no manifest, tagmanifest-sha256.txt.minisig, .tsr and one more signature
// that bag-info.txt names.
//
// Times are UTC, RFC 3339 in milliseconds. Names of files are ASCII and hold no personal
// data. Lines are ordered by a unique key and never repeat one. A field is never given
// another meaning, and none is left out: what is not known is null, empty or 0. A form
// that breaks this gets another number (Schema).
package pack
