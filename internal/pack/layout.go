package pack

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Schema is the form of a package, in query.json and, as its number alone, in bag-info.txt.
const (
	Schema      = "fonoteka.package/1"
	SchemaLabel = "Fonoteka-Package"
	SchemaMark  = "1"
)

// Labels of bag-info.txt.
const (
	LabelCase        = "External-Identifier"
	LabelAgent       = "Bag-Software-Agent"
	LabelDate        = "Bagging-Date"
	LabelDescription = "External-Description"
	LabelOther       = "Fonoteka-Other-Signature" // a file beside the manifests: the customer's own signature
	LabelCalls       = "Fonoteka-Calls"
	LabelUnanswered  = "Fonoteka-Calls-Unanswered"
	LabelRecordings  = "Fonoteka-Recordings"
	LabelMissing     = "Fonoteka-Missing"
	LabelQuarantined = "Fonoteka-Quarantined"
)

// Files of a package, by their paths in it.
const (
	ReadmeRU    = "READ-ME.ru.txt"
	ReadmeEN    = "READ-ME.en.txt"
	QueryFile   = "metadata/query.json"
	SQLFile     = "metadata/selection.sql"
	FilesFile   = "metadata/recordings.csv"
	MissingFile = "metadata/missing.csv"
	CustodyFile = "metadata/custody.jsonl"
	ProofFile   = "metadata/audit-anchor.json"
	KeysFile    = "metadata/keys.pub"

	CallsFile   = "data/calls.jsonl"
	LegsFile    = "data/legs.jsonl"
	EventsFile  = "data/events.jsonl"
	CallsCSV    = "data/calls.csv"
	CallsXLSX   = "data/calls.xlsx"
	ParquetFile = "data/calls.parquet"
	IndexFile   = "data/index.html"
	ScriptFile  = "data/index.js"

	TagManifest   = "tagmanifest-sha256.txt"
	SignatureFile = TagManifest + ".minisig"
	StampFile     = TagManifest + ".tsr"

	recordings = "data/recordings/"
	quarantine = "data/quarantine/"
)

// always are the files that each package has.
var always = []string{
	ReadmeRU, ReadmeEN, QueryFile, SQLFile, FilesFile, MissingFile, CustodyFile, ProofFile,
	CallsFile, LegsFile, EventsFile, CallsCSV, IndexFile, ScriptFile,
}

// Always are the files that each package has, beside those of the bag and the schemas.
func Always() []string { return append(slices.Clone(always), Schemas()...) }

var (
	indexData  = regexp.MustCompile(`^data/index-data-[0-9]{3}\.js$`)
	sound      = regexp.MustCompile(`^data/(?:recordings|quarantine)/[0-9]{4}/[0-9]{2}/[0-9a-z-]{1,64}(?:\.[0-9a-f]{16})?\.[a-z0-9]{1,8}$`)
	otherNames = regexp.MustCompile(`^tagmanifest-sha256\.txt\.[a-z0-9]{1,16}$`)
)

// IsPart tells whether a package may have a file of this path. Those of the bag itself are
// not asked for.
func IsPart(name string) bool {
	return slices.Contains(always, name) || slices.Contains(Schemas(), name) ||
		name == KeysFile || name == CallsXLSX || name == ParquetFile || indexData.MatchString(name) || IsSound(name)
}

// IsSound tells whether a path is that of a recording's file.
func IsSound(name string) bool { return sound.MatchString(name) }

// InQuarantine tells whether a path is that of damaged audio.
func InQuarantine(name string) bool { return strings.HasPrefix(name, quarantine) }

// IsOtherSignature tells whether the customer's own signature may have a name.
func IsOtherSignature(name string) bool {
	return otherNames.MatchString(name) && name != SignatureFile && name != StampFile
}

// Compressible tells whether a zip gains from compressing a file.
func Compressible(name string) bool {
	return !IsSound(name) && path.Ext(name) != ".xlsx" && path.Ext(name) != ".parquet"
}

// SoundPath is where a file of a recording lies: the one that is played, or kept in its
// place, under the recording's id, and any other with the first 16 digits of its digest
// behind that. The folder is the month of the announcement, UTC.
func SoundPath(announced time.Time, id, sha256, format string, first, damaged bool) string {
	folder := recordings
	if damaged {
		folder = quarantine
	}
	name := id
	if !first {
		name += "." + sha256[:16]
	}
	return folder + announced.UTC().Format("2006/01/") + name + "." + format
}
