package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"fonoteka/internal/datafile"
)

// serverConfig is the engine's configuration.
//
//   - Logs: <logger> is ignored by clickhouse-local, send_logs_level is not.
//   - The schedule pool is 16 instead of 512 threads.
//   - Half of the machine's memory at most (see shareMemory), and less where others
//     have taken it. The caches grow with use only; the limits keep them from gigabytes.
//   - Every new part is synced, file and folder, before an insert is
//     acknowledged: the spool's cursor moves on that word.
var serverConfig = template.Must(template.New("config").Parse(`<clickhouse>
  <send_logs_level>warning</send_logs_level>
  <users_config>{{.UsersPath}}</users_config>
  {{.Handlers}}
  <backups><allowed_path>{{.Backups}}</allowed_path></backups>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <max_server_memory_usage>{{.Memory.Server}}</max_server_memory_usage>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
  <mark_cache_size>268435456</mark_cache_size>
  <primary_index_cache_size>268435456</primary_index_cache_size>
  <index_mark_cache_size>67108864</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <compiled_expression_cache_size>33554432</compiled_expression_cache_size>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
  </merge_tree>
</clickhouse>
`))

// usersConfig declares who may log in. "default" is the user of the engine's own session;
// without it, and without its empty password, the engine does not start; it may
// open the ports and nothing else. Anybody on the machine knows that name and
// password, so it may have one session (max_sessions_for_user): that of the engine, which
// begins before the ports are open and lasts until the process ends, so that every other
// login is refused. Its further limits are a second safeguard. They are in a profile of
// its own, since constraints of the profile named "default" apply to every user, and
// would prevent the migrations. A network of its own was rejected: the
// engine's session counts as coming from the loopback interface.
//
// The reader's limits keep analysts' queries from starving the inserts: readonly = 2
// lets a session set anything (clickhouse-go sends max_execution_time) but the
// constrained, and those up to a maximum; 0 would be no limit. Threads are the
// engine's own number, one a processor: beside 32 queries of 500 threads each an
// insert took up to 10 s, beside 32 of two threads 0.2 s. Temporary files leave free what the
// spool needs. deploy/clickhouse/analyst.sql has the same for a server of one's own.
var usersConfig = template.Must(template.New("users").Parse(`<clickhouse>
  <profiles>
    <default><constraints><add_http_cors_header><readonly/></add_http_cors_header></constraints></default>
    <writer/>
    <engine>
      <max_sessions_for_user>1</max_sessions_for_user>
      <max_execution_time>5</max_execution_time>
      <max_memory_usage>100000000</max_memory_usage>
      <max_memory_usage_for_user>100000000</max_memory_usage_for_user>
      <max_concurrent_queries_for_user>4</max_concurrent_queries_for_user>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>
        <max_sessions_for_user><readonly/></max_sessions_for_user>
        <max_execution_time><readonly/></max_execution_time>
        <max_memory_usage><readonly/></max_memory_usage>
        <max_memory_usage_for_user><readonly/></max_memory_usage_for_user>
        <max_concurrent_queries_for_user><readonly/></max_concurrent_queries_for_user>
        <cancel_http_readonly_queries_on_client_close><readonly/></cancel_http_readonly_queries_on_client_close>
        <readonly><readonly/></readonly>
      </constraints>
    </engine>
    <reader>
      <readonly>2</readonly>
      <final>1</final>
      <max_execution_time>300</max_execution_time>
      <max_memory_usage>{{.Memory.ReaderQuery}}</max_memory_usage>
      <max_memory_usage_for_user>{{.Memory.Reader}}</max_memory_usage_for_user>
      <max_bytes_before_external_group_by>{{.Memory.ReaderSpill}}</max_bytes_before_external_group_by>
      <max_bytes_before_external_sort>{{.Memory.ReaderSpill}}</max_bytes_before_external_sort>
      <max_temporary_data_on_disk_size_for_query>5000000000</max_temporary_data_on_disk_size_for_query>
      <min_free_disk_space_for_temporary_data>5000000000</min_free_disk_space_for_temporary_data>
      <max_rows_to_read>2000000000</max_rows_to_read>
      <max_bytes_to_read>200000000000</max_bytes_to_read>
      <max_concurrent_queries_for_user>32</max_concurrent_queries_for_user>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>
        <max_execution_time><min>1</min><max>3600</max></max_execution_time>
        <max_memory_usage><min>1</min><max>{{.Memory.ReaderQuery}}</max></max_memory_usage>
        <max_memory_usage_for_user><readonly/></max_memory_usage_for_user>
        <max_threads><readonly/></max_threads>
        <max_temporary_data_on_disk_size_for_query><min>1</min><max>5000000000</max></max_temporary_data_on_disk_size_for_query>
        <min_free_disk_space_for_temporary_data><min>5000000000</min></min_free_disk_space_for_temporary_data>
        <max_rows_to_read><min>1</min><max>2000000000</max></max_rows_to_read>
        <max_bytes_to_read><min>1</min><max>200000000000</max></max_bytes_to_read>
        <max_concurrent_queries_for_user><readonly/></max_concurrent_queries_for_user>
        <cancel_http_readonly_queries_on_client_close><readonly/></cancel_http_readonly_queries_on_client_close>
      </constraints>
    </reader>
    <dictionaries>
      <readonly>1</readonly>
      <max_execution_time>60</max_execution_time>
      <max_memory_usage>500000000</max_memory_usage>
      <max_memory_usage_for_user>1000000000</max_memory_usage_for_user>
      <max_concurrent_queries_for_user>8</max_concurrent_queries_for_user>
    </dictionaries>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>engine</profile><quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
    <{{.Writer}}>
      <password_sha256_hex>{{.WriterHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>writer</profile><quota>default</quota>
    </{{.Writer}}>
    {{- if .DictionariesHash}}
    <{{.Dictionaries}}>
      <password_sha256_hex>{{.DictionariesHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>dictionaries</profile><quota>default</quota>
      <default_database>{{.Database}}</default_database>
      <grants>
        <query>GRANT SELECT ON {{.Database}}.directory_*</query>
        <query>GRANT SELECT ON {{.Database}}.recording_lengths</query>
        <query>GRANT SELECT(integration, recording_id, duration_ms) ON {{.Database}}.recordings</query>
      </grants>
    </{{.Dictionaries}}>
    {{- end}}
    {{- range .Readers}}
    <{{.Name}}>
      <password_sha256_hex>{{.Hash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reader</profile><quota>default</quota>
      <default_database>{{$.Database}}</default_database>
      <grants>
        <query>GRANT SELECT, SHOW, dictGet ON {{$.Database}}.*</query>
        <query>GRANT SELECT ON system.parts</query>
        {{- range .Hidden}}
        <query>REVOKE SELECT({{.Column}}) ON {{$.Database}}.{{.Table}}</query>
        {{- end}}
      </grants>
    </{{.Name}}>
    {{- end}}
  </users>
</clickhouse>
`))

