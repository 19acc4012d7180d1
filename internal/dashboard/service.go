package dashboard

// service is the program's own health, from Prometheus. It is for whoever runs
// the program; each panel says what to do when it looks bad.
func service() Dashboard {
	return Dashboard{
		Name: "service", Source: Prometheus, From: "now-6h", Refresh: "1m",
		Title: Text{"Состояние сервиса", "Service health"},
		About: Text{
			"Работает ли Fonoteka: приём уведомлений, запись звонков, скачивание записей, хранилища.",
			"Does Fonoteka work: taking notifications, writing calls, fetching recordings, its stores.",
		},
		Panels: append(append(append(glance(), intakePanels()...), archivePanels()...), storePanels()...),
	}
}

func heading(ru, en string) Panel { return Panel{Kind: Row, Title: Text{ru, en}} }

var lateSeconds = []Step{{0, Green}, {60, Yellow}, {300, Red}}

func glance() []Panel {
	return []Panel{
		heading("Главное", "At a glance"),
		{
			Kind: Totals, Width: 4, Height: 4, Unit: SinceAgo,
			Title: Text{"Последнее уведомление", "Last notification"},
			About: Text{
				"Когда оператор прислал последнее уведомление. В рабочее время оно приходит каждые несколько минут; молчание – повод проверить адрес в личном кабинете.",
				"When the operator last sent a notification. In working hours one comes every few minutes; after a silence compare the address in the operator's cabinet.",
			},
			Prom: []Prom{{Expr: `(max(fonoteka_intake_last_kept_timestamp_seconds) > 0) * 1000`}},
		},
		{
			Kind: Totals, Width: 4, Height: 4, Unit: Count, Steps: badAboveZero,
			Title: Text{"Записи под угрозой", "Recordings at risk"},
			About: Text{
				"Ещё не сохранены, а оператор удалит их не позднее чем через 7 дней. Список с причинами: fonoteka recordings at-risk --days 7.",
				"Not stored yet, and the operator deletes them within 7 days. With the reasons: fonoteka recordings at-risk --days 7.",
			},
			Prom: []Prom{{Expr: `sum(fonoteka_recordings_at_risk{days_left=~"overdue|1|3|7"})`}},
		},
		{
			Kind: Totals, Width: 4, Height: 4, Unit: Count, Steps: badAboveZero,
			Title: Text{"Потеряно записей", "Recordings lost"},
			About: Text{
				"Оператор ответил, что файла больше нет. Список: fonoteka recordings at-risk.",
				"The operator has answered that the file is gone. The list: fonoteka recordings at-risk.",
			},
			Prom: []Prom{{Expr: `sum(fonoteka_recordings_lost)`}},
		},
		{
			Kind: Totals, Width: 4, Height: 4, Unit: Count, Steps: badAboveZero,
			Title: Text{"Повреждено в хранилище", "Damaged in the store"},
			About: Text{
				"Сохранённые записи, которые при проверке оказались изменены, пропали или не читаются.",
				"Stored recordings that a check found altered, absent or unreadable.",
			},
			Prom: []Prom{{Expr: `sum(fonoteka_fixity_faulty)`}},
		},
		{
			Kind: Totals, Width: 4, Height: 4, Unit: Span, Steps: lateSeconds,
			Title: Text{"Отставание звонков", "Calls are late by"},
			About: Text{
				"Насколько отчёты по звонкам отстают от настоящего. После перерыва догоняет само.",
				"How far the reports on calls are behind the present. After an outage it catches up by itself.",
			},
			Prom: []Prom{{Expr: `max(fonoteka_cdr_lag_seconds)`}},
		},
		{
			Kind: Totals, Width: 4, Height: 4, Unit: Bytes, Steps: []Step{{0, Red}, {5e9, Yellow}, {20e9, Green}},
			Title: Text{"Свободно на диске", "Free disk"},
			About: Text{
				"Место в папке данных. Когда остаётся 2 ГБ, уведомления больше не принимаются.",
				"Room in the data folder. At 2 GiB notifications are refused.",
			},
			Prom: []Prom{{Expr: `min(fonoteka_spool_free_bytes)`}},
		},
	}
}

