package pack

import (
	"embed"
	"io/fs"
	"slices"
)

// schemas say what the fields of the files of lines mean, in JSON Schema.
//
//go:embed schema/*.schema.json
var schemas embed.FS

// Schemas are their paths in a package.
func Schemas() []string {
	entries, err := fs.ReadDir(schemas, "schema")
	if err != nil {
		panic(err) // it is embedded
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, "metadata/"+e.Name())
	}
	slices.Sort(names)
	return names
}

// SchemaText is the content of one.
func SchemaText(name string) []byte {
	b, err := schemas.ReadFile("schema/" + name[len("metadata/"):])
	if err != nil {
		panic(err) // a name of Schemas
	}
	return b
}
