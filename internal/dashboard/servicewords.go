package dashboard

// What the lines of the service's dashboard are called, by the labels of its metrics.
// A label that a later version adds is shown as it is.
var (
	intakeOutcomes = []Saying{
		{"kept", Text{"принято", "kept"}, Green},
		{"empty", Text{"проверка адреса", "a check of the address"}, Green.pale()},
		{"greeted", Text{"открыли в браузере", "opened in a browser"}, Blue.pale()},
		{"oauth", Text{"вход к оператору", "logging in at the operator's"}, Blue},
		{"too_large", Text{"слишком велико, сохранено не всё", "too large, kept in part"}, Yellow},
		{"broken_off", Text{"пришло не целиком", "broken off"}, Yellow.dark()},
		{"full", Text{"отказ: нет места", "refused: no room"}, Red},
		{"failed", Text{"отказ: сбой диска", "refused: the disk fails"}, Red.light()},
		{"stopping", Text{"отказ: останавливается", "refused: stopping"}, Orange},
		{"panicked", Text{"сбой программы", "a defect of the program"}, Red.dark()},
		{"misdirected", Text{"не на тот адрес, потеряно", "to a wrong address, lost"}, Purple},
		{"not_found", Text{"чужие запросы", "requests of others"}, Grey},
		{"method", Text{"запросы не по правилам", "unfit requests"}, Purple.pale()},
		{"foreign", Text{"не из сети оператора", "not from the operator's network"}, Orange.dark()},
	}
	archiveOutcomes = append([]Saying{
		{"archived", Text{"сохранено", "archived"}, Green},
		{"finished", Text{"было сохранено раньше", "was archived before"}, Blue},
		{"stale", Text{"уже не нужно", "nothing to do any more"}, Grey},
		{"same", Text{"тот же короткий файл", "the same short file"}, Blue.pale()},
		{"another", Text{"другой файл, сохранён рядом", "another file, kept beside"}, Purple},
		{"again", Text{"сбой у нас, повторяется", "failed here, tried again"}, Red},
	}, failureKinds...)
	failureKinds = []Saying{
		{"missing", Text{"файла у оператора ещё нет", "the operator has no file yet"}, Yellow},
		{"too_early", Text{"оператор ещё готовит файл", "the operator prepares the file"}, Yellow.pale()},
		{"gone", Text{"оператор удалил файл", "the operator has deleted the file"}, Red.light()},
		{"unauthorised", Text{"оператор требует входа", "the operator wants a login"}, Orange},
		{"bad_answer", Text{"ошибка у оператора", "an error at the operator's"}, Orange.dark()},
		{"unreachable", Text{"сервер оператора недоступен", "the operator's server is out of reach"}, Orange.light()},
		{"timeout", Text{"слишком медленно", "too slow"}, Yellow.dark()},
		{"cut", Text{"передача оборвалась", "the transfer broke off"}, Yellow.light()},
		{"not_audio", Text{"пришла не запись", "no audio came"}, Purple.dark()},
		{"incomplete", Text{"у файла нет конца", "the file's end is missing"}, Purple.light()},
		{"damaged", Text{"файл повреждён", "the file is damaged"}, Orange.pale()},
		{"unverifiable", Text{"целость нельзя проверить", "nothing tells whether it is whole"}, Purple.pale()},
		{"too_large", Text{"слишком велик", "too large"}, Blue.dark()},
		{"refused", Text{"запрещено настройками", "forbidden by settings"}, Blue.light()},
		{"ours", Text{"сбой у нас на этой записи", "fails here on this one"}, Red.dark()},
	}
	playbackAnswers = []Saying{
		{"served", Text{"открыто", "opened"}, Green},
		{"broken", Text{"оборвалось", "broke off"}, Orange},
		{"unauthorised", Text{"неверный пароль", "wrong password"}, Yellow},
		{"too_many", Text{"слишком много неверных паролей", "too many wrong passwords"}, Yellow.dark()},
		{"unknown", Text{"нет такой записи", "no such recording"}, Grey},
		{"absent", Text{"ещё не в архиве", "not archived yet"}, Blue},
		{"differs", Text{"файл не тот", "the file differs"}, Red},
		{"altered", Text{"файл изменён к концу", "the file's end is altered"}, Red.dark()},
		{"failed", Text{"сбой хранилища", "a store failed"}, Purple},
	}
	storeNames = []Saying{
		{"clickhouse", Text{"ClickHouse", "ClickHouse"}, ""},
		{"redis", Text{"Redis", "Redis"}, ""},
		{"s3", Text{"S3", "S3"}, ""},
	}
)