func intakePanels() []Panel {
	return []Panel{
		heading("Уведомления и звонки", "Notifications and calls"),
		{
			Kind: Lines, Width: 12, Height: 8, Unit: PerSec,
			Title: Text{"Запросы от оператора", "Requests from the operator"},
			About: Text{
				"Отказ – нет места или сбой диска: оператор пришлёт ещё раз. Пришедшие не на тот адрес потеряны.",
				"Refused, for lack of room or a broken disk: the operator sends them again. Those sent to a wrong address are lost.",
			},
			Series: intakeOutcomes,
			Prom:   []Prom{{Expr: `sum by (outcome) (rate(fonoteka_intake_requests_total[$__rate_interval])) > 0`, Legend: Text{"{{outcome}}", "{{outcome}}"}}},
		},
		{
			Kind: Lines, Width: 12, Height: 8, Unit: Seconds,
			Title: Text{"Время ответа оператору", "Time to answer the operator"},
			About: Text{
				"Сколько проходит от запроса до ответа; уведомление к этому времени уже на диске.",
				"From the request to the answer; by then the notification is on disk.",
			},
			Prom: []Prom{
				{Expr: `histogram_quantile(0.5, sum by (le) (rate(fonoteka_intake_post_seconds_bucket[$__rate_interval])))`, Legend: Text{"половина быстрее", "half are faster"}, Colour: Blue},
				{Expr: `histogram_quantile(0.99, sum by (le) (rate(fonoteka_intake_post_seconds_bucket[$__rate_interval])))`, Legend: Text{"99 % быстрее", "99 % are faster"}, Colour: Orange},
			},
		},
		{
			Kind: Lines, Width: 12, Height: 8, Unit: Span,
			Title: Text{"Очередь на обработку", "Waiting to be processed"},
			About: Text{
				"Возраст самого старого необработанного уведомления. Для отчётов – ещё не в таблицах, для записей – запись ещё не поставлена на скачивание.",
				"Age of the oldest notification not processed. For the reports: not in the tables yet; for the recordings: its recording is not scheduled yet.",
			},
			Prom: []Prom{
				{Expr: `max(fonoteka_spool_cursor_lag_seconds{cursor="warehouse"})`, Legend: Text{"для отчётов", "for the reports"}, Colour: Blue},
				{Expr: `max(fonoteka_spool_cursor_lag_seconds{cursor="recordings"})`, Legend: Text{"для записей", "for the recordings"}, Colour: Orange},
				{Expr: `max(fonoteka_cdr_lag_seconds)`, Legend: Text{"сборка звонков", "making calls"}, Colour: Purple},
				{Expr: `time() - (max(fonoteka_rollup_last_pass_timestamp_seconds) > 0)`, Legend: Text{"отчёты", "reports"}, Colour: Green},
			},
		},
		{
			Kind: Lines, Width: 12, Height: 8, Unit: Count,
			Title: Text{"Непонятое и неудачное, за 5 минут", "Not understood or failed, in 5 minutes"},
			About: Text{
				"Непрочитанные уведомления хранятся в таблице rejected; после обновления программы: fonoteka replay.",
				"What could not be read is kept in the table rejected; after an upgrade: fonoteka replay.",
			},
			Prom: []Prom{
				{Expr: `sum(increase(fonoteka_notifications_total{kind="rejected"}[5m]))`, Legend: Text{"не прочитано", "not readable"}, Colour: Orange},
				{Expr: `sum(increase(fonoteka_relay_failures_total[5m]))`, Legend: Text{"не записано, повторяется", "not written, tried again"}, Colour: Red},
				{Expr: `sum(increase(fonoteka_cdr_failures_total[5m]))`, Legend: Text{"сборка звонков, повторяется", "making calls, tried again"}, Colour: Purple},
			},
		},
	}
}