// readingUser is a user of the profile reader.
type readingUser struct {
	Name, Hash string
	Hidden     []Column
}

func readers(o *ClickHouseOptions) []readingUser {
	all := []readingUser{{ClickHouseReader, sha256Hex(o.ReaderPassword), nil}}
	if o.AnalystPassword != "" {
		all = append(all, readingUser{ClickHouseAnalyst, sha256Hex(o.AnalystPassword), HiddenColumns()})
	}
	return all
}

// writeClickHouseConfig creates the folders, the lock and the engine's two files, which are
// written at each start, so that a changed password or version takes effect.
// Without reader there are neither ClickHouseReader nor ClickHouseAnalyst.
func writeClickHouseConfig(o *ClickHouseOptions, s clickhouseSettings, reader bool) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("create its folder: %w", err)
	}
	if lock, err := os.OpenFile(s.Lock, os.O_CREATE|os.O_RDWR, 0o600); err != nil { // a confined child may not create it
		return fmt.Errorf("create its lock: %w", err)
	} else if err := lock.Close(); err != nil {
		return fmt.Errorf("create its lock: %w", err)
	}
	// The passwords are random, so that an unsalted hash gives nothing away.
	data := map[string]any{
		"Memory":    shareMemory(o.Memory),
		"UsersPath": xmlText(s.Users), "Handlers": httpHandlers, "Backups": xmlText(filepath.Join(s.Data, "backups")),
		"Writer": ClickHouseWriter, "WriterHash": sha256Hex(o.WriterPassword),
		"Dictionaries": ClickHouseDictionaries, "DictionariesHash": sha256Hex(o.DictionariesPassword),
		"Database": ClickHouseDatabase,
	}
	if reader {
		data["Readers"] = readers(o)
	}
	if o.DictionariesPassword == "" {
		data["DictionariesHash"] = ""
	}
	for path, t := range map[string]*template.Template{s.Config: serverConfig, s.Users: usersConfig} {
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return fmt.Errorf("render %s: %w", filepath.Base(path), err)
		}
		if err := datafile.Replace(path, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func xmlText(s string) string {
	var b bytes.Buffer
	template.HTMLEscape(&b, []byte(s))
	return b.String()
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