func archivePanels() []Panel {
	return []Panel{
		heading("Записи разговоров", "Recordings"),
		{
			Kind: Lines, Width: 12, Height: 8, Unit: Count,
			Title: Text{"Скачивания за 5 минут", "Downloads in 5 minutes"},
			About: Text{
				"Сохранено, и почему не удалось: попытки повторяются.",
				"Stored, and why it failed: it is tried again.",
			},
			Series: archiveOutcomes,
			Prom:   []Prom{{Expr: `sum by (outcome) (increase(fonoteka_archive_attempts_total[5m])) > 0`, Legend: Text{"{{outcome}}", "{{outcome}}"}}},
		},
		{
			Kind: Lines, Width: 12, Height: 8, Unit: Span,
			Title: Text{"От объявления до архива", "From announcement to archive"},
			About: Text{
				"Сколько проходит от уведомления о записи до сохранённого файла, и сколько ждёт самая старая из тех, что пора скачивать.",
				"From the notification of a recording to its stored file, and how long the oldest that is due has waited.",
			},
			Prom: []Prom{
				{Expr: `histogram_quantile(0.5, sum by (le) (rate(fonoteka_archive_lag_seconds_bucket[$__rate_interval])))`, Legend: Text{"половина быстрее", "half are faster"}, Colour: Blue},
				{Expr: `histogram_quantile(0.9, sum by (le) (rate(fonoteka_archive_lag_seconds_bucket[$__rate_interval])))`, Legend: Text{"90 % быстрее", "90 % are faster"}, Colour: Orange},
				{Expr: `max(fonoteka_recordings_oldest_due_seconds)`, Legend: Text{"ждёт самая старая", "the oldest waits"}, Colour: Red},
			},
		},
		{
			Kind: Lines, Width: 8, Height: 8, Unit: Count,
			Title: Text{"Ждут скачивания", "Waiting to be fetched"},
			About: Text{
				"Пора скачивать, скачиваются сейчас и ещё не сохранённые всего.",
				"Due, being fetched now, and all that are not stored yet.",
			},
			Prom: []Prom{
				{Expr: `sum(fonoteka_recordings_due)`, Legend: Text{"пора", "due"}, Colour: Orange},
				{Expr: `sum(fonoteka_archive_in_flight)`, Legend: Text{"скачиваются", "being fetched"}, Colour: Blue},
				{Expr: `sum(fonoteka_recordings_at_risk)`, Legend: Text{"не сохранено всего", "not stored, all"}, Colour: Grey},
			},
		},
		{
			Kind: Lines, Width: 8, Height: 8, Unit: Days,
			Title: Text{"Давность проверки архива", "Age of the archive's checks"},
			About: Text{
				"Каждая запись перечитывается и сверяется раз в 30 дней. Здесь – как давно проверялась та, что дольше всех ждёт.",
				"Every recording is read again and compared within 30 days. This is the age of the check that is oldest.",
			},
			Prom: []Prom{{Expr: `max(fonoteka_fixity_oldest_unchecked_seconds) / 86400`, Legend: Text{"давность", "age"}, Colour: Blue}},
		},
		{
			Kind: Lines, Width: 8, Height: 8, Unit: Count,
			Title: Text{"Прослушивания за час", "Listening, in an hour"},
			About: Text{
				"Сколько записей открыли, и почему какую-то нельзя было. Где файл не тот, что был сохранён, скажет fonoteka scrub.",
				"How many recordings were opened, and why some could not be. Which file is not what was stored, fonoteka scrub tells.",
			},
			Series: playbackAnswers,
			Prom:   []Prom{{Expr: `sum by (answer) (increase(fonoteka_playback_requests_total[1h])) > 0`, Legend: Text{"{{answer}}", "{{answer}}"}}},
		},
	}
}

func storePanels() []Panel {
	return []Panel{
		heading("Хранилища и ресурсы", "Stores and resources"),
		{
			Kind: States, Width: 8, Height: 8, Unit: NoUnit,
			Title: Text{"Хранилища работают", "Stores are up"},
			About: Text{
				"Встроенные ClickHouse, S3 и Redis; упавшее запускается снова само.",
				"The embedded ClickHouse, S3 and Redis; one that dies is started again by itself.",
			},
			Prom: []Prom{
				{Expr: `min by (store) (fonoteka_embedded_up)`, Legend: Text{"{{store}}", "{{store}}"}},
				{Expr: `min(fonoteka_queue_redis_up)`, Legend: Text{"Redis отвечает", "Redis answers"}},
			},
			Series: storeNames,
		},
		{
			Kind: Lines, Width: 8, Height: 8, Unit: Count,
			Title: Text{"Сбои хранилищ за 5 минут", "Failures of stores in 5 minutes"},
			About: Text{
				"Неудачные запросы к ClickHouse и к хранилищу файлов и перезапуски встроенных. Причина – в журнале serve и на /readyz.",
				"Failed requests to ClickHouse and to the object store, and restarts of the embedded ones. The reason is in the log of serve and at /readyz.",
			},
			Prom: []Prom{
				{Expr: `sum(increase(fonoteka_warehouse_operations_total{result="failed"}[5m]))`, Legend: Text{"ClickHouse", "ClickHouse"}, Colour: Orange},
				{Expr: `sum(increase(fonoteka_blob_errors_total{kind="failed"}[5m]))`, Legend: Text{"хранилище файлов", "object store"}, Colour: Purple},
				{Expr: `sum(increase(fonoteka_embedded_restarts_total[5m]))`, Legend: Text{"перезапуски", "restarts"}, Colour: Red},
			},
		},
		{
			Kind: Lines, Width: 8, Height: 8, Unit: Bytes,
			Title: Text{"Память и очередь на диске", "Memory, and what is spooled"},
			About: Text{
				"Память самой программы, без встроенных хранилищ, и объём принятых уведомлений на диске.",
				"Memory of the program itself, without the embedded stores, and the notifications kept on disk.",
			},
			Prom: []Prom{
				{Expr: `max(process_resident_memory_bytes{job="fonoteka"})`, Legend: Text{"память", "memory"}, Colour: Blue},
				{Expr: `max(fonoteka_spool_disk_bytes)`, Legend: Text{"уведомления на диске", "notifications on disk"}, Colour: Green},
			},
		},
	}
}
